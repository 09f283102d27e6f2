"""The folder of the gallery: its files, what of them is stale, and writing them.

A diagram says which drawing it was made from, so that it is drawn anew only when the cell, or the
way of drawing, has changed, and no other renderer makes it stale.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from .. import library
from ..files import write_whole
from . import speed
from .facts import Facts
from .index import index
from .learning import Learning
from .page import INDEX, page

FOLDER = Path("docs", "cells")
SPEEDS = Path("benchmarks", "cells_speed.json")
LEARNING = Path("benchmarks", "learning.json")
SUFFIXES = (".md", ".svg")  # of a page, and its diagram
DRAWN_FROM = re.compile(r"<!-- drawn from ([0-9a-f]+) -->\n")


class Gallery:
    """All pages, as they should be today."""

    def __init__(self, speeds: Path = SPEEDS, learned: Path = LEARNING) -> None:
        """What was measured is read from files. Raises ValueError for files of something else."""
        self.speeds = speed.read(speeds)
        self.learning = Learning(learned)

    @cached_property
    def cells(self) -> dict[str, Facts]:
        """Every cell of the library by name."""
        return {name: Facts(name) for name in library.names()}

    def page(self, name: str) -> str:
        """The page of a cell. Raises KeyError for a cell that the library has not."""
        facts = self.cells[name]
        related = [other for other in self.cells.values()
                   if other.entry.family == facts.entry.family and other is not facts]  # fmt: skip
        return page(facts, related, self.speeds, self.learning)

    def index(self) -> str:
        """The page that leads to all others."""
        return index(list(self.cells.values()), self.speeds)

    def drawing(self, name: str) -> str:
        """The diagram of a cell as SVG. Raises RenderError where there is no renderer."""
        drawn = self.cells[name].drawing
        head, sign, rest = drawn.svg.partition("<svg")
        return f"{head}<!-- drawn from {digest(drawn.source)} -->\n{sign}{rest}"

    def is_drawn(self, name: str, path: Path) -> bool:
        """Whether a file holds the diagram that was made from the drawing of today."""
        found = DRAWN_FROM.search(path.read_text(encoding="utf-8")) if path.is_file() else None
        return found is not None and found[1] == digest(self.cells[name].drawing.source)


def digest(source: str) -> str:
    """A drawing's mark."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def write(gallery: Gallery, folder: Path, names: Sequence[str] = ()) -> Iterator[Path]:
    """Write what is stale, of the cells named or of all; yields every file that was written.

    Raises RenderError where a diagram cannot be drawn, OSError where a file cannot be written.
    """
    for name in names or gallery.cells:
        path, picture = (folder / f"{name}{suffix}" for suffix in SUFFIXES)
        yield from _written(path, gallery.page(name))
        if not gallery.is_drawn(name, picture):
            yield from _written(picture, gallery.drawing(name))
    yield from _written(folder / INDEX, gallery.index())


def left_over(gallery: Gallery, folder: Path) -> list[Path]:
    """Pages and diagrams of cells that there are no more."""
    known = {INDEX, *(f"{name}{suffix}" for name in gallery.cells for suffix in SUFFIXES)}
    return sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES and p.name not in known)


def _written(path: Path, text: str) -> Iterator[Path]:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text.encode())
        yield path
