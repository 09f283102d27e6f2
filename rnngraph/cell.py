"""Cells: the face of the language. A cell is its equations; all else is derived from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import library, syntax
from .check import check
from .compiled import Compiled
from .diagram import Diagram, diagram
from .graph import Graph
from .graph import show as show_graph
from .passes.bind import bind, symbols
from .source import Source

Elaborate = Callable[[Mapping[str, int] | None, Mapping[str, float]], Graph]


class Cell:
    """A recurrent cell: prints its equations, draws itself, and compiles for given sizes.

    Made by ``load``, ``parse``, ``stack`` and the like, or from a Graph of one's own.
    """

    def __init__(
        self, graph: Graph, text: str = "", elaborate: Elaborate | None = None
    ) -> None:
        self.graph = graph
        self.text = text or show_graph(graph)
        self._elaborate = elaborate or self._bind_graph

    def _bind_graph(self, sizes: Mapping[str, int] | None, consts: Mapping[str, float]) -> Graph:
        if consts:
            raise ValueError(f"'{self.name}' has no constant '{next(iter(consts))}'")
        return bind(self.graph, sizes or {})

    @property
    def name(self) -> str:
        """The cell's own name."""
        return self.graph.title

    @property
    def sizes(self) -> list[str]:
        """Size symbols that ``compile`` needs."""
        return symbols(self.graph)

    @property
    def equations(self) -> Any:
        """The step graph (``graph``), printed as equations."""
        return self.graph

    def bind(self, consts: Mapping[str, float] | None = None, **sizes: int) -> Cell:
        """The same cell with its sizes (and constants) bound.

        Raises CellError or ValueError for a size that is missing, unknown or no positive integer.
        """
        for name, value in sizes.items():
            if name not in self.sizes:
                known = ", ".join(self.sizes) or "none"
                raise ValueError(f"'{self.name}' has no size '{name}'; its sizes are {known}")
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"size {name} must be a positive integer, not {value!r}")
        missing = [name for name in self.sizes if name not in sizes]
        if missing:
            raise ValueError(
                f"'{self.name}' needs {', '.join(missing)}, as in compile("
                f"{', '.join(f'{name}=64' for name in self.sizes)})"
            )
        return Cell(self._elaborate(sizes, consts or {}), self.text)

    def compile(
        self,
        *,
        dtype: str = "f32",
        target: str = "host",
        consts: Mapping[str, float] | None = None,
        **sizes: int,
    ) -> Compiled:
        """The cell for given sizes: ``cell.compile(I=64, H=128)``.

        ``dtype`` is "f32" or "f64"; ``target`` "host", "sse2", "avx2", "avx512" or "neon";
        ``consts`` sets constants of the cell. Machine code is made when a method first needs it,
        once for all sequence lengths and batch sizes.
        """
        return Compiled(self.bind(consts, **sizes).graph, dtype=dtype, target=target)

    def diagram(self, detail: str = "gates", **options: Any) -> Diagram:
        """The gate graph as a drawing: ``detail`` is "gates" or "ops"."""
        return diagram(self.graph, detail=detail, **options)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text.rstrip()

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> Any:
        drawn = self.diagram()._repr_mimebundle_(include, exclude)
        data, metadata = drawn if isinstance(drawn, tuple) else (drawn or {}, {})
        return {**data, "text/plain": repr(self)}, metadata


def parse(text: str, name: str = "<text>") -> Cell:
    """The cell that a text describes. Raises CellError with all mistakes, each with a caret."""
    tree = syntax.parse(Source(text, name))
    return Cell(check(tree), text, lambda sizes, consts: check(tree, sizes, consts))


def load(name: str | Path) -> Cell:
    """A cell by its name in the library ("lstm"), or by the path of its file.

    Raises FileNotFoundError, or CellError with all mistakes of the text.
    """
    path = library.find(name)
    return parse(library.read(path), str(path) if path.parent != library.cells_folder() else path.name)
