"""``rnngraph explain``: what the gates of a trained model did, as one HTML page."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from .. import explain
from .arguments import named_cell, natural
from .files import read

PAGE = "report.html"
EPILOG = """\
The page needs no network; all its numbers are in a .json file beside it. CHECKPOINT is what
'rnngraph demo' (weights.safetensors) and 'rnngraph train' (best.safetensors) write.

examples:
  rnngraph explain rnngraph-demo/weights.safetensors "The cats the dog likes were full."
  rnngraph explain weights.safetensors "The cat was full." "The cats were full." -o cats.html
  rnngraph explain best.safetensors "once upon a time" --swap a=o --decide e=a
  rnngraph explain weather.safetensors --array weather.npy --rows 0 7 --output y
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``explain``."""
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a trained model")
    parser.add_argument("sentences", nargs="*", metavar="TEXT", help="what it reads, side by side")
    parser.add_argument("-o", "--page", default=PAGE, metavar="FILE", help=f"(default: {PAGE})")
    parser.add_argument("--cell", metavar="CELL", help="where the checkpoint has no text of it")
    words = parser.add_argument_group("for words")
    words.add_argument("--swap", type=_pair, nargs="+", action="extend", default=[],
                       metavar="WORD=OTHER", help="what would have been if OTHER stood for WORD")
    words.add_argument("--decide", type=_pair, metavar="WORD=OTHER",
                       help="what is explained: that WORD is preferred to OTHER")
    numbers = parser.add_argument_group("for numbers")
    numbers.add_argument("--array", metavar="FILE", help="inputs [T, B, ...]: .npy, .npz, text")
    numbers.add_argument("--rows", type=natural, nargs="+", metavar="B",
                         help="which sequences (default: the first four)")
    numbers.add_argument("--output", metavar="NAME", help="what is explained (default: the first)")
    numbers.add_argument("--element", type=natural, metavar="I",
                         help="which number of it, at the last step (default: 0)")


def run(args: Namespace) -> int:
    """Write the report, and say what it says."""
    _check(args)
    explain.need_d3()
    model = explain.trained(args.checkpoint, named_cell(args.cell) if args.cell else None)
    made = _series(model, args) if args.array else explain.explain_sentences(
        model, args.sentences, swaps=args.swap, decide=args.decide)
    files = explain.write_report(made, args.page)
    print("\n\n".join([*made["story"], "\n".join(f"wrote {file}" for file in files)]))
    return 0


def _check(args: Namespace) -> None:
    """What says something of words does not go with numbers, nor the reverse."""
    if bool(args.sentences) == bool(args.array):
        raise ValueError("give sentences, or numbers by --array FILE")
    words = {"--swap": args.swap or None, "--decide": args.decide}
    numbers = {"--rows": args.rows, "--output": args.output, "--element": args.element}
    for option, given in (words if args.array else numbers).items():
        if given is not None:
            raise ValueError(f"{option} is for {'words' if args.array else 'numbers'}, and "
                             f"{'--array gives numbers' if args.array else 'there are sentences'}")


def _series(model: explain.Trained, args: Namespace) -> dict[str, Any]:
    return explain.explain_series(model, read(args.array), rows=args.rows, output=args.output,
                                  element=args.element or 0)


def _pair(text: str) -> tuple[str, str]:
    word, sign, other = text.partition("=")
    if not sign or not word or not other:
        raise ArgumentTypeError(f"'{text}' is not a pair such as cat=cats")
    return word, other
