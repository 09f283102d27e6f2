"""Products as register tiles: accumulators held in registers, the epilogue evaluated on them.

A kernel with products runs panel by panel, and in a panel over tiles of rows; what is left of
rows and of units gets tiles of its own size. How a tile's sums are added up is in ``walks``.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from ...graph import Graph
from ...schedule.grammar import Product, Tile, products
from ...schedule.packing import alike, groups, tile_shape
from .emitter import Emitter, number
from .tiles import Epilogue, Space
from .walks import Column, Place, TilePlace, Walks


class ProductTile:
    """A packed, register-tiled matrix product with its epilogue."""

    def __init__(self, emitter: Emitter, graph: Graph, kernel: Tile, label: str) -> None:
        self.emitter = emitter
        self.products = products(kernel)
        self.shape = tile_shape(kernel, emitter.target.machine(emitter.real))
        self.space = Space(emitter, (self.shape.units,), self.shape.panel)
        self.walks = Walks(emitter, kernel, self.shape, self.space, label)
        self.runs = alike(groups(kernel))
        self.epilogues = {
            width: Epilogue(emitter, graph, kernel, width) for width in self.shape.widths
        }

    def write(self, rows: ir.Value) -> None:
        """All panels of this part; the last one apart where it is not full."""
        self.space.visit(
            lambda index, units: self._panel(index[0], rows, units or self.shape.panel)
        )

    def _panel(self, first: ir.Value, rows: ir.Value, units: int) -> None:
        columns = self._columns(first, units)

        def tile(numbers: list[ir.Value]) -> None:
            values = self._added(TilePlace(first, numbers, columns, (numbers[0], rows)))
            self._finish(numbers, columns, lambda p, r, column: values[p, r, column.place])

        self._tiles(rows, tile)

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

    def _columns(self, first: ir.Value, units: int) -> list[Column]:
        """Vectors that hold ``units`` units; the last one is as narrow as they allow."""
        lanes, columns = self.shape.lanes, []
        for place, begin in enumerate(range(0, units, lanes)):
            left = units - begin
            count, width = (None, lanes) if left >= lanes else (left, self.shape.width(left))
            unit = self.emitter.add(first, number(begin))
            columns.append(Column(place, unit, count, self.epilogues[width]))
        return columns

    def _added(self, at: TilePlace) -> dict[Place, ir.Value]:
        """A tile's products, from the first element of their operands to the last."""
        values = {
            (place, r, column.place): self._first(product, row, column)
            for place, product in enumerate(self.products)
            for r, row in enumerate(at.rows)
            for column in at.columns
        }
        for run in self.runs:
            self.walks.whole(run, at, values)
        return values

    def _first(self, product: Product, row: ir.Value, column: Column) -> ir.Value:
        if product.start is None:
            return self.emitter.lanes(column.width).const(0.0)
        return self.emitter.load(product.start, row, (column.unit,), column.width, column.count)

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
