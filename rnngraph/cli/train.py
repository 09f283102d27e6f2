"""``rnngraph train``: a character model around any cell, on any text."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace

from ..train.run import train_text
from .arguments import CELL_HELP, add_sizes, named_cell
from .program import INTERRUPTED
from .settings import add_settings, given_settings

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
    add_settings(settings)
    add_sizes(parser, consts=False)


def run(args: Namespace) -> int:
    """Train; 130 if Ctrl-C ended it."""
    names = ("prime", "sample_length", "temperature")
    given = {name: getattr(args, name) for name in names if hasattr(args, name)}
    cell = named_cell(args.cell) if args.cell else None
    result = train_text(cell, args.text, args.folder, resume=args.resume,
                        **given, **given_settings(args))
    return INTERRUPTED if result.interrupted else 0
