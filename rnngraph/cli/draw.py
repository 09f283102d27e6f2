"""``rnngraph draw``: diagrams of a cell and of what the compiler makes of it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..diagram import FORMATS, Diagram
from ..diagram.drawing import DETAILS
from ..files import write_whole
from ..views import VIEWS
from .arguments import add_cell, add_sizes, cell_of, consts_of, sizes_of
from .files import STDIO

DOT = "dot"
EPILOG = """\
examples:
  rnngraph draw lstm                               writes LSTM.svg
  rnngraph draw lstm -o lstm.png
  rnngraph draw gru --detail ops -o gru.pdf        every operation
  rnngraph draw lstm --view gradient -o back.svg   the gradient beside the cell
  rnngraph draw lstm --view schedule -o plan.svg   what runs in the loop, what before and after it
  rnngraph draw my.cell -o - --format dot | dot -Tpng > my.png
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``draw``."""
    add_cell(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=f"a file ending in .{', .'.join((*FORMATS, DOT))}; - for standard "
        "output (default: the cell's name with .svg)",
    )
    parser.add_argument("--format", choices=(*FORMATS, DOT), help="instead of the file's ending")
    parser.add_argument("--detail", choices=[*DETAILS], help="named values only, or every op")
    parser.add_argument(
        "--view", choices=[*VIEWS], default="cell", help="what is drawn (default: cell)"
    )
    add_sizes(parser)


def run(args: Namespace) -> int:
    """Draw, and say which file was written."""
    cell = cell_of(args)
    if args.sizes or args.const:
        cell = cell.bind(consts_of(args), **sizes_of(args))
    diagram = VIEWS[args.view](cell.graph, args.detail)
    path = args.output or f"{cell.name}.{args.format or FORMATS[0]}"
    if path == STDIO:
        _print(diagram, args.format or FORMATS[0])
        return 0
    target = Path(path)
    write_whole(target, _content(diagram, args.format or target.suffix[1:].lower()))
    print(target)
    return 0


def _print(diagram: Diagram, format: str) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(_content(diagram, format))


def _content(diagram: Diagram, format: str) -> bytes:
    if format == DOT:
        return diagram.source.encode()
    if format not in FORMATS:
        known = ", ".join(f".{name}" for name in (*FORMATS, DOT))
        raise ValueError(f"pictures are {known}: end the file's name so, or add --format")
    return diagram.rendered(format)
