"""Two cells side by side: what they say, what they cost, and how they look."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from ..cell import Cell
from ..diagram import Diagram
from .drawing import drawn
from .figures import Figures, figures
from .rows import Row, rows, said
from .text import Paint, lines, plain


class Difference:
    """The comparison of two cells: it prints, and ``diagram`` draws it."""

    def __init__(self, left: Cell, right: Cell, sizes: Mapping[str, int] | None = None) -> None:
        self.cells = left, right
        self.sizes = dict(sizes or {})
        a, b = (said(cell.graph, cell.text, cell.name) for cell in self.cells)
        self.rows: list[Row] = rows(a, b)

    @property
    def titles(self) -> tuple[str, str]:
        """The cells' own names."""
        left, right = self.cells
        return left.name, right.name

    @cached_property
    def figures(self) -> tuple[Figures, Figures]:
        """What each costs, at ``sizes``."""
        left, right = self.cells
        return figures(left, self.sizes), figures(right, self.sizes)

    def text(self, columns: int = 100, paint: Paint = plain) -> str:
        """Both in two columns; ``paint(text, differs)`` colours what differs."""
        return "\n".join(lines(self.titles, self.rows, self.figures, columns, paint)) + "\n"

    def diagram(self) -> Diagram:
        """Both gate diagrams, what differs coloured and what is common muted."""
        left, right = (cell.graph for cell in self.cells)
        return drawn(left, right, self.rows, self.titles)

    def __str__(self) -> str:
        return self.text()


def diff(left: Cell, right: Cell, **sizes: int) -> Difference:
    """What differs between two cells: ``print(rg.diff(rg.load("lstm"), rg.load("gru"), H=64))``.

    Sizes that are not given are taken as 64. Raises ValueError for a size that neither cell has.
    """
    unknown = sorted(set(sizes) - {*left.sizes, *right.sizes})
    if unknown:
        known = ", ".join(dict.fromkeys([*left.sizes, *right.sizes])) or "none"
        raise ValueError(f"neither cell has a size '{unknown[0]}'; their sizes are {known}")
    return Difference(left, right, sizes)


__all__ = ["Difference", "Figures", "Row", "diff"]
