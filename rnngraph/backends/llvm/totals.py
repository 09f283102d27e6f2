"""Kernels that sum over time-steps and rows: weight gradients and their kin.

All of them add to their target, which starts at 0, in order of rows, or from the last row to the
first: the sum is one chain of additions per element, whatever the number of threads or the chunks
in which rows arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llvmlite import ir

from ...graph import Graph, Varies
from ...schedule.grammar import ColumnTotal, ScatterTotal
from .closures import ClosureWriter
from .emitter import Emitter, Index, number
from .reductions import vector_width
from .tiles import Space

# vectors of units summed side by side: an addition takes as long as starting this many
ABREAST = 4
FIRST = number(0)  # row


@dataclass(frozen=True)
class Rows:
    """The rows that a kernel sums over, in the order of its phase's direction."""

    emitter: Emitter
    count: ir.Value
    direction: int
    first: ir.Value = FIRST

    def loop(
        self, body: Callable[..., Sequence[ir.Value] | None], carried: Sequence[ir.Value] = ()
    ) -> list[ir.Value]:
        """``body(row, *carried)`` for every row; as ``Emitter.loop``."""
        e = self.emitter
        low, high = self.first, e.add(self.first, self.count)
        if self.direction >= 0:
            return e.loop(low, high, 1, body, carried)
        ends = e.builder.sub(e.add(low, high), number(1))
        return e.loop(low, high, 1, lambda i, *values: body(e.builder.sub(ends, i), *values),
                      carried)  # fmt: skip

    def pieces(self, size: int, body: Callable[[Rows], None]) -> None:
        """``body`` for so many rows at a time, in the same order."""
        e, b = self.emitter, self.emitter.builder

        def piece(done: ir.Value) -> None:
            left = b.sub(self.count, done)
            count = e.least(left, number(size))
            before = done if self.direction >= 0 else b.sub(left, count)
            body(Rows(e, count, self.direction, e.add(self.first, before)))

        e.loop(number(0), self.count, size, piece)


def write_column_total(emitter: Emitter, graph: Graph, kernel: ColumnTotal, rows: Rows) -> None:
    """``target += sum over rows of source``; row by row where the target has rows."""
    space = kernel.closure.space
    width = vector_width(emitter.target.lanes(emitter.real), space)
    writer = ClosureWriter(emitter, graph, kernel.closure, width)
    if kernel.target.varies is Varies.ONCE:
        _sum_abreast(emitter, kernel, writer, rows)
        return
    own = Space(emitter, space, width)

    def own_row(r: ir.Value) -> None:
        def at(index: Index, count: int | None) -> None:
            writer.forget()
            value = writer.stored(kernel.source, writer.at(r, index, count, {}))
            total = writer.lanes.add(emitter.load(kernel.target, r, index, width, count), value)
            emitter.store(kernel.target, r, index, total, width, count)

        own.visit(at)

    rows.loop(own_row)


def _sum_abreast(
    emitter: Emitter, kernel: ColumnTotal, writer: ClosureWriter, rows: Rows
) -> None:
    """Several vectors of units at a time: each is a chain of additions that waits for itself."""
    space, width, zero = kernel.closure.space, writer.width, number(0)
    panel = ABREAST * width

    def columns(index: Index, count: int | None) -> None:
        places = abreast(emitter, index, count or panel, width)

        def row(r: ir.Value, *totals: ir.Value) -> Sequence[ir.Value]:
            return [add(r, place, total) for place, total in zip(places, totals, strict=True)]

        def add(r: ir.Value, place: tuple[Index, int | None], total: ir.Value) -> ir.Value:
            writer.forget()
            value = writer.stored(kernel.source, writer.at(r, *place, {}))
            return writer.lanes.add(total, value)

        first = [emitter.load(kernel.target, zero, i, width, n) for i, n in places]
        totals = rows.loop(row, first)
        for (i, n), total in zip(places, totals, strict=True):
            emitter.store(kernel.target, zero, i, total, width, n)

    Space(emitter, space, panel).visit(columns)


def abreast(
    emitter: Emitter, index: Index, units: int, width: int
) -> list[tuple[Index, int | None]]:
    """(index, lane count) of every vector in ``units`` from ``index`` on."""
    if not index:
        return [(index, 1)]
    counts = [min(width, units - begin) for begin in range(0, units, width)]
    firsts = [emitter.add(index[-1], number(place * width)) for place in range(len(counts))]
    return [
        ((*index[:-1], first), None if count == width else count)
        for first, count in zip(firsts, counts, strict=True)
    ]


def write_scatter_total(emitter: Emitter, kernel: ScatterTotal, rows: Rows) -> None:
    """``target[index] += value``, one row after the other."""
    space = kernel.value.shape
    width = vector_width(emitter.target.lanes(emitter.real), space)
    lanes = emitter.lanes(width)
    own = Space(emitter, space, width)

    def row(r: ir.Value) -> None:
        chosen = emitter.builder.load(
            emitter.row_start(kernel.index, r), typ=ir.IntType(64), align=8
        )

        # the target's first index is the chosen one
        def at(index: Index, count: int | None) -> None:
            place = (chosen, *index)
            before = emitter.load(kernel.target, number(0), place, width, count)
            value = emitter.load(kernel.value, r, index, width, count)
            emitter.store(kernel.target, number(0), place, lanes.add(before, value), width, count)

        own.visit(at)

    rows.loop(row)
