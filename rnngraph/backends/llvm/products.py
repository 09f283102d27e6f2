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
from ...schedule.packing import TALL, Pass, far, groups, tile_shape
from .emitter import Emitter, number
from .tiles import Epilogue, Space

CACHE_LINE = 64  # bytes
FETCHES = 2  # lines that a tile fetches ahead with every element of its operand, at most

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
        self.space = Space(emitter, (self.shape.units,), self.shape.panel)
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
        self._tiles(rows, lambda numbers: self._tile(first, numbers, columns, rows))

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

    def _tile(
        self, first: ir.Value, rows: list[ir.Value], columns: list[Column], total: ir.Value
    ) -> None:
        values = {
            (place, r, column.place): self._first(product, row, column)
            for place, product in enumerate(self.products)
            for r, row in enumerate(rows)
            for column in columns
        }
        for place, group in enumerate(self.groups):
            way = Pass(tuple(p for p, _ in group.members), place, group.depth)
            depth = (number(0), number(group.depth))
            self._accumulate(way, depth, first, rows, columns, values, (rows[0], total))
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
        way: Pass,
        depth: tuple[ir.Value, ir.Value],
        first: ir.Value,
        rows: list[ir.Value],
        columns: list[Column],
        values: dict[Place, ir.Value],
        share: tuple[ir.Value, ir.Value],
    ) -> None:
        """Along the operand, from one element to another: broadcast an element of each row, add to
        every column. ``share``: the tile's first row, of how many rows."""
        emitter, shape, group = self.emitter, self.shape, self.groups[way.group]
        members = [(m, p) for m, (p, _) in enumerate(group.members) if p in way.products]
        line_size = len(group.members) * shape.panel
        packed = emitter.pointers[packed_name(self.label, way.group), 0]
        size = group.depth * line_size
        panel = emitter.builder.sdiv(first, number(shape.panel))
        weights = emitter.at(packed, emitter.mul(panel, number(size)))
        fetch = self._fetcher(packed, panel, size, depth, line_size, len(rows), share)
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
            fetch(k)
            added = []
            for member, _ in members:
                for column in columns:
                    offset = member * shape.panel + column.place * shape.lanes
                    lanes = widths[column.width]
                    weight = lanes.load(emitter.at(line, number(offset)))
                    added += [lanes.fma(x, weight, next(made)) for x in inputs[column.width]]
            return added

        sums = emitter.loop(*depth, 1, step, [values[cell] for cell in cells])
        values.update(zip(cells, sums, strict=True))

    def _fetcher(
        self, packed: ir.Value, panel: ir.Value, size: int, depth: tuple[ir.Value, ir.Value],
        line_size: int, height: int, share: tuple[ir.Value, ir.Value],
    ) -> Callable[[ir.Value], None]:  # fmt: skip
        """What fetches the weights that come next, where they come from afar: ``fetch(k)`` at
        every element of the operand. Each tile fetches as much of them as it has of the rows, so
        that memory is busy all the time that the processor is. (A tile of few rows does nothing
        but read weights: the processor sees that by itself.)"""
        e, b, (row, rows), (low, high) = self.emitter, self.emitter.builder, share, depth
        if height < TALL or not far(self.kernel):
            return lambda k: None
        after = e.add(e.mul(panel, number(size)), e.mul(high, number(line_size)))
        last = b.icmp_signed(">=", e.add(panel, number(1)), self.space.high)
        again = e.mul(self.space.low, number(size))  # the next time-step begins there
        done = b.sdiv(b.mul(row, b.mul(b.sub(high, low), number(line_size))), rows)
        start = e.at(packed, e.add(b.select(last, again, after), done))
        stride = b.sdiv(number(line_size * height), rows)
        line = CACHE_LINE // e.format.bytes

        def fetch(k: ir.Value) -> None:
            for place in range(FETCHES):
                ahead = e.add(e.mul(b.sub(k, low), stride), number(place * line))
                e.prefetch(e.at(start, ahead))

        return fetch

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
