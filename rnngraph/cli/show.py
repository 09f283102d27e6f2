"""``rnngraph show``: a cell at any stage on its way from text to machine code, by the stage's name.

The names of the stages are those of ``compile.STAGES``; before them come the text and its tree,
behind them what the backend makes of the schedule.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ..activity import differentiable
from ..cell import Cell
from ..compile import STAGES, Request, build, value_at
from ..graph import Graph
from ..graph import show as show_graph
from ..latex import definitions, equations
from ..runtime.arrays import REAL
from ..schedule.memory import memory
from ..source import Source
from ..syntax import Cell as Tree
from ..syntax import parse, print_cell
from .arguments import add_cell, add_machine, add_sizes, cell_of, consts_of, named_choices, sizes_of
from .terminal import note

FRONT = ("text", "tree", "graph")
MIDDLE = tuple(name for name, _ in STAGES)
MACHINE = ("llvm", "assembly")
NAMES = (*FRONT, *MIDDLE, *MACHINE)
COUNTED_FROM = "hoisted"  # from this stage on, costs decide, and costs need numbers
DEFAULT_SIZE = 64
EPILOG = f"""\
stages, in order:
  {", ".join(FRONT)},
  {", ".join(MIDDLE)},
  {", ".join(MACHINE)}

Sizes stay symbols while they can. From '{COUNTED_FROM}' on they must be numbers: sizes that are not
given are taken as {DEFAULT_SIZE}. Stage 'gradient' implies --gradients; with --gradients the later
stages contain the backward run too.

examples:
  rnngraph show lstm                               its equations
  rnngraph show lstm --stage tree --math           in mathematical spelling
  rnngraph show lstm --latex                       for a paper
  rnngraph show gru --stage gradient               the gradient, as a graph of the same kind
  rnngraph show lstm --stage schedule --sizes H=128 I=64 --gradients
  rnngraph show lstm --memory --sizes H=128 I=64   what training keeps, in bytes
  rnngraph show lstm --stage assembly --target avx2 | less
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``show``."""
    add_cell(parser)
    parser.add_argument(
        "--stage",
        type=lambda text: named_choices(text, NAMES, "stage"),
        default="text",
        metavar="NAME",
        help="what to print (default: text)",
    )
    parser.add_argument("--gradients", action="store_true", help="compile for gradients too")
    parser.add_argument(
        "--memory",
        action="store_true",
        help="what training keeps for every step and row: saved, computed again, and why",
    )
    parser.add_argument("--few-rows", action="store_true", help="compile for batches of few rows")
    parser.add_argument(
        "--parallel-scan", action="store_true", help="linear recurrences in pieces of time at once"
    )
    parser.add_argument("--math", action="store_true", help="spell the tree as papers do: σ ⊙ ·")
    parser.add_argument("--latex", action="store_true", help="print the equations as LaTeX")
    add_sizes(parser)
    add_machine(parser)


def run(args: Namespace) -> int:
    """Print the stage."""
    print(stage_text(cell_of(args), args).rstrip("\n"))
    return 0


def stage_text(cell: Cell, args: Namespace) -> str:
    """The stage that the arguments name, as text."""
    stage = args.stage
    if args.memory:
        return _memory(cell, args)
    if args.latex:
        return _latex(cell, args)
    if stage == "text":
        return cell.text
    if stage == "tree":
        return _tree(cell, args)
    graph = _bound(cell, args).graph
    if stage == "graph":
        return show_graph(graph)
    request = _request(graph, args)
    if stage in MACHINE:
        machine = build(graph, request, args.dtype, args.target).texts()
        return str(getattr(machine, stage))
    return _printed(value_at(graph, request, stage))


def _memory(cell: Cell, args: Namespace) -> str:
    args.stage, args.gradients = "schedule", True
    graph = _bound(cell, args).graph
    found = value_at(graph, _request(graph, args), "schedule")
    return str(memory(found, REAL[args.dtype].itemsize))


def _latex(cell: Cell, args: Namespace) -> str:
    tree = _parsed(cell, args)
    return "\n".join(filter(None, (equations(tree, cell.graph), definitions(tree, cell.graph))))


def _tree(cell: Cell, args: Namespace) -> str:
    return print_cell(_parsed(cell, args), unicode=args.math)


def _parsed(cell: Cell, args: Namespace) -> Tree:
    if args.layers > 1:
        raise ValueError("a stack has no syntax tree: its first stage is 'graph'")
    return parse(Source(cell.text))


def _bound(cell: Cell, args: Namespace) -> Cell:
    sizes, consts = sizes_of(args), consts_of(args)
    counted = args.stage in (*MIDDLE[MIDDLE.index(COUNTED_FROM) :], *MACHINE)
    if not sizes and not consts and not counted:
        return cell
    assumed = {name: DEFAULT_SIZE for name in cell.sizes if name not in sizes}
    if assumed:
        chosen = ", ".join(f"{name}={size}" for name, size in assumed.items())
        note(f"note: taken as {chosen}; choose with --sizes")
    return cell.bind(consts, **assumed, **sizes)


def _request(graph: Graph, args: Namespace) -> Request:
    backward = args.gradients or args.stage == "gradient"
    wrt = tuple(differentiable(graph)) if backward else None
    return Request(tuple(graph.outputs), wrt=wrt, few_rows=args.few_rows,
                   parallel_scan=args.parallel_scan)  # fmt: skip


def _printed(value: Any) -> str:
    return show_graph(value) if isinstance(value, Graph) else str(value)
