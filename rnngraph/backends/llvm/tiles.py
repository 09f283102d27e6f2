"""Tile kernels: accumulators held in registers, the closure evaluated on them, then the stores.

A kernel with products runs panel by panel, and in a panel over tiles of rows; what is left of
rows and of units gets tiles of its own size. A kernel without runs row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llvmlite import ir

from ...graph import Graph
from ...schedule.grammar import Product, Reduction, Tile
from ...schedule.packing import Group, groups, tile_shape
from .closures import ClosureWriter
from .emitter import Emitter, Index, number
from .reductions import ReductionWriter, vector_width


def write_tile(
    emitter: Emitter, graph: Graph, kernel: Tile, label: str, rows: ir.Value
) -> None:
    """Write the body of a tile kernel over ``rows`` rows; ``label`` names its packed weights."""
    if any(isinstance(a, Product) for a in kernel.accumulators):
        ProductTile(emitter, graph, kernel, label).write(rows)
    else:
        _write_map(emitter, graph, kernel, rows)


class Space:
    """A space in vectors along its last axis, of which this function's part is visited."""

    def __init__(self, emitter: Emitter, space: Sequence[int], width: int) -> None:
        self.emitter, self.space, self.width = emitter, tuple(space), width
        first = -(-space[0] // width) if len(space) == 1 else space[0] if space else 1
        # bounds are computed here, before any loop over rows
        self.low, self.high = emitter.share(number(first))

    def visit(self, body: Callable[[Index, int | None], None]) -> None:
        """Call ``body(index, lane count)`` at every vector; the count is None for a full one."""
        if not self.space:
            with self.emitter.builder.if_then(self._holds(0)):
                body((), 1)
        elif len(self.space) == 1:
            self._vectors((), body, shared=True)
        else:
            self.emitter.loop(self.low, self.high, 1, lambda i: self._axis((i,), body))

    def _axis(self, index: Index, body: Callable[[Index, int | None], None]) -> None:
        place = len(index)
        if place == len(self.space) - 1:
            self._vectors(index, body, shared=False)
            return
        length = number(self.space[place])
        self.emitter.loop(number(0), length, 1, lambda i: self._axis((*index, i), body))

    def _vectors(
        self, index: Index, body: Callable[[Index, int | None], None], shared: bool
    ) -> None:
        whole, rest = divmod(self.space[-1], self.width)
        emitter = self.emitter
        if whole:
            low, high = (self.low, self._at_most(whole)) if shared else (number(0), number(whole))
            emitter.loop(
                low, high, 1, lambda v: body((*index, emitter.mul(v, number(self.width))), None)
            )
        if rest and shared:
            with emitter.builder.if_then(self._holds(whole)):
                body((*index, number(whole * self.width)), rest)
        elif rest:
            body((*index, number(whole * self.width)), rest)

    def _at_most(self, count: int) -> ir.Value:
        b = self.emitter.builder
        return b.select(b.icmp_signed("<", self.high, number(count)), self.high, number(count))

    def _holds(self, place: int) -> ir.Value:
        """Whether a vector belongs to this part."""
        b = self.emitter.builder
        return b.and_(b.icmp_signed("<=", self.low, number(place)),
                      b.icmp_signed(">", self.high, number(place)))  # fmt: skip


def _write_map(emitter: Emitter, graph: Graph, kernel: Tile, rows: ir.Value) -> None:
    width = vector_width(emitter.target.lanes(emitter.real), kernel.closure.space)
    epilogue = Epilogue(emitter, graph, kernel, width)
    space = Space(emitter, kernel.closure.space, width)

    def row(r: ir.Value) -> None:
        def place(index: Index, count: int | None) -> None:
            epilogue.forget()
            epilogue.write(r, index, count, {})

        space.visit(place)

    emitter.loop(number(0), rows, 1, row)


class Epilogue:
    """Reductions, closure and stores at one vector of indices."""

    def __init__(self, emitter: Emitter, graph: Graph, kernel: Tile, width: int) -> None:
        self.emitter, self.kernel, self.width = emitter, kernel, width
        self.closure = ClosureWriter(emitter, graph, kernel.closure, width)
        self.reductions = [
            ReductionWriter(emitter, graph, a, width)
            for a in kernel.accumulators
            if isinstance(a, Reduction)
        ]

    def forget(self) -> None:
        """Drop loads shared between rows."""
        self.closure.forget()

    def write(
        self, row: ir.Value, index: Index, count: int | None, known: dict[int, ir.Value]
    ) -> None:
        """Evaluate and store; ``known`` holds the products' values."""
        for writer in self.reductions:
            known[writer.reduction.node.id] = writer.at(row, index, count)
            self.forget()
        values = self.closure.at(row, index, count, known)
        for node, view in self.kernel.stores:
            value = self.closure.stored(node, values)
            self.emitter.store(view, row, index, value, self.width, count)


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
        self.products = [a for a in kernel.accumulators if isinstance(a, Product)]
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
        b, done = self.emitter.builder, number(0)
        panel = b.sdiv(first, number(self.shape.panel))
        for tile in self.shape.heights:
            left = b.sub(rows, done)
            whole = b.add(done, b.sub(left, b.srem(left, number(tile))))
            self.emitter.loop(
                done, whole, tile, lambda r, tile=tile: self._tile(panel, r, tile, units)
            )
            done = whole

    def _tile(self, panel: ir.Value, row: ir.Value, rows: int, units: int) -> None:
        first = self.emitter.mul(panel, number(self.shape.panel))
        columns = self._columns(first, units)
        row_numbers = [self.emitter.add(row, number(r)) for r in range(rows)]
        values = self._start(row_numbers, columns)
        for place, group in enumerate(self.groups):
            values = self._accumulate(place, group, panel, row_numbers, columns, values)
        self._finish(row_numbers, columns, values)

    def _columns(self, first: ir.Value, units: int) -> list[Column]:
        """Vectors that hold ``units`` units; the last one is as narrow as they allow."""
        lanes, columns = self.shape.lanes, []
        for place, begin in enumerate(range(0, units, lanes)):
            left = units - begin
            count, width = (None, lanes) if left >= lanes else (left, self.shape.width(left))
            unit = self.emitter.add(first, number(begin))
            columns.append(Column(place, unit, count, self.epilogues[width]))
        return columns

    def _start(self, rows: list[ir.Value], columns: list[Column]) -> list[ir.Value]:
        return [
            self._first(product, row, column)
            for product in self.products
            for row in rows
            for column in columns
        ]

    def _first(self, product: Product, row: ir.Value, column: Column) -> ir.Value:
        if product.start is None:
            return self.emitter.lanes(column.width).const(0.0)
        return self.emitter.load(product.start, row, (column.unit,), column.width, column.count)

    def _accumulate(
        self,
        place: int,
        group: Group,
        panel: ir.Value,
        rows: list[ir.Value],
        columns: list[Column],
        values: list[ir.Value],
    ) -> list[ir.Value]:
        """One pass along the operand: broadcast an element of each row, add to every column."""
        emitter, shape = self.emitter, self.shape
        stride = len(group.members) * shape.panel
        packed = emitter.pointers[packed_name(self.label, place), 0]
        weights = emitter.at(packed, emitter.mul(panel, number(group.depth * stride)))
        starts = [emitter.row_start(group.operand, row) for row in rows]
        widths = {column.width: emitter.lanes(column.width) for column in columns}

        def step(k: ir.Value, *sums: ir.Value) -> list[ir.Value]:
            made = list(sums)
            line = emitter.at(weights, emitter.mul(k, number(stride)))
            places = [emitter.element(group.operand, start, (k,)) for start in starts]
            inputs = {width: [lanes.load_splat(p) for p in places]
                      for width, lanes in widths.items()}  # fmt: skip
            for member, (product, _) in enumerate(group.members):
                for column in columns:
                    offset = member * shape.panel + column.place * shape.lanes
                    lanes = widths[column.width]
                    weight = lanes.load(emitter.at(line, number(offset)))
                    for r, value in enumerate(inputs[column.width]):
                        i = (product * len(rows) + r) * len(columns) + column.place
                        made[i] = lanes.fma(value, weight, made[i])
            return made

        return emitter.loop(number(0), number(group.depth), 1, step, values)

    def _finish(
        self, rows: list[ir.Value], columns: list[Column], values: list[ir.Value]
    ) -> None:
        for column in columns:
            column.epilogue.forget()
            for r, row in enumerate(rows):
                known = {
                    product.node.id: values[(i * len(rows) + r) * len(columns) + column.place]
                    for i, product in enumerate(self.products)
                }
                column.epilogue.write(row, (column.unit,), column.count, known)


def packed_name(label: str, place: int) -> str:
    """The stream of one group's packed weights."""
    return f"packed {label} {place}"
