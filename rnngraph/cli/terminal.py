"""What the terminal is told: notes on standard error, colours where they are wanted.

Results go to standard output and everything about them to standard error, so that output can be
piped. Colours appear on terminals only, and never where NO_COLOR is set (see no-color.org).
"""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO

BOLD, RED, BLUE, DIM, PLAIN = "\x1b[1m", "\x1b[1;31m", "\x1b[1;34m", "\x1b[2m", "\x1b[0m"
MARKS = (
    (re.compile(r"^error:", re.MULTILINE), RED),
    (re.compile(r"^(?:note:|warning:)", re.MULTILINE), BOLD),
    (re.compile(r"^ *(?:-->|\d* \|)", re.MULTILINE), BLUE),
    (re.compile(r"\^+"), RED),
)


def note(text: str) -> None:
    """Say something about the work; what is asked for goes to standard output instead."""
    print(text, file=sys.stderr, flush=True)


def coloured(stream: TextIO) -> bool:
    """Whether a stream shows colours, and its reader wants them."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def bold(text: str) -> str:
    """Emphasised on a terminal's standard output."""
    return f"{BOLD}{text}{PLAIN}" if coloured(sys.stdout) else text


def dim(text: str) -> str:
    """Faint on a terminal's standard output."""
    return f"{DIM}{text}{PLAIN}" if coloured(sys.stdout) else text


def paint_report(report: str) -> str:
    """A report of mistakes with its severities, margins and carets coloured."""
    if not coloured(sys.stderr):
        return report
    for pattern, colour in MARKS:
        report = pattern.sub(rf"{colour}\g<0>{PLAIN}", report)
    return report


def tolerate(stream: TextIO) -> None:
    """Print '?' for a character that the stream's encoding lacks, instead of failing."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
