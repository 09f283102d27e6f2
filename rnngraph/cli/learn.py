"""``rnngraph learn``: which cells find out, on a small budget, what to remember."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from .. import library
from ..learn.page import show, write_page
from ..learn.problems import PROBLEMS
from ..learn.run import learn
from ..learn.trial import Budget
from ..train.progress import console
from .arguments import natural, positive

TASKS = "\n".join(f"  {name:<10} {problem.title}" for name, problem in PROBLEMS.items())
EPILOG = f"""\
tasks:
{TASKS}

Every cell gets the same budget, once for each learning rate; the best rate is reported, and a rate
at which training diverged is told. Results are those of a small budget.

examples:
  rnngraph learn lstm my.cell                     about half a minute
  rnngraph learn gru --tasks adding --updates 2000
  rnngraph learn --jobs 2 --resume --store learning.json      the whole library, 15 minutes
  rnngraph learn --tasks --store learning.json --write-docs docs
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``learn``."""
    add = parser.add_argument
    add("cells", nargs="*", metavar="CELL", help="cells by name or path (default: the library)")
    add(
        "--tasks",
        nargs="*",
        choices=[*PROBLEMS],
        default=[*PROBLEMS],
        metavar="TASK",
        help="what to train on (default: all); with no name nothing, to show a store",
    )
    _add_budget(parser)
    add(
        "--jobs",
        type=positive,
        default=1,
        metavar="N",
        help="processes that share the work (default: 1)",
    )
    add(
        "--store",
        type=Path,
        metavar="FILE.json",
        help="keep results here as they come, together with those that it has",
    )
    add("--resume", action="store_true", help="train only what the store does not have")
    add("--write-docs", type=Path, metavar="FOLDER", help="write learning.md into this folder")


def _add_budget(parser: ArgumentParser) -> None:
    """What every cell gets."""
    add, usual = parser.add_argument, Budget()
    add(
        "--updates",
        type=positive,
        default=usual.updates,
        metavar="N",
        help=f"updates of the parameters (default: {usual.updates})",
    )
    add(
        "--width",
        type=positive,
        default=usual.width,
        metavar="N",
        help=f"units of a cell (default: {usual.width})",
    )
    add(
        "--rows",
        type=positive,
        default=usual.rows,
        metavar="N",
        help=f"sequences of an update (default: {usual.rows})",
    )
    add(
        "--rates",
        nargs="+",
        type=_rate,
        default=list(usual.rates),
        metavar="RATE",
        help=f"learning rates to try (default: {' '.join(f'{rate:g}' for rate in usual.rates)})",
    )
    add(
        "--seed",
        type=natural,
        default=usual.seed,
        metavar="N",
        help=f"of first parameters and noise (default: {usual.seed})",
    )


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise ArgumentTypeError(f"'{text}' is no learning rate such as 0.01")
    return rate


def run(args: Namespace) -> int:
    """Train, and print the table."""
    budget = Budget(args.width, args.rows, args.updates, tuple(args.rates), args.seed)
    cells = args.cells or library.names()
    kept = learn(cells, args.tasks, budget, args.store, resume=args.resume, jobs=args.jobs)
    if args.write_docs is not None:
        write_page(kept.found, args.write_docs)
    chosen = {name: kept.found[name] for name in args.cells if name in kept.found}
    show(chosen or kept.found, console())
    return 0
