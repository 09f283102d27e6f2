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
from ...schedule.packing import Block
from .emitter import POINTER, Emitter, number
from .products import Column, Place, ProductTile

ROWS = 48  # at once; a multiple of the heights of tiles
ALIGNMENT = 64


class BlockedTile(ProductTile):
    """A product whose panels are worked off in blocks."""

    def __init__(
        self, emitter: Emitter, graph: Graph, kernel: Tile, label: str, blocks: list[Block]
    ) -> None:
        super().__init__(emitter, graph, kernel, label)
        self.blocks, self.begun = blocks, set[int]()
        self.row_size = len(self.products) * self.shape.panel
        with emitter.builder.goto_entry_block():
            self.sums = emitter.builder.alloca(emitter.format.element, ROWS * self.row_size)
        self.sums.align = ALIGNMENT
        self.sums.type = POINTER  # llvmlite gives it the type of what it points to

    def _panel(self, first: ir.Value, rows: ir.Value, units: int) -> None:
        b, columns = self.emitter.builder, self._columns(first, units)

        def some(begin: ir.Value) -> None:
            left = b.sub(rows, begin)
            count = b.select(b.icmp_signed("<", left, number(ROWS)), left, number(ROWS))
            self.begun = set()
            for block in self.blocks:
                self._block(block, first, begin, count, columns)
                self.begun |= {p for p, _ in self._members(block)}
            self.emitter.loop(number(0), count, 1, lambda r: self._row(begin, r, columns))

        self.emitter.loop(number(0), rows, ROWS, some)

    def _members(self, block: Block) -> list[tuple[int, object]]:
        return [m for m in self.groups[block.group].members if m[0] in block.products]

    def _block(
        self, block: Block, first: ir.Value, begin: ir.Value, count: ir.Value,
        columns: list[Column],
    ) -> None:  # fmt: skip
        places = [p for p, _ in self._members(block)]

        def tile(numbers: list[ir.Value]) -> None:
            rows = [self.emitter.add(begin, r) for r in numbers]
            values = self._before(places, numbers, rows, columns)
            self._accumulate(block, first, rows, columns, values)
            for (p, r, c), value in values.items():
                column = columns[c]
                self.emitter.lanes(column.width).store(self._sum(numbers[r], p, column), value)

        self._tiles(count, tile)

    def _before(
        self, places: list[int], numbers: list[ir.Value], rows: list[ir.Value],
        columns: list[Column],
    ) -> dict[Place, ir.Value]:  # fmt: skip
        """Sums so far: what blocks before have left, else what the product starts with."""
        return {
            (p, r, column.place): self._load(p, numbers[r], column)
            if p in self.begun
            else self._first(self.products[p], row, column)
            for p in places
            for r, row in enumerate(rows)
            for column in columns
        }

    def _row(self, begin: ir.Value, r: ir.Value, columns: list[Column]) -> None:
        row = self.emitter.add(begin, r)
        for column in columns:
            column.epilogue.forget()
            known = {product.node.id: self._load(p, r, column)
                     for p, product in enumerate(self.products)}  # fmt: skip
            column.epilogue.write(row, (column.unit,), column.count, known)

    def _load(self, product: int, r: ir.Value, column: Column) -> ir.Value:
        return self.emitter.lanes(column.width).load(self._sum(r, product, column))

    def _sum(self, r: ir.Value, product: int, column: Column) -> ir.Value:
        """Where one vector of sums lies."""
        place = product * self.shape.panel + column.place * self.shape.lanes
        row = self.emitter.mul(r, number(self.row_size))
        return self.emitter.at(self.sums, self.emitter.add(row, number(place)))
