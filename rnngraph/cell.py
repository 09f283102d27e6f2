"""Cells: the face of the language. A cell is its equations; all else is derived from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import Any, Protocol

from . import library, syntax
from .check import check
from .compiled import Compiled
from .diagram import Diagram, diagram
from .graph import Graph
from .graph import show as show_graph
from .passes.bind import bind, symbols
from .sizes import Dim, Size
from .source import Source


class Elaborate(Protocol):
    """Makes the step graph for given sizes (None: they stay symbols) and constants."""

    def __call__(self, sizes: Mapping[str, int] | None, consts: Mapping[str, float]) -> Graph: ...


class Cell:
    """A recurrent cell: prints its equations, draws itself, and compiles for given sizes.

    Made by ``load``, ``parse``, ``stack`` and the like, or from a Graph of one's own.
    """

    def __init__(
        self,
        graph: Graph,
        text: str = "",
        elaborate: Elaborate | None = None,
        consts: Sequence[str] = (),
        implied: Mapping[str, Dim] | None = None,
    ) -> None:
        """``elaborate`` makes the graph for sizes and constants (names: ``consts``); without it
        the symbols of ``graph`` are bound. ``implied`` holds sizes that follow from others."""
        self.graph = graph
        self.text = text or show_graph(graph, joined=False)
        self.consts = tuple(consts)
        self.implied = dict(implied or {})
        self._elaborate = elaborate

    def elaborate(
        self, sizes: Mapping[str, int] | None = None, consts: Mapping[str, float] | None = None
    ) -> Graph:
        """The step graph for given sizes (None: they stay symbols) and constants."""
        if self._elaborate is not None:
            return self._elaborate(sizes, consts or {})
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
            if name not in self.sizes and name not in self.implied:
                known = ", ".join(self.sizes) or "none"
                raise ValueError(f"'{self.name}' has no size '{name}'; its sizes are {known}")
            sizes[name] = _whole(value, f"size {name}")
        missing = [name for name in self.sizes if name not in sizes]
        if missing:
            raise ValueError(
                f"'{self.name}' needs {', '.join(missing)}, as in compile("
                f"{', '.join(f'{name}=64' for name in self.sizes)})"
            )
        if consts is not None and not isinstance(consts, Mapping):
            raise ValueError(f"consts must be a dict by name, not {consts!r}")
        self._check_implied(sizes)
        chosen = {name: sizes[name] for name in self.sizes}
        return Cell(self.elaborate(chosen, consts), self.text)

    def _check_implied(self, sizes: Mapping[str, int]) -> None:
        for name, dim in self.implied.items():
            value = dim.bind(sizes) if isinstance(dim, Size) else dim
            if sizes.get(name, value) != value:
                which = f"{dim} = {value}" if isinstance(dim, Size) else str(value)
                raise ValueError(f"size {name} of '{self.name}' must be {which}, not {sizes[name]}")

    def compile(
        self,
        *,
        dtype: str = "f32",
        target: str = "host",
        threads: int = 1,
        precision: str | None = None,
        parallel_scan: bool = False,
        consts: Mapping[str, float] | None = None,
        **sizes: int,
    ) -> Compiled:
        """The cell for given sizes: ``cell.compile(I=64, H=128)``.

        ``dtype`` is "f32" or "f64"; ``target`` "host", "sse2", "avx2", "avx512" or "neon";
        ``threads`` is how many a call may use (never more than its work is worth; results are
        the same bits); ``precision`` "bf16" or "int8" rounds the weights of matrix products, and
        what they multiply, for inference (docs/precision.md); ``consts`` sets constants of the
        cell. Machine code is made when a method first needs it, once for all sequence lengths and
        batch sizes.

        ``parallel_scan=True`` runs linear recurrences of one state in pieces of 256 time-steps at
        once, for few rows, long sequences and several threads. Results differ in rounding from
        those of the plain loop, and from those of a sequence that is cut in two calls, but are the
        same bits for any batch and any number of threads.
        """
        bound = self.bind(consts, **sizes).graph
        return Compiled(bound, dtype=dtype, target=target, threads=threads, precision=precision,
                        parallel_scan=parallel_scan)  # fmt: skip

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


def _whole(value: Any, what: str) -> int:
    """A positive integer as Python's own: NumPy's will do, truth values will not."""
    try:
        number = 0 if isinstance(value, bool) else index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(f"{what} must be a positive integer, not {value!r}")
    return number


@dataclass(frozen=True)
class _Text:
    """Elaborates a cell from its tree; pickled as the text."""

    tree: syntax.Cell

    def __call__(self, sizes: Mapping[str, int] | None, consts: Mapping[str, float]) -> Graph:
        return check(self.tree, sizes, consts)

    def __reduce__(self) -> Any:
        return _reread, (self.tree.text.text, self.tree.text.name)


def _reread(text: str, name: str) -> _Text:
    return _Text(syntax.parse(Source(text, name)))


def parse(text: str, name: str = "<text>") -> Cell:
    """The cell that a text describes. Raises CellError with all mistakes, each with a caret."""
    if not isinstance(text, str):
        raise TypeError(f"the text of a cell is a str, not {type(text).__name__}")
    tree = syntax.parse(Source(text, name), partial=True)
    bindings = (item.bindings for item in tree.items if isinstance(item, syntax.Const))
    consts = [binding.name for found in bindings for binding in found if not binding.counters]
    return Cell(check(tree), text, _Text(tree), consts)


def load(name: str | Path) -> Cell:
    """A cell by its name in the library ("lstm"), or by the path of its file.

    Raises FileNotFoundError, or CellError with all mistakes of the text.
    """
    path = library.find(name)
    bundled = path.parent == library.cells_folder()
    return parse(library.read(path), path.name if bundled else str(path))
