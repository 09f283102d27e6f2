"""A loop's elements run through time one vector after another, their states in registers.

    void kernel(i64 steps, i64 batch, i64 rows, i64 part, i64 parts, ptr ...)

Pointers arrive at the first time-step, but those to rings through which only the last value goes.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from ...graph import Graph, Varies
from ...schedule.grammar import Buffer, Tile, View
from ...schedule.series import carried, moves
from .closures import ClosureWriter
from .emitter import I64, Emitter, Index, Stream, number, stream
from .reductions import vector_width
from .tiles import Space
from .totals import ABREAST, abreast

Place = tuple[Index, int | None]


class SeriesWriter:
    """Writes the body of one such kernel; ``direction`` is that of its loop."""

    def __init__(
        self, emitter: Emitter, graph: Graph, kernel: Tile, direction: int, batch: ir.Value
    ) -> None:
        self.emitter, self.kernel, self.direction, self.batch = emitter, kernel, direction, batch
        self.width = vector_width(emitter.target.lanes(emitter.real), kernel.closure.space)
        self.closure = ClosureWriter(emitter, graph, kernel.closure, self.width)
        self.carried = carried(kernel)
        held = {number for number, _, _ in self.carried}
        self.still = {
            number: view for number, view in kernel.closure.loads.items()
            if view.varies is not Varies.STEP or number in held
        }  # fmt: skip
        self.starts = dict(emitter.pointers)
        self.buffers = {stream(view): view.buffer for view in self._views()}

    def _views(self) -> list[View]:
        loads = list(self.kernel.closure.loads.values())
        indices = [view.index for view in loads if view.index is not None]
        return [*loads, *indices, *(view for _, view in self.kernel.stores)]

    def write(self, steps: ir.Value, rows: ir.Value) -> None:
        """Row by row, a few vectors at a time."""
        panel = ABREAST * self.width
        space = Space(self.emitter, self.kernel.closure.space, panel)

        def row(r: ir.Value) -> None:
            space.visit(lambda index, count: self._panel(steps, r, index, count or panel))

        self.emitter.loop(number(0), rows, 1, row)

    def _panel(self, steps: ir.Value, row: ir.Value, index: Index, units: int) -> None:
        places = abreast(self.emitter, index, units, self.width)
        self.emitter.pointers.update(self.starts)
        still = [self._before(row, place) for place in places]
        first = [known[number] for known in still for number, _, _ in self.carried]

        def step(i: ir.Value, *held: ir.Value) -> Sequence[ir.Value]:
            self._move(i)
            made: list[ir.Value] = []
            for place, known in enumerate(still):
                now = held[place * len(self.carried) : (place + 1) * len(self.carried)]
                states = {n: value for (n, _, _), value in zip(self.carried, now, strict=True)}
                made += self._step(row, places[place], {**known, **states})
            return made

        last = self.emitter.loop(number(0), steps, 1, step, first)
        self.emitter.pointers.update(self.starts)
        for place, (where, count) in enumerate(places):
            for value, (_, _, view) in zip(last[place * len(self.carried) :], self.carried,
                                           strict=False):  # fmt: skip
                if not moves(view.buffer):
                    self.emitter.store(view, row, where, value, self.width, count)

    def _before(self, row: ir.Value, place: Place) -> dict[int, ir.Value]:
        """What stays the same, and the states' first values."""
        self.closure.forget()
        index, count = place
        return {n: self.closure.load(n, v, row, index, count) for n, v in self.still.items()}

    def _move(self, i: ir.Value) -> None:
        """Pointers at step ``i`` of the loop."""
        for key, buffer in self.buffers.items():
            if moves(buffer):
                self.emitter.pointers[key] = self._moved(key, buffer, i)

    def _moved(self, key: Stream, buffer: Buffer, i: ir.Value) -> ir.Value:
        emitter = self.emitter
        line = emitter.mul(self.batch, number(self.direction * buffer.size))
        kind = I64 if buffer.dtype == "int" else None
        return emitter.at(self.starts[key], emitter.mul(i, line), kind)

    def _step(self, row: ir.Value, place: Place, known: dict[int, ir.Value]) -> list[ir.Value]:
        self.closure.forget()
        index, count = place
        values = self.closure.at(row, index, count, known)
        for node, view in self.kernel.stores:
            if moves(view.buffer):
                value = self.closure.stored(node, values)
                self.emitter.store(view, row, index, value, self.width, count)
        return [self.closure.stored(node, values) for _, node, _ in self.carried]
