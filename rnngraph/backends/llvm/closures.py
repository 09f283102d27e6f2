"""Elementwise closures on vectors: the part of a kernel that the op table spells."""

from __future__ import annotations

from llvmlite import ir

from ...graph import Graph, Node, Varies
from ...ops import OPS
from ...schedule.grammar import Closure, View
from .emitter import Emitter, Index


class ClosureWriter:
    """Evaluates one closure at many places; what varies with the unit only is loaded once."""

    def __init__(self, emitter: Emitter, graph: Graph, closure: Closure, width: int) -> None:
        self.emitter, self.graph, self.closure, self.width = emitter, graph, closure, width
        self.lanes = emitter.lanes(width)
        self.shared: dict[int, ir.Value] = {}

    def at(
        self,
        row: ir.Value,
        index: Index,
        count: int | None,
        known: dict[int, ir.Value],
    ) -> dict[int, ir.Value]:
        """Values of all nodes at one vector of indices; ``known`` holds accumulators, and
        what else need not be loaded."""
        values = dict(known)
        for number, view in self.closure.loads.items():
            if number not in known:
                values[number] = self.load(number, view, row, index, count)
        for node in self.closure.body:
            operands = [self.value(x, values) for x in node.operands]
            values[node.id] = OPS[node.op].emit(self.lanes, *operands)  # type: ignore[misc]
        return values

    def value(self, node: Node, values: dict[int, ir.Value]) -> ir.Value:
        """A node's vector; constants are spelled in place."""
        if node.op == "constant":
            return self.lanes.const(node.attrs["value"])
        return values[node.id]

    def stored(self, node: Node, values: dict[int, ir.Value]) -> ir.Value:
        """A node's vector as memory holds it: truth values as 0 and 1."""
        value = self.value(node, values)
        if node.dtype != "bool":
            return value
        return self.lanes.select(value, self.lanes.const(1.0), self.lanes.const(0.0))

    def forget(self) -> None:
        """Drop the loads shared between rows; call it wherever the index or the block changes."""
        self.shared.clear()

    def load(
        self, number: int, view: View, row: ir.Value, index: Index, count: int | None
    ) -> ir.Value:
        """What a node's window shows at one vector of indices."""
        if number in self.shared:
            return self.shared[number]
        value = self.emitter.load(view, row, index, self.width, count)
        if self.graph.nodes[number].dtype == "bool":
            value = self.lanes.ne(value, self.lanes.const(0.0))
        if view.varies is Varies.ONCE:
            self.shared[number] = value
        return value
