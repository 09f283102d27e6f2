"""Sums of outer products over time-steps and rows: the gradients of weights.

    for some columns:  for some rows:  (their right side, packed)
                       for some lines:  sums (from the target), add row after row, sums (to it)

A tile holds the sums of some lines and columns in registers, reads the right side's rows as vectors
and broadcasts elements of the left side. Where many tiles read the same part of the right side, it
is packed for them: rows that lie far apart take each other's place in the first cache.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from ...schedule.grammar import OuterTotal
from .emitter import Emitter, number
from .reductions import vector_width
from .tiles import Space
from .totals import Rows

TALLEST = 6  # lines of a tile, which read each vector of the right side once
MANY = 512  # lines: so many tiles read what was packed
PACKED = 128  # rows, which with the columns of a tile stay in the first cache

Column = tuple[ir.Value, int | None]  # first unit, lane count


class OuterWriter:
    """Writes ``target += left^T right`` over all rows."""

    def __init__(self, emitter: Emitter, kernel: OuterTotal, rows: Rows) -> None:
        self.emitter, self.kernel, self.rows = emitter, kernel, rows
        lines, self.units = kernel.target.shape
        self.width = vector_width(emitter.target.lanes(emitter.real), (self.units,))
        registers = emitter.target.registers
        self.vectors = max(1, min(registers // 8, self.units // self.width))
        self.height = min(TALLEST, 3 * registers // 4 // self.vectors)
        self.lines = Space(emitter, (lines,), self.height)
        size = PACKED * self.vectors * self.width
        self.packed = emitter.room(size) if lines >= MANY else None

    def write(self) -> None:
        """All columns; those that are left over apart."""
        panel = self.vectors * self.width
        whole = self.units - self.units % panel
        if whole:
            self.emitter.loop(number(0), number(whole), panel,
                              lambda j: self._columns(j, [None] * self.vectors))  # fmt: skip
        if rest := self.units - whole:
            counts: list[int | None] = [None] * (rest // self.width)
            if rest % self.width:
                counts.append(rest % self.width)
            self._columns(number(whole), counts)

    def _columns(self, first: ir.Value, counts: Sequence[int | None]) -> None:
        units = [self.emitter.add(first, number(c * self.width)) for c in range(len(counts))]
        columns = list(zip(units, counts, strict=True))
        if self.packed is None:
            self._every_line(self.rows, columns)
        else:
            self.rows.pieces(PACKED, lambda rows: self._piece(rows, columns))

    def _piece(self, rows: Rows, columns: list[Column]) -> None:
        lanes = self.emitter.lanes(self.width)

        def pack(r: ir.Value) -> None:
            for c, value in enumerate(self._given(r, columns)):
                lanes.store(self._place(rows, r, c), value)

        rows.loop(pack)
        self._every_line(rows, columns)

    def _every_line(self, rows: Rows, columns: list[Column]) -> None:
        self.lines.visit(
            lambda index, few: self._tile(rows, index[0], few or self.height, columns)
        )

    def _tile(self, rows: Rows, first: ir.Value, height: int, columns: list[Column]) -> None:
        e, kernel, lanes = self.emitter, self.kernel, self.emitter.lanes(self.width)
        lines = [e.add(first, number(a)) for a in range(height)]
        cells = [(line, *column) for line in lines for column in columns]

        def step(r: ir.Value, *sums: ir.Value) -> Sequence[ir.Value]:
            right, start = self._right(rows, r, columns), e.row_start(kernel.left, r)
            left = [lanes.load_splat(e.element(kernel.left, start, (line,))) for line in lines]
            pairs = ((x, y) for x in left for y in right)
            return [lanes.fma(x, y, sum) for (x, y), sum in zip(pairs, sums, strict=True)]

        zero = number(0)
        sums = [e.load(kernel.target, zero, (line, unit), self.width, count)
                for line, unit, count in cells]  # fmt: skip
        for (line, unit, count), sum in zip(cells, rows.loop(step, sums), strict=True):
            e.store(kernel.target, zero, (line, unit), sum, self.width, count)

    def _right(self, rows: Rows, r: ir.Value, columns: list[Column]) -> list[ir.Value]:
        if self.packed is None:
            return self._given(r, columns)
        lanes = self.emitter.lanes(self.width)
        return [lanes.load(self._place(rows, r, c)) for c in range(len(columns))]

    def _given(self, r: ir.Value, columns: list[Column]) -> list[ir.Value]:
        return [self.emitter.load(self.kernel.right, r, (unit,), self.width, count)
                for unit, count in columns]  # fmt: skip

    def _place(self, rows: Rows, r: ir.Value, column: int) -> ir.Value:
        """Where a vector of the right side is packed."""
        e = self.emitter
        line = e.mul(e.builder.sub(r, rows.first), number(self.vectors * self.width))
        return e.at(self.packed, e.add(line, number(column * self.width)))
