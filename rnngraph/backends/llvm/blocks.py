"""Products block by block: the weights of a block stay in the first cache for all rows.

    for some rows:  for every block:  for every tile:  sums (from memory), add, sums (to memory)
                    for every row:    epilogue on its sums

The sums of some rows lie on the stack meanwhile. Each is the same chain of additions as in a tile
that holds it in a register.
"""

from __future__ import annotations

from llvmlite import ir

from ...graph import Graph
from ...schedule.grammar import Tile
from ...schedule.packing import SEVERAL, Block
from .emitter import POINTER, Emitter, number
from .products import Column, ProductTile

ALIGNMENT = 64


class BlockedTile(ProductTile):
    """A product whose panels are worked off in blocks."""

    def __init__(
        self, emitter: Emitter, graph: Graph, kernel: Tile, label: str, blocks: list[Block]
    ) -> None:
        super().__init__(emitter, graph, kernel, label)
        self.blocks = blocks
        self.row_size = len(self.products) * self.shape.panel
        with emitter.builder.goto_entry_block():
            self.sums = emitter.builder.alloca(emitter.format.element, SEVERAL * self.row_size)
        self.sums.align = ALIGNMENT
        self.sums.type = POINTER  # llvmlite gives it the type of what it points to

    def _panel(self, first: ir.Value, rows: ir.Value, units: int) -> None:
        b, columns = self.emitter.builder, self._columns(first, units)

        def some(begin: ir.Value) -> None:
            left = b.sub(rows, begin)
            count = b.select(b.icmp_signed("<", left, number(SEVERAL)), left, number(SEVERAL))
            for place in range(len(self.blocks)):
                self._block(place, first, begin, count, columns)
            self.emitter.loop(number(0), count, 1, lambda r: self._row(begin, r, columns))

        self.emitter.loop(number(0), rows, SEVERAL, some)

    def _block(
        self, place: int, first: ir.Value, begin: ir.Value, count: ir.Value, columns: list[Column]
    ) -> None:
        block = self.blocks[place]
        begun = {p for before in self.blocks[:place] for p in before.products}

        def so_far(p: int, r: ir.Value, row: ir.Value, column: Column) -> ir.Value:
            """What the blocks before have left, or what the product starts with."""
            if p in begun:
                return self._load(p, r, column)
            return self._first(self.products[p], row, column)

        def tile(numbers: list[ir.Value]) -> None:
            rows = [self.emitter.add(begin, r) for r in numbers]
            values = {
                (p, r, column.place): so_far(p, numbers[r], row, column)
                for p in block.products
                for r, row in enumerate(rows)
                for column in columns
            }
            self._accumulate(block, first, rows, columns, values)
            for (p, r, c), value in values.items():
                lanes = self.emitter.lanes(columns[c].width)
                lanes.store(self._sum(numbers[r], p, columns[c]), value)

        self._tiles(count, tile)

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
