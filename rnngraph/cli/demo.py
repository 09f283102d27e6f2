"""``rnngraph demo``: the main job from end to end, on real sentences and without a network."""

from __future__ import annotations

import inspect
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from .. import demo
from ..tasks.agreement import REGIMES
from .arguments import add_sizes, named_cell, natural, positive

FOLDER = "rnngraph-demo"
EPILOG = """\
A cell knows which form of a verb follows in sentences such as "The cat, which ate already, was
full.". The demo prints its accuracy by the number of misleading nouns, and on longer and nested
sentences and verbs that are new to their subject, finds by ablation the unit that carries the
number, and writes a picture of that unit's gates word by word, the diagram of the cell, the
weights, and a page (report.html) in which every gate can be looked at. Last it says what the gate
that keeps did in two sentences, and why one set of weights could do both.

The LSTM's weights are stored; --train, or any option but the folder, trains afresh.

examples:
  rnngraph demo
  rnngraph demo --train
  rnngraph demo gru-demo --cell gru
  rnngraph demo rare-demo --regime rare
  rnngraph demo out --cell my.cell --hidden 64 --seconds 120
"""
OPTIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "hidden": (positive, "units of the cell"),
    "embedding": (positive, "numbers that stand for a word"),
    "seed": (natural, "of the sentences and of the first parameters"),
    "steps": (positive, "batches to train for"),
    "seconds": (float, "training ends after so long at the latest"),
}


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``demo``; defaults are those of ``rnngraph.demo.run``."""
    parser.add_argument(
        "folder",
        nargs="?",
        default=FOLDER,
        metavar="FOLDER",
        help=f"where files are written (default: {FOLDER})",
    )
    parser.add_argument("--cell", metavar="CELL", help="a library name or a path (default: lstm)")
    parser.add_argument("--train", action="store_true", help="train, instead of stored weights")
    defaults = inspect.signature(demo.run).parameters
    for name, (kind, text) in OPTIONS.items():
        parser.add_argument(
            f"--{name}",
            type=kind,
            default=SUPPRESS,
            metavar="N",
            help=f"{text} (default: {defaults[name].default})",
        )
    parser.add_argument(
        "--regime",
        choices=sorted(REGIMES),
        default=SUPPRESS,
        help=f"how often nouns in between mislead (default: {defaults['regime'].default})",
    )
    add_sizes(parser, consts=False)


def run(args: Namespace) -> int:
    """Run the demo."""
    given = {name: getattr(args, name) for name in (*OPTIONS, "regime") if hasattr(args, name)}
    cell = named_cell(args.cell) if args.cell else None
    train = bool(args.train or cell or given or args.sizes)
    demo.run(args.folder, cell=cell, sizes=dict(args.sizes), train=train, **given)
    return 0
