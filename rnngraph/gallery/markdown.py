"""Markdown as code hosts read it: tables, code, formulas, and words that are no Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .. import library


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; columns whose head ends in a blank are of numbers, and stand at the right."""
    rules = ["---:" if title.endswith(" ") else "---" for title in head]
    titles = [title.strip() for title in head]
    return "\n".join(f"| {' | '.join(row)} |" for row in (titles, rules, *rows))


def code(words: Iterable[str]) -> str:
    """Pieces of code, with commas."""
    return ", ".join(f"`{word}`" for word in words)


def unbroken(text: str) -> str:
    """A piece of code that a narrow table does not break."""
    return code([text.replace(" ", "\N{NO-BREAK SPACE}")]) if text else ""


def formula(latex: str) -> str:
    """A formula; in a fence, nothing in it is read as Markdown."""
    return f"```math\n{latex}\n```"


def prose(text: str) -> str:
    """Words of a cell on one line, their signs not read as Markdown; cells' files are links."""
    plain = re.sub(r"([\\*<|$])", r"\\\1", " ".join(text.split()))
    return re.sub(r"\b(\w+)\.cell\b", _linked, plain)


def _linked(file: re.Match[str]) -> str:
    return f"[{file[0]}]({file[1]}.md)" if file[1] in library.names() else file[0]
