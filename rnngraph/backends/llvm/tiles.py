"""Tile kernels: accumulators, the closure evaluated on them, then the stores.

A kernel without products runs row by row; those with products are in ``products``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from ...graph import Graph
from ...schedule.grammar import Reduction, Tile
from .closures import ClosureWriter
from .emitter import Emitter, Index, number
from .reductions import ReductionWriter, vector_width


class Space:
    """A space in vectors along its last axis, of which this function's part is visited."""

    def __init__(self, emitter: Emitter, space: Sequence[int], width: int) -> None:
        self.emitter, self.space, self.width = emitter, tuple(space), width
        first = -(-space[0] // width) if len(space) == 1 else space[0] if space else 1
        # bounds are computed here, before any loop over rows
        self.low, self.high = emitter.share(number(first))

    def visit(self, body: Callable[[Index, int | None], None]) -> None:
        """Call ``body(index, lane count)`` at every vector; the count is None for a full one."""
        if not self.space:
            with self.emitter.builder.if_then(self._holds(0)):
                body((), 1)
        elif len(self.space) == 1:
            self._vectors((), body, shared=True)
        else:
            self.emitter.loop(self.low, self.high, 1, lambda i: self._axis((i,), body))

    def _axis(self, index: Index, body: Callable[[Index, int | None], None]) -> None:
        place = len(index)
        if place == len(self.space) - 1:
            self._vectors(index, body, shared=False)
            return
        length = number(self.space[place])
        self.emitter.loop(number(0), length, 1, lambda i: self._axis((*index, i), body))

    def _vectors(
        self, index: Index, body: Callable[[Index, int | None], None], shared: bool
    ) -> None:
        whole, rest = divmod(self.space[-1], self.width)
        emitter = self.emitter
        if whole:
            low, high = (self.low, self._at_most(whole)) if shared else (number(0), number(whole))
            emitter.loop(
                low, high, 1, lambda v: body((*index, emitter.mul(v, number(self.width))), None)
            )
        if rest and shared:
            with emitter.builder.if_then(self._holds(whole)):
                body((*index, number(whole * self.width)), rest)
        elif rest:
            body((*index, number(whole * self.width)), rest)

    def _at_most(self, count: int) -> ir.Value:
        return self.emitter.least(self.high, number(count))

    def _holds(self, place: int) -> ir.Value:
        """Whether a vector belongs to this part."""
        b = self.emitter.builder
        return b.and_(b.icmp_signed("<=", self.low, number(place)),
                      b.icmp_signed(">", self.high, number(place)))  # fmt: skip


def write_map(emitter: Emitter, graph: Graph, kernel: Tile, rows: ir.Value) -> None:
    """Write the body of a tile kernel without products over ``rows`` rows."""
    width = vector_width(emitter.target.lanes(emitter.real), kernel.closure.space)
    epilogue = Epilogue(emitter, graph, kernel, width)
    space = Space(emitter, kernel.closure.space, width)

    def row(r: ir.Value) -> None:
        def place(index: Index, count: int | None) -> None:
            epilogue.forget()
            epilogue.write(r, index, count, {})

        space.visit(place)

    emitter.loop(number(0), rows, 1, row)


class Epilogue:
    """Reductions, closure and stores at one vector of indices."""

    def __init__(self, emitter: Emitter, graph: Graph, kernel: Tile, width: int) -> None:
        self.emitter, self.kernel, self.width = emitter, kernel, width
        self.closure = ClosureWriter(emitter, graph, kernel.closure, width)
        self.reductions = [
            ReductionWriter(emitter, graph, a, width)
            for a in kernel.accumulators
            if isinstance(a, Reduction)
        ]

    def forget(self) -> None:
        """Drop loads shared between rows."""
        self.closure.forget()

    def write(
        self, row: ir.Value, index: Index, count: int | None, known: dict[int, ir.Value]
    ) -> None:
        """Evaluate and store; ``known`` holds the products' values."""
        for writer in self.reductions:
            known[writer.reduction.node.id] = writer.at(row, index, count)
            self.forget()
        values = self.closure.at(row, index, count, known)
        for node, view in self.kernel.stores:
            value = self.closure.stored(node, values)
            self.emitter.store(view, row, index, value, self.width, count)
