"""``rnngraph diff``: two cells side by side."""

from __future__ import annotations

import shutil
import sys
from argparse import ArgumentParser, Namespace
from html import escape
from pathlib import Path

from ..comparison import Difference, diff
from ..diagram import FORMATS
from ..files import write_whole
from .arguments import CELL_HELP, add_sizes, named_cell, sizes_of
from .terminal import PLAIN, RED, coloured, note

PAGE = "html"
EPILOG = """\
Equations stand together that define the same name, have the same right side, or the same label.
The exit code is 0 whether the cells differ or not.

examples:
  rnngraph diff lstm peephole_lstm
  rnngraph diff gru my.cell --sizes H=128 I=64     what they cost at these sizes (default: 64)
  rnngraph diff gru mgu --draw gru-mgu.svg         both drawings, what differs coloured
  rnngraph diff gru mgu --draw gru-mgu.html        the drawing and the text on one page
"""
HTML = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body {{ margin: 2em; font-family: Helvetica, Arial, sans-serif; }}
svg {{ max-width: 100%; height: auto; }}</style>
{picture}
<pre>{text}</pre>
</html>
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``diff``."""
    add = parser.add_argument
    add("left", metavar="CELL", help=CELL_HELP)
    add("right", metavar="CELL", help="the one that it is compared with")
    add("--draw", metavar="FILE", help=f"draw both, too: .{', .'.join((*FORMATS, PAGE))}")
    add_sizes(parser, consts=False)


def run(args: Namespace) -> int:
    """Print the comparison, and draw it if that is asked for."""
    target = Path(args.draw) if args.draw else None
    if target is not None and target.suffix[1:].lower() not in (*FORMATS, PAGE):
        raise ValueError(f"'{target}': drawings are .{', .'.join((*FORMATS, PAGE))}")
    left, right = named_cell(args.left), named_cell(args.right)
    found = diff(left, right, **sizes_of(args))
    if target is not None:
        write_whole(target, _drawn(found, target.suffix[1:].lower()))
        note(f"wrote {target}")
    print(found.text(shutil.get_terminal_size((100, 24)).columns, _paint), end="")
    return 0


def _paint(text: str, differs: bool) -> str:
    return f"{RED}{text}{PLAIN}" if differs and coloured(sys.stdout) else text


def _drawn(found: Difference, format: str) -> bytes:
    if format != PAGE:
        return found.diagram().rendered(format)
    svg = found.diagram().svg
    title = " and ".join(found.titles)
    return HTML.format(
        title=escape(title), picture=svg[svg.index("<svg") :], text=escape(found.text())
    ).encode()
