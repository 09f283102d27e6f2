"""From a graph to its schedule: placement, materialisation, storage, then kernels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..graph import Graph, Node
from .align import align
from .grammar import (
    Closure,
    ColumnTotal,
    Kernel,
    OuterTotal,
    Phase,
    Procedure,
    Product,
    Reduction,
    ScatterTotal,
    Shape,
    Term,
    Tile,
    Total,
    View,
)
from .lifetimes import share_memory
from .materialise import ACCUMULATED, Materialised, Site, computed
from .narrowing import narrowed
from .placement import KIND, Home, Placement
from .schedule import Schedule
from .storage import Storage

# the order of phases of one level; copies of sums come after the sums
KINDS = ("batch", "loop", "rows", "once")
PROCEDURES = ("forward", "backward")


def schedule(graph: Graph, late: Iterable[str] = (), precision: str = "f32") -> Schedule:
    """Schedule a lowered, pinned graph whose sizes are bound.

    ``late`` names the leaves and states that are given only for the second procedure
    (cotangents); ``precision`` what weights of products are rounded to (``formats.PRECISIONS``).
    Raises UnschedulableError where a value needs its own past and future.
    """
    graph, late = align(graph), list(late)
    placement = Placement(graph, late)
    values = Materialised(placement)
    storage = Storage(values)
    kernels = {
        home: narrowed(made, home.kind, precision, storage.declare)
        for home, made in _Kernels(values, storage).build().items()
    }
    procedures = _procedures(kernels, placement, late)
    outputs = {name: storage.read(node) for name, node in graph.outputs.items()}
    saved = sorted(storage.read(graph.nodes[i]).buffer.name for i in values.saved)
    memory, consumes = share_memory(procedures)
    return Schedule(graph, procedures, storage.buffers, storage.states, outputs, tuple(saved),
                    memory, consumes, precision)  # fmt: skip


def _procedures(
    kernels: dict[Home, list[Kernel]], placement: Placement, late: Sequence[str]
) -> tuple[Procedure, ...]:
    made = []
    way = _way(placement.graph, late)
    for number, name in enumerate(PROCEDURES if late else PROCEDURES[:1]):
        homes = [home for home in kernels if home.procedure == number]
        homes.sort(key=lambda home: (home.level, KINDS.index(home.kind), home.loop))
        turned = -way if number else way
        phases = [_phase(home, turned, kernels[home], placement) for home in homes]
        made.append(Procedure(name, tuple(phases)))
    return tuple(made)


def _way(graph: Graph, late: Sequence[str]) -> int:
    """The way of the forward run's states through time. Sums over time go it, those of the
    backward run the other way, so that they are the same when a call is run in segments."""
    delays = {state.delay for name, state in graph.states.items() if name not in late}
    return -1 if delays == {-1} else 1


def _phase(home: Home, way: int, kernels: list[Kernel], placement: Placement) -> Phase:
    if home.kind != "loop":
        # a team runs sums after all tiles, so nothing may take the memory of what they read
        kernels = sorted(kernels, key=lambda kernel: isinstance(kernel, Total))
        return Phase(home.kind, way if home.kind == "batch" else 0, tuple(kernels))
    direction, recurrence = placement.loops.direction[home.loop], placement.recurrences[home.loop]
    return Phase(home.kind, direction, tuple(kernels), recurrence)


class _Kernels:
    """Gathers what each site stores and accumulates, and writes its kernel."""

    def __init__(self, values: Materialised, storage: Storage) -> None:
        self.values, self.storage = values, storage
        self.graph, self.placement = values.graph, values.placement
        self.stores: defaultdict[Site, list[tuple[Node, View]]] = defaultdict(list)
        self.accumulators: defaultdict[Site, list[Node]] = defaultdict(list)
        self.totals: list[Node] = []

    def build(self) -> dict[Home, list[Kernel]]:
        """All kernels by phase, in order of stage."""
        for node in self.placement.nodes:
            if self.values.sites[node.id]:
                self._gather(node)
        for whole, piece, view in self.storage.copies:
            self.stores[self.values.copy_site(whole, piece)].append((piece, view))
        made: list[tuple[Home, int, int, Kernel]] = []
        for order, site in enumerate({**self.stores, **self.accumulators}):
            made.append((site[0], site[1], order, self._tile(site)))
        for order, node in enumerate(self.totals):
            home, stage = self.values.own_site(node)[:2]
            total, *copies = self._total(node)
            made.append((home, stage, order, total))
            # a sum is whole only after all steps, and is copied even where there are none
            after = Home(home.procedure, home.level, KIND[node.varies])
            made.extend((after, 0, order, copy) for copy in copies)
        by_home: dict[Home, list[Kernel]] = defaultdict(list)
        for home, _, _, kernel in sorted(made, key=lambda m: m[:3]):
            by_home[home].append(kernel)
        return by_home

    def _gather(self, node: Node) -> None:
        site = self.values.own_site(node)
        if node.op == "total":
            self.totals.append(node)
            return
        if node.op in ACCUMULATED:
            self.accumulators[site].append(node)
        if node.id in self.values.memory and node.op != "concat":
            self.stores[site].extend((node, view) for view in self.storage.stores[node.id])

    # --- tiles -------------------------------------------------------------------------

    def _tile(self, site: Site) -> Tile:
        accumulators = self.accumulators[site]
        stores = tuple(self.stores[site])
        held = {node.id for node in accumulators}
        closure = self._closure([node for node, _ in stores], site, site[2], held)
        made = tuple(self._accumulator(node) for node in accumulators)
        first = stores[0][0] if stores else accumulators[0]
        name = self._name(first)
        return Tile(name, self._rate(site, first), made, closure, stores)

    def _rate(self, site: Site, node: Node):  # type: ignore[no-untyped-def]
        rates = {"once": 0, "rows": 1}
        return type(node.varies)(rates.get(site[0].kind, 2))

    def _name(self, node: Node) -> str:
        buffers = [view.buffer.name for view in self.storage.stores[node.id]]
        return buffers[0] if buffers else f"%{node.id}"

    def _accumulator(self, node: Node) -> Product | Reduction:
        if node.op == "product":
            return self._product(node)
        source, axis = node.operands[0], node.attrs["axis"]
        site = (*self.values.own_site(node)[:2], "node", node.id)
        closure = self._closure([source], site, source.shape, set())
        return Reduction(node, node.op, axis, closure, source)

    def _product(self, node: Node) -> Product:
        operands = list(node.operands)
        start = self.storage.read(operands.pop(0)) if node.attrs["start"] else None
        views = [self.storage.read(x) for x in operands]
        terms = tuple(Term(w, u) for w, u in zip(views[::2], views[1::2], strict=True))
        return Product(node, start, terms)

    # --- closures ----------------------------------------------------------------------

    def _closure(self, roots: list[Node], site: Site, space: Shape, held: set[int]) -> Closure:
        """Elementwise nodes from ``roots`` back to accumulators, leaves and memory."""
        body: dict[int, Node] = {}
        loads: dict[int, View] = {}
        stack = list(reversed(roots))
        while stack:
            node = stack[-1]
            if node.id in body or node.id in loads or node.id in held or node.op == "constant":
                stack.pop()
            elif self._is_load(node, site):
                loads[node.id] = self.storage.read(node)
                stack.pop()
            else:
                missing = [x for x in node.operands if not self._known(x, body, loads, held)]
                if missing:
                    stack.extend(reversed(missing))
                else:
                    body[node.id] = node
                    stack.pop()
        return Closure(space, tuple(body.values()), loads)

    def _known(
        self, x: Node, body: dict[int, Node], loads: dict[int, View], held: set[int]
    ) -> bool:
        return x.id in body or x.id in loads or x.id in held or x.op == "constant"

    def _is_load(self, node: Node, site: Site) -> bool:
        if not computed(node) or node.op == "concat":
            return True
        return node.id in self.values.memory and self.values.own_site(node) != site

    # --- totals ------------------------------------------------------------------------

    def _total(self, node: Node) -> list[Kernel]:
        operand = node.operands[0]
        target, *more = self.storage.stores[node.id]
        name = self._name(node)
        kernel: Kernel
        if operand.op == "outer" and operand.id not in self.values.memory:
            left, right = (self.storage.read(x) for x in operand.operands)
            kernel = OuterTotal(name, operand.varies, left, right, target)
        elif operand.op == "scatter" and operand.id not in self.values.memory:
            value, index = (self.storage.read(x) for x in operand.operands)
            kernel = ScatterTotal(name, operand.varies, value, index, target)
        else:
            closure = self._closure([operand], self.values.own_site(node), node.shape, set())
            kernel = ColumnTotal(name, operand.varies, closure, operand, target)
        return [kernel, *(self._copy(node, target, view) for view in more)]

    def _copy(self, node: Node, source: View, target: View) -> Tile:
        closure = Closure(node.shape, (), {node.id: source})
        return Tile(target.buffer.name, node.varies, (), closure, ((node, target),))


