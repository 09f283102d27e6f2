"""Reductions along one axis of a closure's space, as accumulators of a tile."""

from __future__ import annotations

import math
from collections.abc import Sequence

from llvmlite import ir

from ...graph import Graph
from ...schedule.grammar import Reduction
from .closures import ClosureWriter
from .emitter import Emitter, Index, number
from .lanes import LlvmLanes

IDENTITY = {"sum": 0.0, "max": -math.inf, "min": math.inf}
COMBINE = {"sum": "add", "max": "maximum", "min": "minimum"}
FOLD = {"sum": "horizontal_sum", "max": "horizontal_max", "min": "horizontal_min"}


class ReductionWriter:
    """Writes one reduction's value for a vector of result indices."""

    def __init__(self, emitter: Emitter, graph: Graph, reduction: Reduction, width: int) -> None:
        self.emitter, self.graph, self.reduction, self.width = emitter, graph, reduction, width
        self.space, self.axis = reduction.closure.space, reduction.axis

    def at(self, row: ir.Value, index: Index, count: int | None) -> ir.Value:
        """The result at ``index`` (its last entry starts a vector of ``count`` lanes)."""
        if self.axis < len(self.space) - 1:
            return self._down(row, index, count)
        if not index:
            return self.emitter.lanes(self.width).splat(self._across(row, ()))
        return self._lane_by_lane(row, index, count)

    def _down(self, row: ir.Value, index: Index, count: int | None) -> ir.Value:
        """The reduced axis is not the last: whole vectors are combined."""
        writer = ClosureWriter(self.emitter, self.graph, self.reduction.closure, self.width)
        lanes = writer.lanes

        def step(k: ir.Value, total: ir.Value) -> Sequence[ir.Value]:
            writer.forget()
            place = (*index[: self.axis], k, *index[self.axis :])
            return [self._combine(lanes, total, self._source(writer, row, place, count))]

        first = lanes.const(IDENTITY[self.reduction.op])
        return self.emitter.loop(number(0), number(self.space[self.axis]), 1, step, [first])[0]

    def _across(self, row: ir.Value, index: Index) -> ir.Value:
        """The reduced axis is the last: a vector of partial results, folded at the end."""
        length = self.space[-1]
        width = min(self.emitter.target.lanes(self.emitter.real), _power_of_two(length))
        writer = ClosureWriter(self.emitter, self.graph, self.reduction.closure, width)
        lanes = writer.lanes

        def step(k: ir.Value, total: ir.Value) -> Sequence[ir.Value]:
            writer.forget()
            return [self._combine(lanes, total, self._source(writer, row, (*index, k), None))]

        identity = lanes.const(IDENTITY[self.reduction.op])
        whole = length - length % width
        total = self.emitter.loop(number(0), number(whole), width, step, [identity])[0]
        if rest := length - whole:
            writer.forget()
            last = self._source(writer, row, (*index, number(whole)), rest)
            total = self._combine(lanes, total, lanes.select(lanes.first(rest), last, identity))
        return getattr(lanes, FOLD[self.reduction.op])(total)

    def _lane_by_lane(self, row: ir.Value, index: Index, count: int | None) -> ir.Value:
        """Each lane of the result is a reduction of its own."""
        emitter, lanes = self.emitter, self.emitter.lanes(self.width)

        def step(lane: ir.Value, made: ir.Value) -> Sequence[ir.Value]:
            value = self._across(row, (*index[:-1], emitter.add(index[-1], lane)))
            return [emitter.builder.insert_element(made, value, lane)]

        whole = number(count or self.width)
        return emitter.loop(number(0), whole, 1, step, [lanes.const(0.0)])[0]

    def _source(
        self, writer: ClosureWriter, row: ir.Value, index: Index, count: int | None
    ) -> ir.Value:
        values = writer.at(row, index, count, {})
        return writer.stored(self.reduction.source, values)

    def _combine(self, lanes: LlvmLanes, a: ir.Value, b: ir.Value) -> ir.Value:
        return getattr(lanes, COMBINE[self.reduction.op])(a, b)


def _power_of_two(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()


def vector_width(lanes: int, space: tuple[int, ...]) -> int:
    """Lanes for a space: the machine's, or as few as hold its last axis."""
    return min(lanes, _power_of_two(space[-1])) if space else 1
