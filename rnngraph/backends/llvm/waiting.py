"""Products whose sums wait on the stack: for the epilogue, or for the next block of weights.

    for some rows:  for every tile:   sums (to memory)
                    for every row:    epilogue on its sums

Where all the work cannot be done at once, weights go by in blocks that stay in the first cache:

    for some rows:  for every row:    sums (to memory) are what the products start with
                    for every block:  for every tile:  sums (from memory), add, sums (to memory)
                    for every row:    epilogue on its sums

Each sum is the same chain of additions as in a tile that holds it in a register. Rows that are one
tile read every weight once, in one block.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from ...graph import Graph
from ...schedule.grammar import Tile
from ...schedule.packing import SEVERAL, Pass
from .emitter import Emitter, number
from .products import ProductTile
from .walks import Column, Sums, TilePlace

ABREAST = 2  # rows whose epilogues are one piece of code: neither waits for its own results


class WaitingTile(ProductTile):
    """A product whose sums wait on the stack; ``passes``, if any, are the way there."""

    def __init__(
        self, emitter: Emitter, graph: Graph, kernel: Tile, label: str, passes: list[Pass]
    ) -> None:
        super().__init__(emitter, graph, kernel, label)
        self.passes = passes
        self.row_size = len(self.products) * self.shape.panel
        self.sums = emitter.room(SEVERAL * self.row_size)

    def _panel(self, first: ir.Value, rows: ir.Value, units: int) -> None:
        e, columns = self.emitter, self._columns(first, units)

        def some(begin: ir.Value) -> None:
            count = e.least(e.builder.sub(rows, begin), number(SEVERAL))

            def place(numbers: list[ir.Value]) -> TilePlace:
                tile_rows = [e.add(begin, r) for r in numbers]
                return TilePlace(first, tile_rows, columns, (tile_rows[0], rows))

            if self.passes:
                e.loop(number(0), count, 1, lambda r: self._start(begin, r, columns))
                for way in self.passes:
                    self._pass(way, count, place)
            else:
                self._tiles(count, lambda n: self._keep(self._added(place(n)), n, columns))
            self._finish_all(begin, count, columns)

        e.loop(number(0), rows, SEVERAL, some)

    def _start(self, begin: ir.Value, r: ir.Value, columns: list[Column]) -> None:
        row = self.emitter.add(begin, r)
        first = {(p, 0, column.place): self._first(product, row, column)
                 for p, product in enumerate(self.products) for column in columns}  # fmt: skip
        self._keep(first, [r], columns)

    def _pass(
        self, way: Pass, count: ir.Value, place: Callable[[list[ir.Value]], TilePlace]
    ) -> None:
        b, depth = self.emitter.builder, number(self.walks.groups[way.group].depth)
        lone = b.icmp_signed("<=", count, number(self.shape.rows))
        length = b.select(lone, depth, number(way.length))

        def block(low: ir.Value) -> None:
            part = (low, self.emitter.least(self.emitter.add(low, length), depth))

            def tile(numbers: list[ir.Value]) -> None:
                at = place(numbers)
                sums = {(p, r, column.place): self._load(p, number, column)
                        for p in way.products for r, number in enumerate(numbers)
                        for column in at.columns}  # fmt: skip
                self.walks.part(way, part, at, sums)
                self._keep(sums, numbers, at.columns)

            self._tiles(count, tile)

        self.emitter.loop(number(0), depth, length, block)

    def _keep(self, sums: Sums, numbers: list[ir.Value], columns: list[Column]) -> None:
        for (p, r, c), value in sums.items():
            lanes = self.emitter.lanes(columns[c].width)
            lanes.store(self._sum(numbers[r], p, columns[c]), value)

    def _finish_all(self, begin: ir.Value, count: ir.Value, columns: list[Column]) -> None:
        e = self.emitter
        most = e.builder.sub(count, e.builder.srem(count, number(ABREAST)))
        for low, high, step in ((number(0), most, ABREAST), (most, count, 1)):
            e.loop(low, high, step, lambda r, step=step: self._rows(
                begin, [e.add(r, number(i)) for i in range(step)], columns))  # fmt: skip

    def _rows(self, begin: ir.Value, numbers: list[ir.Value], columns: list[Column]) -> None:
        rows = [self.emitter.add(begin, r) for r in numbers]
        self._finish(rows, columns, lambda p, r, column: self._load(p, numbers[r], column))

    def _load(self, product: int, r: ir.Value, column: Column) -> ir.Value:
        return self.emitter.lanes(column.width).load(self._sum(r, product, column))

    def _sum(self, r: ir.Value, product: int, column: Column) -> ir.Value:
        """Where one vector of sums lies."""
        place = product * self.shape.panel + column.place * self.shape.lanes
        row = self.emitter.mul(r, number(self.row_size))
        return self.emitter.at(self.sums, self.emitter.add(row, number(place)))
