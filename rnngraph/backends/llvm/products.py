"""Products as register tiles: accumulators held in registers, the epilogue evaluated on them.

A kernel with products runs panel by panel, and in a panel over tiles of rows; what is left of
rows and of units gets tiles of its own size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from ...graph import Graph
from ...schedule.grammar import Product, Tile, products
from ...schedule.packing import TALL, Block, far, groups, tile_shape
from .emitter import Emitter, number
from .tiles import Epilogue, Space

CACHE_LINE = 64  # bytes
# steps along the operand by which weights are fetched before their use: some 1500 cycles of a
# tile, which even memory does not take
LINES_AHEAD = 64

Place = tuple[int, int, int]  # product, row of the tile, column


@dataclass(frozen=True)
class Column:
    """One vector of a tile's units; ``count`` of its lanes are in use, all for None."""

    place: int
    unit: ir.Value
    count: int | None
    epilogue: Epilogue

    @property
    def width(self) -> int:
        """Lanes."""
        return self.epilogue.width


class ProductTile:
    """A packed, register-tiled matrix product with its epilogue."""

    def __init__(self, emitter: Emitter, graph: Graph, kernel: Tile, label: str) -> None:
        self.emitter, self.kernel, self.label = emitter, kernel, label
        self.products = products(kernel)
        self.groups = groups(kernel)
        self.shape = tile_shape(kernel, emitter.target.machine(emitter.real))
        self.epilogues = {
            width: Epilogue(emitter, graph, kernel, width) for width in self.shape.widths
        }

    def write(self, rows: ir.Value) -> None:
        """All panels of this part; the last one apart where it is not full."""
        Space(self.emitter, (self.shape.units,), self.shape.panel).visit(
            lambda index, units: self._panel(index[0], rows, units or self.shape.panel)
        )

    def _panel(self, first: ir.Value, rows: ir.Value, units: int) -> None:
        columns = self._columns(first, units)
        self._tiles(rows, lambda numbers: self._tile(first, numbers, columns))

    def _tiles(self, rows: ir.Value, body: Callable[[list[ir.Value]], None]) -> None:
        """``body(row numbers)`` for tiles that cover all rows."""
        b, done = self.emitter.builder, number(0)
        for tile in self.shape.heights:
            whole = b.add(done, self._covered(b.sub(rows, done), tile))
            self.emitter.loop(done, whole, tile, lambda row, tile=tile: body(
                [self.emitter.add(row, number(r)) for r in range(tile)]))  # fmt: skip
            done = whole

    def _covered(self, left: ir.Value, tile: int) -> ir.Value:
        """How many of the rows left go into tiles of this height."""
        b, lone = self.emitter.builder, self.shape.lone
        rest = b.srem(left, number(tile))
        covered = b.sub(left, rest)
        if tile != self.shape.rows or not lone:
            return covered
        one_less = b.and_(b.icmp_signed("==", rest, number(lone)),
                          b.icmp_signed(">", covered, number(0)))  # fmt: skip
        return b.select(one_less, b.sub(covered, number(tile)), covered)

    def _tile(self, first: ir.Value, rows: list[ir.Value], columns: list[Column]) -> None:
        values = {
            (place, r, column.place): self._first(product, row, column)
            for place, product in enumerate(self.products)
            for r, row in enumerate(rows)
            for column in columns
        }
        for place, group in enumerate(self.groups):
            block = Block(tuple(p for p, _ in group.members), place, range(group.depth))
            self._accumulate(block, first, rows, columns, values)
        self._finish(rows, columns, lambda p, r, column: values[p, r, column.place])

    def _columns(self, first: ir.Value, units: int) -> list[Column]:
        """Vectors that hold ``units`` units; the last one is as narrow as they allow."""
        lanes, columns = self.shape.lanes, []
        for place, begin in enumerate(range(0, units, lanes)):
            left = units - begin
            count, width = (None, lanes) if left >= lanes else (left, self.shape.width(left))
            unit = self.emitter.add(first, number(begin))
            columns.append(Column(place, unit, count, self.epilogues[width]))
        return columns

    def _first(self, product: Product, row: ir.Value, column: Column) -> ir.Value:
        if product.start is None:
            return self.emitter.lanes(column.width).const(0.0)
        return self.emitter.load(product.start, row, (column.unit,), column.width, column.count)

    def _accumulate(
        self,
        block: Block,
        first: ir.Value,
        rows: list[ir.Value],
        columns: list[Column],
        values: dict[Place, ir.Value],
    ) -> None:
        """One pass along the operand: broadcast an element of each row, add to every column."""
        emitter, shape, group = self.emitter, self.shape, self.groups[block.group]
        members = [(m, p) for m, (p, _) in enumerate(group.members) if p in block.products]
        line_size = len(group.members) * shape.panel
        packed = emitter.pointers[packed_name(self.label, block.group), 0]
        panel = emitter.builder.sdiv(first, number(shape.panel))
        weights = emitter.at(packed, emitter.mul(panel, number(group.depth * line_size)))
        starts = [emitter.row_start(group.operand, row) for row in rows]
        widths = {column.width: emitter.lanes(column.width) for column in columns}
        cells = [(p, r, column.place) for _, p in members for column in columns
                 for r in range(len(rows))]  # fmt: skip

        def step(k: ir.Value, *sums: ir.Value) -> list[ir.Value]:
            made = iter(sums)
            line = emitter.at(weights, emitter.mul(k, number(line_size)))
            places = [emitter.element(group.operand, start, (k,)) for start in starts]
            inputs = {width: [lanes.load_splat(p) for p in places]
                      for width, lanes in widths.items()}  # fmt: skip
            for ahead in self._ahead(line_size, len(rows)):
                emitter.prefetch(emitter.at(line, number(ahead)))
            added = []
            for member, _ in members:
                for column in columns:
                    offset = member * shape.panel + column.place * shape.lanes
                    lanes = widths[column.width]
                    weight = lanes.load(emitter.at(line, number(offset)))
                    added += [lanes.fma(x, weight, next(made)) for x in inputs[column.width]]
            return added

        low, high = number(block.depth.start), number(block.depth.stop)
        sums = emitter.loop(low, high, 1, step, [values[cell] for cell in cells])
        values.update(zip(cells, sums, strict=True))

    def _ahead(self, line_size: int, rows: int) -> range:
        """Places in the stream of weights to be fetched in time, where they come from afar. (A
        tile of few rows does nothing but read them: the processor sees that by itself.)"""
        if rows < TALL or not far(self.kernel):
            return range(0)
        first = LINES_AHEAD * line_size
        return range(first, first + line_size, CACHE_LINE // self.emitter.format.bytes)

    def _finish(
        self,
        rows: list[ir.Value],
        columns: list[Column],
        value: Callable[[int, int, Column], ir.Value],
    ) -> None:
        """The epilogue of some rows; ``value(product, row, column)`` by their places."""
        for column in columns:
            column.epilogue.forget()
            for r, row in enumerate(rows):
                known = {product.node.id: value(p, r, column)
                         for p, product in enumerate(self.products)}  # fmt: skip
                column.epilogue.write(row, (column.unit,), column.count, known)


def packed_name(label: str, place: int) -> str:
    """The stream of one group's packed weights."""
    return f"packed {label} {place}"
