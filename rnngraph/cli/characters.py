"""``rnngraph characters``: what a character model has learned of its text; trained, if need be."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ..characters import Options, examine, train_and_examine
from .arguments import add_sizes, named_cell, positive
from .program import INTERRUPTED
from .settings import add_settings, given_settings

EPILOG = """\
On the part of the text that was held out for the test: how often gates are at the ends of their
range, the units that follow the text (shown as coloured text), n-gram models with modified
Kneser-Ney smoothing, what kinds of errors are left, and closing brackets by distance. The folder
gets report.html, report.json and the pictures. --lstmvis adds the traces as a data set of LSTMVis.
MODEL is what 'rnngraph train lstm --text book.txt --folder lstm-book' leaves. With a cell in its
place, models of so many layers are trained first, one after the other; Ctrl-C keeps what is
finished, and the same command goes on from there.

examples:
  rnngraph characters lstm --text book.txt --layers 1 2 3 -o lstm-book
  rnngraph characters lstm-book --text book.txt
  rnngraph characters lstm-book --text book.txt -o out --unit c:17 --unit f:3 --order 9
"""
DEFAULT = Options()
FOLDER = "rnngraph-characters"


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``characters``."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a folder of 'rnngraph train', one of its checkpoints, or a cell to train: a library "
        "name or a path",
    )
    parser.add_argument("--text", required=True, metavar="FILE", help="the text it was trained on")
    parser.add_argument(
        "-o", "--folder", metavar="FOLDER", help="where files are written (default: MODEL/report; "
        "of a cell, rnngraph-characters)"
    )
    parser.add_argument(
        "--unit",
        action="append",
        default=[],
        metavar="NAME:N",
        help="a unit to show beside those that are found, such as c:17; may be repeated",
    )
    for name, text in (
        ("order", "the highest order of the n-gram models"),
        ("traced", "characters whose gates are looked at"),
        ("shown", "characters of coloured text"),
    ):
        default = getattr(DEFAULT, name)
        parser.add_argument(
            f"--{name}",
            type=positive,
            default=default,
            metavar="N",
            help=f"{text} (default: {default})",
        )
    parser.add_argument(
        "--ngrams", type=Path, metavar="FILE", help="keeps the n-gram models, for other models too"
    )
    parser.add_argument(
        "--lstmvis", metavar="FOLDER", help="write the traces for LSTMVis (needs h5py)"
    )
    training = parser.add_argument_group("where a cell is trained")
    training.add_argument("--layers", type=positive, nargs="+", default=SUPPRESS, metavar="N",
                          help="models of so many layers each (default: 1)")
    add_settings(training, but=("layers",))
    add_sizes(parser, consts=False)


def run(args: Namespace) -> int:
    """Examine the model; train it first, where there is a cell. 130 if Ctrl-C ended that."""
    options = Options(args.traced, args.shown, args.order, tuple(args.unit))
    model, settings = Path(args.model), given_settings(args)
    if not model.exists() or model.suffix == ".cell":
        return _trained(args, options, settings)
    if settings:
        raise ValueError(f"--{next(iter(settings)).replace('_', '-')} is for a training, but "
                         f"{model} is trained already")
    folder = args.folder or (model if model.is_dir() else model.parent) / "report"
    examine(model, args.text, folder, options, ngrams=args.ngrams, lstmvis=args.lstmvis)
    return 0


def _trained(args: Namespace, options: Options, settings: dict[str, Any]) -> int:
    """Train a cell in each depth and examine the models."""
    if args.lstmvis:
        raise ValueError("--lstmvis writes the traces of one model: name it instead of a cell")
    layers = settings.pop("layers", [1])
    results = train_and_examine(named_cell(args.model), args.text, args.folder or FOLDER, layers,
                                options, ngrams=args.ngrams, **settings)
    return INTERRUPTED if results[-1].interrupted else 0
