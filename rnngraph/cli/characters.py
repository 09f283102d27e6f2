"""``rnngraph characters``: what a trained character model has learned of its text."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..characters import Options, examine
from .arguments import positive

EPILOG = """\
On the part of the text that was held out for the test: how often gates are at the ends of their
range, the units that follow the text (shown as coloured text), n-gram models with modified
Kneser-Ney smoothing, what kinds of errors are left, and closing brackets by distance. The folder
gets report.html, report.json and the pictures. --lstmvis adds the traces as a data set of LSTMVis.
MODEL is what 'rnngraph train lstm --text book.txt --folder lstm-book' leaves.

examples:
  rnngraph characters lstm-book --text book.txt
  rnngraph characters lstm-book --text book.txt -o out --unit c:17 --unit f:3 --order 9
"""
DEFAULT = Options()


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``characters``."""
    parser.add_argument(
        "model", metavar="MODEL", help="a folder of 'rnngraph train', or one of its checkpoints"
    )
    parser.add_argument("--text", required=True, metavar="FILE", help="the text it was trained on")
    parser.add_argument(
        "-o", "--folder", metavar="FOLDER", help="where files are written (default: MODEL/report)"
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


def run(args: Namespace) -> int:
    """Examine the model."""
    options = Options(args.traced, args.shown, args.order, tuple(args.unit))
    model = Path(args.model)
    folder = args.folder or (model if model.is_dir() else model.parent) / "report"
    examine(model, args.text, folder, options, ngrams=args.ngrams, lstmvis=args.lstmvis)
    return 0
