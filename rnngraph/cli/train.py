"""``rnngraph train``: a character model around any cell, on any text.

Every setting of a training is an option; the options are made from the fields of ``Setting``.
"""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace
from dataclasses import MISSING, Field, fields
from typing import Any

from ..runtime.arrays import REAL
from ..train.optimisers import OPTIMISERS
from ..train.rates import RATES
from ..train.run import Setting, train_text
from .arguments import CELL_HELP, add_sizes, named_cell
from .program import INTERRUPTED

EPILOG = """\
The folder gets last.safetensors, to go on from, and best.safetensors, the best on held-out text.
Ctrl-C keeps the last finished step. A resumed training ends with the same bits as one that was
never stopped; its cell and settings are those of the checkpoint.

examples:
  rnngraph train lstm --text book.txt
  rnngraph train gru --text book.txt --folder gru-book --hidden 256 --layers 2 --epochs 10
  rnngraph train --resume --text book.txt --folder gru-book --epochs 20
  rnngraph train lstm --text book.txt --steps 500 --prime "Once upon" --temperature 0.7
"""
HELP = {
    "hidden": "units of the cell",
    "layers": "how many of the cell are stacked",
    "embedding": "numbers that stand for a character",
    "batch": "streams of text read side by side",
    "window": "characters between two updates (truncated back-propagation)",
    "encoding": "how the text is stored",
    "held_out": "share of the text to validate on, and as much again to test on",
    "epochs": "passes over the text",
    "steps": "updates, instead of --epochs",
    "optimiser": "how parameters follow the gradient",
    "schedule": "how the learning rate falls from --rate to --last-rate",
    "rate": "learning rate at the beginning",
    "last_rate": "learning rate at the end",
    "clip": "greatest norm of a gradient",
    "seed": "of the first parameters and the sample",
    "dtype": "precision",
    "validate_every": "updates between two looks at held-out text",
    "checkpoint_every": "keep only every Nth state of a window for the gradient, and run the "
    "rest again when it is due: less memory, the same bits",
    "threads": "threads it may use, where a window is worth them: the same bits",
}
CHOICES: dict[str, list[str]] = {
    "optimiser": [*OPTIMISERS],
    "schedule": [*RATES],
    "dtype": [*REAL],
}
ELSEWHERE = ("sizes",)  # an option that other commands have too
OPTIONS = tuple(field for field in fields(Setting) if field.name not in ELSEWHERE)


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``train``."""
    parser.add_argument("cell", nargs="?", metavar="CELL", help=CELL_HELP)
    parser.add_argument("--text", required=True, metavar="FILE", help="the text")
    parser.add_argument(
        "--folder",
        default="rnngraph-train",
        metavar="FOLDER",
        help="where checkpoints are kept (default: rnngraph-train)",
    )
    parser.add_argument("--resume", action="store_true", help="go on from FOLDER's last checkpoint")
    sampling = parser.add_argument_group("the sample at the end")
    sampling.add_argument("--prime", default=SUPPRESS, metavar="TEXT", help="how it begins")
    sampling.add_argument(
        "--sample-length", type=int, default=SUPPRESS, metavar="N", help="characters of it"
    )
    sampling.add_argument(
        "--temperature",
        type=float,
        default=SUPPRESS,
        metavar="T",
        help="below 1 it dares less, above 1 more",
    )
    settings = parser.add_argument_group("settings")
    for field in OPTIONS:
        _add_setting(settings, field)
    add_sizes(parser, consts=False)


def _add_setting(group: Any, field: Field[Any]) -> None:
    default = None if field.default is MISSING else field.default
    shown = f" (default: {default})" if default is not None else ""
    kind = int if default is None else type(default)
    choices = CHOICES.get(field.name)
    group.add_argument(
        f"--{field.name.replace('_', '-')}",
        type=kind,
        choices=choices,
        default=SUPPRESS,
        metavar=None if choices else "NAME" if kind is str else "N",
        help=HELP[field.name] + shown,
    )


def run(args: Namespace) -> int:
    """Train; 130 if Ctrl-C ended it."""
    names = [field.name for field in OPTIONS] + ["prime", "sample_length", "temperature"]
    given = {name: getattr(args, name) for name in names if hasattr(args, name)}
    if args.sizes:
        given["sizes"] = dict(args.sizes)
    cell = named_cell(args.cell) if args.cell else None
    result = train_text(cell, args.text, args.folder, resume=args.resume, **given)
    return INTERRUPTED if result.interrupted else 0
