"""``rnngraph COMMAND ...``: the table of commands, and what becomes of mistakes.

    Command ::= name, summary        its module, of the same name, has
                                     EPILOG, add_arguments(parser), run(args) -> exit code

A command's module is imported when the command is given, so that help is fast and ``check`` does
not pay for what ``train`` needs. Exit codes: 0 it went well; 1 a mistake of the user's, in a cell
or a file; 2 a command line that cannot be read; 70 a mistake of ours; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from .. import __version__
from ..settings import settings
from ..source import CellError
from .terminal import note, paint_report, tolerate

COMMANDS = {
    "check": "find all mistakes in cells",
    "show": "print a cell, or any stage of its compilation down to machine code",
    "draw": "draw a cell, its gradient or its schedule",
    "run": "run a cell over arrays: outputs, final states, traces",
    "train": "train a character model around a cell on any text",
    "characters": "look into a trained character model: gates, units, errors, n-grams beside it",
    "demo": "a model of sentences: find the unit that remembers, show every gate",
    "explain": "show what every gate of a trained model did, as one HTML page",
    "bench": "measure speed, beside other frameworks and against this machine's limit",
    "learn": "train cells on three small tasks that need a memory, with one budget for all",
    "weights": "move parameters from and to PyTorch and torchrecurrent",
    "list": "the cells of the library, by family and year",
    "gallery": "a page for every cell of the library: equations, diagram, work, speed",
    "new": "write a commented cell to begin with",
    "diff": "two cells side by side: equations, parameters, cost, and both drawings",
}
OK, WRONG, USAGE, OURS, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 70, 130, 141
EPILOG = """\
examples:
  rnngraph list                          what is in the library
  rnngraph show lstm                     the equations, which are the model
  rnngraph draw lstm                     writes LSTM.svg
  rnngraph new mine                      a commented cell to begin with
  rnngraph check mine.cell               every mistake, with its place
  rnngraph show lstm --stage schedule    what runs in the loop, and what before and after it
  rnngraph demo                          seconds, no network

CELL is everywhere a name from the library (lstm), a path (./my.cell), or - for standard input.
'rnngraph COMMAND --help' explains a command. RNNGRAPH_DEBUG=1 shows where an error was raised.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Answer a command line (default: the process's own) and return the exit code."""
    tolerate(sys.stdout)
    tolerate(sys.stderr)
    try:
        code = _answer(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return PIPE_CLOSED
    except Exception as error:
        return _report(error)


def _answer(words: list[str]) -> int:
    try:
        args = _parser(words).parse_args(words)
    except SystemExit as stop:  # argparse has said what there is to say
        return int(stop.code or OK)
    return int(args.run(args))


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser; only the command that is asked for knows its own arguments."""
    parser = argparse.ArgumentParser(
        prog="rnngraph",
        description="A graph compiler for recurrent cells: equations in; machine code, gradients, "
        "diagrams and gate traces out.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rnngraph {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    asked = next((word for word in words if not word.startswith("-")), None)
    if asked is not None and asked not in COMMANDS:
        parser.error(f"there is no command '{asked}'{_close(asked)}")
    for name, summary in COMMANDS.items():
        _add(commands, name, summary, name == asked)
    return parser


def _add(commands: Any, name: str, summary: str, asked: bool) -> None:
    if not asked:
        commands.add_parser(name, help=summary)
        return
    module = import_module(f".{name}", __package__)
    command = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=module.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(command)
    command.set_defaults(run=module.run)


def _close(word: str) -> str:
    close = get_close_matches(word, COMMANDS, 1)
    return f"; did you mean '{close[0]}'?" if close else f"; there are {', '.join(COMMANDS)}"


# --- mistakes ----------------------------------------------------------------------------------

# RuntimeError: no renderer, no such target; ImportError: an extra that is not installed
THEIRS = (ValueError, ArithmeticError, OSError, MemoryError, RuntimeError, ImportError)
NOT_THEIRS = (RecursionError, NotImplementedError)


def _report(error: Exception) -> int:
    if settings.debug:
        traceback.print_exc()
    if isinstance(error, THEIRS) and not isinstance(error, NOT_THEIRS):
        note(paint_report(said(error)))
        return WRONG
    note(
        f"error: {type(error).__name__}: {error}\nThis is a mistake in rnngraph, not in what you "
        "gave it. RNNGRAPH_DEBUG=1 shows where; please report it with that."
    )
    return OURS


def said(error: Exception) -> str:
    """The error as a report that begins with "error:"."""
    if isinstance(error, CellError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f" '{error.filename}'" if error.filename is not None else ""
        return f"error: {error.strerror}{where}"
    if isinstance(error, MemoryError):
        return f"error: not enough memory{f': {error}' if str(error) else ''}"
    return f"error: {error}"


def _forget_output() -> None:
    """Nobody reads on: what Python still holds must not be complained about at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
