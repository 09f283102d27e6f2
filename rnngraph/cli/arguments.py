"""Arguments that several commands share, and the cell that they describe."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable
from difflib import get_close_matches

from ..arrangement import stack
from ..cell import Cell, load, parse
from ..library import MAX_BYTES
from ..runtime.arrays import REAL

STDIN = "-"
CELL_HELP = "a name from the library (see 'rnngraph list'), a path, or - for standard input"


def add_cell(parser: ArgumentParser) -> None:
    """CELL and --layers."""
    parser.add_argument("cell", metavar="CELL", help=CELL_HELP)
    parser.add_argument(
        "--layers", type=positive, default=1, metavar="N", help="stack the cell N times"
    )


def add_sizes(parser: ArgumentParser, consts: bool = True) -> None:
    """--sizes H=128 I=64 and, where constants can be set, --const dt=0.1."""
    parser.add_argument(
        "--sizes",
        type=_size,
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=N",
        help="sizes of the cell, such as H=128 I=64",
    )
    if consts:
        add_consts(parser)


def add_consts(parser: ArgumentParser) -> None:
    """--const dt=0.1."""
    parser.add_argument(
        "--const",
        type=_const,
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="constants of the cell, such as dt=0.1",
    )


def add_machine(parser: ArgumentParser) -> None:
    """--dtype and --target."""
    parser.add_argument("--dtype", choices=[*REAL], default="f32", help="precision (default: f32)")
    parser.add_argument(
        "--target", default="host", help="instruction set: host (default), sse2, avx2, avx512, neon"
    )


def cell_of(args: Namespace) -> Cell:
    """The cell that CELL and --layers name. Raises CellError, OSError or ValueError."""
    cell = named_cell(args.cell)
    return stack(cell, layers=args.layers) if args.layers > 1 else cell


def named_cell(name: str) -> Cell:
    """A cell by library name or path, or from standard input."""
    return parse(_standard_input(), "<stdin>") if name == STDIN else load(name)


def _standard_input() -> str:
    text = sys.stdin.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise ValueError(f"standard input has more than {MAX_BYTES} characters")
    return text


def sizes_of(args: Namespace) -> dict[str, int]:
    """--sizes as a dict."""
    return dict(args.sizes)


def consts_of(args: Namespace) -> dict[str, float]:
    """--const as a dict."""
    return dict(args.const)


# --- values ------------------------------------------------------------------------------------


def positive(text: str) -> int:
    """An integer that is at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"'{text}' is not a positive integer")
    return int(text)


def natural(text: str) -> int:
    """An integer that is at least 0."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"'{text}' is not a natural number")
    return int(text)


def named_choices(text: str, known: Iterable[str], what: str) -> str:
    """One of the known words; else an error with the closest of them."""
    words = list(known)
    if text in words:
        return text
    close = get_close_matches(text, words, 1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    raise ArgumentTypeError(f"there is no {what} '{text}'{hint}; it is one of {', '.join(words)}")


def _size(text: str) -> tuple[str, int]:
    name, sign, value = text.partition("=")
    if not sign or not name or not value.isdecimal():
        raise ArgumentTypeError(f"'{text}' is not a size such as H=128")
    return name, int(value)


def _const(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is not a constant such as dt=0.1") from None
    whole = number.is_integer() and value.lstrip("+-").isdecimal()
    return name, int(value) if whole else number
