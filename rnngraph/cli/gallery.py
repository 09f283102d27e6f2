"""``rnngraph gallery``: a page for every cell, and how fast each of them is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from .. import gallery, library
from ..gallery import speed
from ..gallery.folder import FOLDER, LEARNING, SPEEDS
from ..progress import counting
from .terminal import note

T = TypeVar("T")
EPILOG = """\
A page has a cell's equations as papers write them, a diagram, sizes and parameters, operations,
what runs when, speed and what it learned; README.md is the index. Pages that are as they should be
stay untouched. --speed measures first, beside the LSTM, some three seconds a cell.

examples:
  rnngraph gallery                        all pages, into docs/cells
  rnngraph gallery lstm gru -o pages      two of them, and the index
  rnngraph gallery --speed                measure all cells on this machine, then write
  rnngraph gallery --speed --resume       only those that were not measured yet
  rnngraph show lstm --latex              the equations of one cell
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``gallery``."""
    add = parser.add_argument
    add("cells", nargs="*", metavar="CELL", help="cells of the library (default: all)")
    add("-o", "--output", type=Path, default=FOLDER, metavar="FOLDER",
        help=f"where pages go (default: {FOLDER})")
    add("--speed", action="store_true", help="measure speed first")
    add("--resume", action="store_true", help="measure only what is not in the file")
    add("--seconds", type=float, default=speed.SECONDS, metavar="S",
        help=f"of measuring, for a cell and a direction, but at least {speed.LEAST} rounds "
             f"(default: {speed.SECONDS})")
    add("--speeds", type=Path, default=SPEEDS, metavar="FILE.json",
        help=f"where speeds are kept (default: {SPEEDS})")
    add("--learning", type=Path, default=LEARNING, metavar="FILE.json",
        help=f"what cells learned (default: {LEARNING})")  # fmt: skip


def run(args: Namespace) -> int:
    """Measure where it is asked for, and write what is stale."""
    names = _names(args.cells)
    if args.resume and not args.speed:
        raise ValueError("--resume goes on with measuring: give --speed too")
    if args.speed:
        measured = speed.measure(names, args.speeds, args.resume, args.seconds)
        for _ in _shown(measured, len(names)):
            pass
    made = gallery.Gallery(args.speeds, args.learning)
    total = len(gallery.SUFFIXES) * len(names) + 1  # with the index
    written = list(_shown(gallery.write(made, args.output, names), total))
    print(f"{args.output}: {len(written)} of {total} files written anew")
    for path in gallery.left_over(made, args.output):
        note(f"note: '{path}' is of no cell of the library")
    return 0


def _names(given: Sequence[str]) -> list[str]:
    known = library.names()
    for name in given:
        if name not in known:
            library.find(name)  # says what is close to it
            raise ValueError(f"'{name}' is not in the library, and the gallery shows the library")
    return list(given) or known


def _shown(steps: Iterable[T], total: int) -> Iterator[T]:
    """Progress, step by step."""
    with counting(total) as tell:
        for step in steps:
            tell(f"{step}")
            yield step
