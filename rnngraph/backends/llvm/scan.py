"""The functions of a parallel scan besides the loop's own (``schedule.scan`` has the plan).

    void compose(i64 steps, i64 batch, i64 rows, i64 part, i64 parts, ptr ...)
    void combine(i64 pieces, i64 line, i64 count, ptr first, ptr factors, ptr starts)

``compose`` leaves a piece's factor, and the value that it ends with when it starts from 0.
``combine`` makes of these, where piece k's end lies in the place of piece k + 1's start, the
starts of all pieces; pieces lie ``line`` reals apart, and ``count`` reals of each are combined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from llvmlite import ir

from ...graph import Graph, Node
from ...schedule.grammar import Scan, Tile, View, contiguous
from ...schedule.scan import linear_nodes, next_alone
from ...schedule.series import carried
from .emitter import Emitter, Index, number
from .lanes import LlvmLanes
from .series import Place, SeriesWriter
from .totals import abreast

# of a value, what is linear in the state; None where nothing is
Part: TypeAlias = "ir.Value | None"
Rule = Callable[[LlvmLanes, Sequence[Part], Sequence[ir.Value]], ir.Value]


def _sum(lanes: LlvmLanes, parts: Sequence[Part], _: Sequence[ir.Value]) -> ir.Value:
    x, y = parts
    return y if x is None else x if y is None else lanes.add(x, y)


def _difference(lanes: LlvmLanes, parts: Sequence[Part], _: Sequence[ir.Value]) -> ir.Value:
    x, y = parts
    return lanes.neg(y) if x is None else x if y is None else lanes.sub(x, y)


def _product(lanes: LlvmLanes, parts: Sequence[Part], values: Sequence[ir.Value]) -> ir.Value:
    x, y = parts
    return lanes.mul(values[0], y) if x is None else lanes.mul(x, values[1])


def _choice(lanes: LlvmLanes, parts: Sequence[Part], values: Sequence[ir.Value]) -> ir.Value:
    x, y = (lanes.const(0.0) if part is None else part for part in parts[1:])
    return lanes.select(values[0], x, y)


def _same(_: LlvmLanes, parts: Sequence[Part], __: Sequence[ir.Value]) -> ir.Value:
    return parts[0]


LINEAR: dict[str, Rule] = {
    "add": _sum,
    "sub": _difference,
    "mul": _product,
    "where": _choice,
    "neg": lambda lanes, parts, _: lanes.neg(parts[0]),
    "div": lambda lanes, parts, values: lanes.div(parts[0], values[1]),
    "stop_gradient": _same,
    "spread": _same,
}


class ComposeWriter(SeriesWriter):
    """Writes ``compose``: the next value's own closure on what started from 0, and its linear
    part on the factor."""

    def __init__(
        self, emitter: Emitter, graph: Graph, kernel: Tile, direction: int, batch: ir.Value,
        scan: Scan,
    ) -> None:  # fmt: skip
        ((self.leaf, self.following, _),) = carried(kernel)
        alone = next_alone(kernel)
        bare = replace(kernel, closure=alone, stores=())
        super().__init__(emitter, graph, bare, direction, batch)
        self.linear = linear_nodes(alone, self.leaf)
        self.scan = scan

    def _panel(self, steps: ir.Value, row: ir.Value, index: Index, units: int) -> None:
        places = abreast(self.emitter, index, units, self.width)
        self.emitter.pointers.update(self.starts)
        still = [self._before(row, place) for place in places]
        lanes = self.closure.lanes

        def step(i: ir.Value, *held: ir.Value) -> Sequence[ir.Value]:
            self._move(i)
            made: list[ir.Value] = []
            for n, place in enumerate(places):
                made += self._composed(row, place, still[n], *held[2 * n : 2 * n + 2])
            return made

        first = [lanes.const(1.0), lanes.const(0.0)] * len(places)
        last = self.emitter.loop(number(0), steps, 1, step, first)
        self.emitter.pointers.update(self.starts)
        for n, (where, count) in enumerate(places):
            for buffer, value in zip((self.scan.factors, self.scan.starts), last[2 * n :],
                                     strict=False):  # fmt: skip
                view = View(buffer, buffer.shape, contiguous(buffer.shape))
                self.emitter.store(view, row, where, value, self.width, count)

    def _composed(
        self, row: ir.Value, place: Place, still: dict[int, ir.Value], factor: ir.Value,
        value: ir.Value,
    ) -> list[ir.Value]:  # fmt: skip
        self.closure.forget()
        index, count = place
        values = self.closure.at(row, index, count, {**still, self.leaf: value})
        parts: dict[int, ir.Value] = {self.leaf: factor}
        for node in self.linear:
            parts[node.id] = self._linear_part(node, values, parts)
        return [parts[self.following.id], values[self.following.id]]

    def _linear_part(
        self, node: Node, values: dict[int, ir.Value], parts: dict[int, ir.Value]
    ) -> ir.Value:
        operands = [self.closure.value(x, values) for x in node.operands]
        return LINEAR[node.op](
            self.closure.lanes, [parts.get(x.id) for x in node.operands], operands
        )


def write_combine(emitter: Emitter, function: ir.Function) -> None:
    """Write the body of ``combine``."""
    pieces, line, count, *pointers = function.args
    width = emitter.target.lanes(emitter.real)
    whole = emitter.builder.and_(count, number(-width))
    for begin, end, abreast_ in ((number(0), whole, width), (whole, count, 1)):
        _combine(emitter, pieces, line, (begin, end), abreast_, pointers)


def _combine(
    emitter: Emitter,
    pieces: ir.Value,
    line: ir.Value,
    places: tuple[ir.Value, ir.Value],
    width: int,
    pointers: Sequence[ir.Value],
) -> None:
    lanes, (first, factors, starts) = emitter.lanes(width), pointers
    last = emitter.builder.sub(pieces, number(1))

    def place(i: ir.Value) -> None:
        begin = lanes.load(emitter.at(first, i))
        lanes.store(emitter.at(starts, i), begin)

        def piece(k: ir.Value, start: ir.Value) -> list[ir.Value]:
            here = emitter.add(emitter.mul(k, line), i)
            factor = lanes.load(emitter.at(factors, here))
            end = emitter.at(starts, emitter.add(here, line))
            made = lanes.add(lanes.mul(factor, start), lanes.load(end))
            # a factor may be infinite, and what starts from 0 ends as if there were none
            made = lanes.select(lanes.eq(start, lanes.const(0.0)), lanes.load(end), made)
            lanes.store(end, made)
            return [made]

        emitter.loop(number(0), last, 1, piece, [begin])

    emitter.loop(*places, width, place)
