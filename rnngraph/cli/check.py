"""``rnngraph check``: every mistake of every file, and what the good ones contain."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from math import prod

from ..cell import Cell
from ..graph import Graph, Node
from ..ops import show_shape
from ..source import CellError
from .arguments import CELL_HELP, add_sizes, consts_of, named_cell, sizes_of
from .program import said
from .terminal import note, paint_report

EPILOG = """\
Prints one line for every cell without mistakes. Exit code 1 if any has one.

examples:
  rnngraph check my.cell
  rnngraph check cells/*.cell
  rnngraph check lstm --sizes H=128 I=64     counts parameters in numbers
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``check``."""
    parser.add_argument("cells", nargs="+", metavar="CELL", help=CELL_HELP)
    parser.add_argument("-q", "--quiet", action="store_true", help="print mistakes only")
    add_sizes(parser)


def run(args: Namespace) -> int:
    """Check all cells; 1 if one of them has a mistake."""
    return max([_check(name, args) for name in args.cells])


def _check(name: str, args: Namespace) -> int:
    try:
        cell = named_cell(name)
        if args.sizes or args.const:
            cell = cell.bind(consts_of(args), **sizes_of(args))
    except (CellError, ValueError, OSError) as error:
        note(paint_report(said(error)) + "\n")
        return 1
    if not args.quiet:
        print(f"{name}: ok  {summary(cell)}")
    return 0


def summary(cell: Cell) -> str:
    """Name, sizes, states and the number of parameters, in one line."""
    graph = cell.graph
    states = [f"{name}{show_shape(state.leaf.shape)}" for name, state in graph.states.items()]
    sizes = f"sizes {', '.join(cell.sizes)}; " if cell.sizes else ""
    held = f"states {', '.join(states)}; " if states else "no state; "
    return f"{graph.title}: {sizes}{held}{parameters(graph)} parameters"


def parameters(graph: Graph) -> str:
    """How many numbers are learned: a number, or an expression of the sizes."""
    return _count(list(graph.params.values()))


def _count(leaves: list[Node]) -> str:
    total = sum((prod(leaf.shape) for leaf in leaves), start=0)
    return f"{total:,}" if isinstance(total, int) else str(total)
