"""The catalogue: what every cell of the library says of itself, read from its text.

    Entry ::= name, title, family, year, doc, source

Texts are parsed and not elaborated, so that looking something up costs no graph. The year is the
first one in the citation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from . import library
from .source import Source
from .syntax import parse

FAMILIES = {
    "simple recurrence": "one nonlinear update of the state, without gates",
    "lstm": "the LSTM, its predecessors, and it with a part added or left out",
    "extended lstm": "LSTMs with further gates, memories or ways from cell to cell",
    "gru": "the GRU and cells close to it",
    "minimal gating": "fewer gates, or cheaper ones, than a GRU has",
    "highway": "gated layers on the way through depth as well as through time",
    "regularisation": "cells that draw dropout noise, or normalise their activations",
    "dynamical system": "discretised differential equations, oscillators and bistable units",
    "continuous time": "cells that take the time between steps into account",
    "linear recurrence": "gates that read the input only, so that the state is linear in itself",
    "state space": "linear systems with a vector state",
    "linear attention": "states that are sums of keys times values",
}
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


@dataclass(frozen=True)
class Entry:
    """A cell of the library. ``name`` is its file's, ``title`` the cell's own; year 0: none."""

    name: str
    title: str
    family: str
    year: int
    doc: str
    source: str


@cache
def entry(name: str) -> Entry:
    """What a cell of the library says of itself.

    Raises FileNotFoundError for a name that the library lacks, CellError for a broken text.
    """
    path = library.find(name)
    tree = parse(Source(library.read(path), path.name))
    doc, source = (" ".join(text.split()) for text in (tree.doc, tree.source))
    year = _YEAR.search(source)
    return Entry(path.stem, tree.name, tree.family, int(year[0]) if year else 0, doc, source)


def entries() -> list[Entry]:
    """All cells of the library, by name."""
    return [entry(name) for name in library.names()]
