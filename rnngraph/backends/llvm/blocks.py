"""Products block by block: the weights of a block stay in the first cache for all rows.

    for some rows:  for every row:    sums (to memory) are what the products start with
                    for every block:  for every tile:  sums (from memory), add, sums (to memory)
                    for every row:    epilogue on its sums

The sums of some rows lie on the stack meanwhile. Each is the same chain of additions as in a tile
that holds it in a register. Rows that are one tile read every weight once, in one block.
"""

from __future__ import annotations

from llvmlite import ir

from ...graph import Graph
from ...schedule.grammar import Tile
from ...schedule.packing import SEVERAL, Pass
from .emitter import POINTER, Emitter, number
from .products import Column, ProductTile

ALIGNMENT = 64


class BlockedTile(ProductTile):
    """A product whose panels are worked off in blocks."""

    def __init__(
        self, emitter: Emitter, graph: Graph, kernel: Tile, label: str, passes: list[Pass]
    ) -> None:
        super().__init__(emitter, graph, kernel, label)
        self.passes = passes
        self.row_size = len(self.products) * self.shape.panel
        with emitter.builder.goto_entry_block():
            self.sums = emitter.builder.alloca(emitter.format.element, SEVERAL * self.row_size)
        self.sums.align = ALIGNMENT
        self.sums.type = POINTER  # llvmlite gives it the type of what it points to

    def _panel(self, first: ir.Value, rows: ir.Value, units: int) -> None:
        b, columns = self.emitter.builder, self._columns(first, units)

        def some(begin: ir.Value) -> None:
            count = self._least(b.sub(rows, begin), number(SEVERAL))
            self.emitter.loop(number(0), count, 1, lambda r: self._start(begin, r, columns))
            for way in self.passes:
                self._pass(way, first, begin, count, columns)
            self.emitter.loop(number(0), count, 1, lambda r: self._row(begin, r, columns))

        self.emitter.loop(number(0), rows, SEVERAL, some)

    def _start(self, begin: ir.Value, r: ir.Value, columns: list[Column]) -> None:
        row = self.emitter.add(begin, r)
        for place, product in enumerate(self.products):
            for column in columns:
                lanes = self.emitter.lanes(column.width)
                lanes.store(self._sum(r, place, column), self._first(product, row, column))

    def _pass(
        self, way: Pass, first: ir.Value, begin: ir.Value, count: ir.Value, columns: list[Column]
    ) -> None:
        b, depth = self.emitter.builder, number(self.groups[way.group].depth)
        lone = b.icmp_signed("<=", count, number(self.shape.rows))
        length = b.select(lone, depth, number(way.length))

        def block(low: ir.Value) -> None:
            part = (low, self._least(self.emitter.add(low, length), depth))
            self._tiles(count, lambda numbers: self._part(
                way, part, first, (begin, count), numbers, columns))  # fmt: skip

        self.emitter.loop(number(0), depth, length, block)

    def _part(
        self, way: Pass, part: tuple[ir.Value, ir.Value], first: ir.Value,
        some: tuple[ir.Value, ir.Value], numbers: list[ir.Value], columns: list[Column],
    ) -> None:  # fmt: skip
        """A tile's sums, with what a part of the operand adds to them."""
        begin, count = some
        rows = [self.emitter.add(begin, r) for r in numbers]
        values = {
            (p, r, column.place): self._load(p, numbers[r], column)
            for p in way.products
            for r in range(len(rows))
            for column in columns
        }
        self._accumulate(way, part, first, rows, columns, values, (numbers[0], count))
        for (p, r, c), value in values.items():
            lanes = self.emitter.lanes(columns[c].width)
            lanes.store(self._sum(numbers[r], p, columns[c]), value)

    def _row(self, begin: ir.Value, r: ir.Value, columns: list[Column]) -> None:
        row = self.emitter.add(begin, r)
        self._finish([row], columns, lambda p, _, column: self._load(p, r, column))

    def _load(self, product: int, r: ir.Value, column: Column) -> ir.Value:
        return self.emitter.lanes(column.width).load(self._sum(r, product, column))

    def _sum(self, r: ir.Value, product: int, column: Column) -> ir.Value:
        """Where one vector of sums lies."""
        place = product * self.shape.panel + column.place * self.shape.lanes
        row = self.emitter.mul(r, number(self.row_size))
        return self.emitter.at(self.sums, self.emitter.add(row, number(place)))

    def _least(self, a: ir.Value, b: ir.Value) -> ir.Value:
        builder = self.emitter.builder
        return builder.select(builder.icmp_signed("<", a, b), a, b)
