"""Arrangement: cells made of cells. What comes out is one graph, which the scheduler sees whole.

    stack(a, b)        b reads what a gives             layer0.W, layer1.W, layer0.h, ...
    bidirectional(a)   [a forward; a backward in time]  forward.W, backward.W, forward.h, ...
    residual(a)        y = x + a(x)                     W, h, ...

A cell reads its first real input and gives its first output. Sizes stay symbols until the whole
is compiled: the input width of a layer is solved from the output width of the layer below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .cell import Cell
from .graph import Graph, Node
from .ops import show_shape
from .passes.bind import bind, symbols
from .passes.mask import reverse
from .passes.rename import rename
from .passes.wire import wire
from .rewrite import rebuild
from .sizes import Dim, Size
from .widths import Shape, Widths

Sizes = dict[str, Dim]
MAX_LAYERS = 256


def stack(*cells: Cell, layers: int = 1, shared: bool = True) -> Cell:
    """Cells on top of each other: each reads the first output of the one below.

    ``stack(a, b)``, or ``stack(cell, layers=3)`` for copies with parameters of their own. Names
    get the layer's number (``layer0.W``); the input of the lowest and the outputs of the highest
    layer keep theirs. A size symbol that several layers have is one size; with ``shared=False``
    each has its own (H0, H1, ...). A single layer is the cell itself.

    Raises ValueError where a layer cannot read what the one below gives.
    """
    if isinstance(layers, bool) or not isinstance(layers, int) or layers < 1:
        raise ValueError(f"layers must be a positive integer, not {layers!r}")
    if layers > MAX_LAYERS:
        raise ValueError(f"layers must be at most {MAX_LAYERS}, not {layers}")
    if not cells:
        raise ValueError("stack needs at least one cell")
    _check_cells(cells, "stack")
    tower = cells * layers
    return tower[0] if len(tower) == 1 else _arranged(_Arrangement(tower, "stack", shared))


def bidirectional(cell: Cell) -> Cell:
    """The cell and a copy that runs backwards in time, on the same inputs and contexts.

    Outputs are joined along their first axis, ``[forward; backward]``, under the cell's names
    (scalar ones stay two). All other names begin with ``forward.`` or ``backward.``.
    """
    _check_cells((cell,), "bidirectional")
    return _arranged(_Arrangement((cell,), "bidirectional"))


def residual(cell: Cell) -> Cell:
    """The cell with its input added to its first output, which is then called ``y``.

    Both must have the same width: size symbols are made equal where that does it. Raises
    ValueError where nothing does.
    """
    _check_cells((cell,), "residual")
    return _arranged(_Arrangement((cell,), "residual"))


def _check_cells(cells: Sequence[object], kind: str) -> None:
    for cell in cells:
        if not isinstance(cell, Cell):
            given = type(cell).__name__
            raise TypeError(f"{kind} takes cells, as from load or parse, not {given}")


@dataclass(frozen=True)
class _Arrangement:
    """Elaborates an arrangement of cells."""

    cells: tuple[Cell, ...]
    kind: str
    shared: bool = True

    def __call__(self, sizes: Mapping[str, int] | None, consts: Mapping[str, float]) -> Graph:
        self._refuse_strangers(consts)
        given = [_constants_of(cell, consts) for cell in self.cells]
        plan = self.plan(consts)
        if sizes is None:
            pairs = zip(self.cells, plan, given, strict=True)
            return COMPOSE[self.kind]([bind(c.elaborate(None, k), s) for c, s, k in pairs])
        bound = [_numbers(symbolic, sizes) for symbolic in plan]
        parts = zip(self.cells, bound, given, strict=True)
        return COMPOSE[self.kind]([cell.elaborate(s, k) for cell, s, k in parts])

    def _refuse_strangers(self, consts: Mapping[str, float]) -> None:
        known = {name for cell in self.cells for name in cell.consts}
        for name in consts:
            if name not in known:
                have = ", ".join(sorted(known)) or "none"
                raise ValueError(f"this {self.kind} has no constant '{name}'; it has {have}")

    def plan(self, consts: Mapping[str, float]) -> list[Sizes]:
        """The sizes of every cell, as sizes of the whole."""
        graphs = [cell.elaborate(None, _constants_of(cell, consts)) for cell in self.cells]
        widths = Widths([symbols(graph) for graph in graphs], self.shared)
        pairs = [(i, i + 1) for i in range(len(graphs) - 1)]
        for below, above in [(0, 0)] if self.kind == "residual" else pairs:
            output, given = _gives(graphs[below])
            target, reads = _reads(graphs[above])
            if not widths.join(below, given, above, reads):
                who = f"{self.kind} of {', '.join(g.title for g in graphs)}"
                raise ValueError(
                    f"{who}: output '{output}' {show_shape(given)} of {graphs[below].title} does "
                    f"not fit input '{target}' {show_shape(reads)} of {graphs[above].title}"
                )
        return widths.solved()


def _arranged(arrangement: _Arrangement) -> Cell:
    cells = arrangement.cells
    graph = arrangement(None, {})
    consts = list(dict.fromkeys(name for cell in cells for name in cell.consts))
    implied: Sizes = {}
    for cell, sizes in zip(cells, arrangement.plan({}), strict=True):
        implied.update({n: _whole(d, sizes) for n, d in cell.implied.items()})
        implied.update(sizes)
    still = symbols(graph)
    implied = {name: dim for name, dim in implied.items() if name not in still}
    clear = {} if not arrangement.shared else implied
    return Cell(graph, "", arrangement, consts, clear)


def _whole(dim: Dim, sizes: Mapping[str, Dim]) -> Dim:
    return dim.bind(sizes) if isinstance(dim, Size) else dim


def _constants_of(cell: Cell, consts: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in consts.items() if name in cell.consts}


def _numbers(sizes: Sizes, given: Mapping[str, int]) -> dict[str, int]:
    numbers = {name: _whole(dim, given) for name, dim in sizes.items()}
    for name, number in numbers.items():
        if not isinstance(number, int) or number < 1:
            raise ValueError(f"size {name} = {sizes[name]} must be positive, not {number}")
    return numbers  # type: ignore[return-value]


# --- what flows from cell to cell ---------------------------------------------------------


def _reads(graph: Graph) -> tuple[str, Shape]:
    """Name and shape of the first real input."""
    for name, node in graph.inputs.items():
        if node.dtype == "real":
            return name, node.shape
    raise ValueError(f"{graph.title} has no real input, so it cannot read another cell's output")


def _gives(graph: Graph) -> tuple[str, Shape]:
    """Name and shape of the first output."""
    name, node = next(iter(graph.outputs.items()))
    if node.dtype != "real":
        raise ValueError(f"output '{name}' of {graph.title} is {node.dtype}, not real")
    return name, node.shape


# --- composition --------------------------------------------------------------------------


def _stack(graphs: Sequence[Graph]) -> Graph:
    parts, wires = [], {}
    for place, graph in enumerate(graphs):
        top, prefix = place == len(graphs) - 1, f"layer{place}."
        keep = [*(["inputs"] if place == 0 else []), *(["outputs"] if top else [])]
        parts.append(rename(graph, prefix, keep))
        if place:
            below = f"layer{place - 1}.{_gives(graphs[place - 1])[0]}"
            wires[prefix + _reads(graph)[0]] = below
    return wire(parts, wires, title=_title(graphs), **_told(graphs))


def _title(graphs: Sequence[Graph]) -> str:
    titles = [graph.title for graph in graphs]
    if len(set(titles)) == 1:
        return f"{len(titles)}-layer {titles[0]}"
    return ", then ".join(titles)


def _told(graphs: Sequence[Graph]) -> dict[str, str]:
    """Doc and source of all cells, each once, and their family where it is one."""
    families = {g.family for g in graphs}
    return {
        "family": families.pop() if len(families) == 1 else "",
        "doc": " ".join(dict.fromkeys(g.doc for g in graphs if g.doc)),
        "source": "; ".join(dict.fromkeys(g.source for g in graphs if g.source)),
    }


def _bidirectional(graphs: Sequence[Graph]) -> Graph:
    (graph,) = graphs
    given = ["inputs", "contexts"]
    parts = [rename(graph, "forward.", given), rename(reverse(graph), "backward.", given)]
    outputs = [f"{way}{name}" for name in graph.outputs for way in ("forward.", "backward.")]
    shared = [*graph.inputs, *graph.contexts]
    title = f"bidirectional {graph.title}"
    whole = wire(parts, {}, title=title, outputs=outputs, shared=shared, **_told(graphs))
    whole.outputs = _joined(whole, graph.outputs)
    return whole


def _joined(whole: Graph, outputs: Mapping[str, Node]) -> dict[str, Node]:
    made: dict[str, Node] = {}
    for name, node in outputs.items():
        halves = {way: whole.outputs[way + name] for way in ("forward.", "backward.")}
        if node.shape and node.dtype == "real":
            made[name] = whole.apply("concat", *halves.values(), axis=0)
        else:
            made.update({way + name: half for way, half in halves.items()})
    return made


def _residual(graphs: Sequence[Graph]) -> Graph:
    (graph,) = graphs
    whole = rebuild(graph)
    whole.title = f"residual {graph.title}"
    x, name = whole.inputs[_reads(graph)[0]], _gives(graph)[0]
    y = "y" if "y" not in {*whole.leaves, *whole.names, *whole.outputs} - {name} else name
    whole.outputs = {
        (y if n == name else n): (x + node if n == name else node)
        for n, node in whole.outputs.items()
    }
    return whole


COMPOSE: dict[str, Callable[[Sequence[Graph]], Graph]] = {
    "stack": _stack,
    "bidirectional": _bidirectional,
    "residual": _residual,
}
