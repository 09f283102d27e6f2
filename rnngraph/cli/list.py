"""``rnngraph list``: the library, a line for every cell."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .. import library
from ..cell import load
from .terminal import bold, dim

EPILOG = """\
examples:
  rnngraph list
  rnngraph list --source      where each cell was published
  rnngraph show gru           the equations of one
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``list``."""
    parser.add_argument("--source", action="store_true", help="say where each was published")
    parser.add_argument("--names", action="store_true", help="print bare names, for scripts")


def run(args: Namespace) -> int:
    """Print the library."""
    names = library.names()
    width = max(map(len, names), default=0)
    for name in names:
        if args.names:
            print(name)
            continue
        graph = load(name).graph
        print(f"{bold(name.ljust(width))}  {' '.join(graph.doc.split())}")
        if args.source and graph.source:
            print(" " * width + dim(f"  {' '.join(graph.source.split())}"))
    return 0
