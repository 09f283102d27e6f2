"""Walks along operands: what a register tile adds up, and what it fetches meanwhile.

At every element of an operand, the element of each row is broadcast and multiplied with the
weights of each column. Groups that differ in nothing but where they lie are walked in one loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from llvmlite import ir

from ...graph import Varies
from ...schedule.grammar import Tile, View
from ...schedule.packing import TALL, Group, Pass, Shape, far, groups, multiplied
from .emitter import CACHE_LINE, POINTER, Emitter, number
from .tiles import Epilogue, Space

FETCHES = 2  # lines that a tile fetches ahead with every element of its operand, at most

Place = tuple[int, int, int]  # product, row of the tile, column
Sums = dict[Place, ir.Value]


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


@dataclass(frozen=True)
class TilePlace:
    """Where a tile is: its panel's first unit, its rows, its columns; and ``share``, the number of
    its first row among how many."""

    first: ir.Value
    rows: list[ir.Value]
    columns: list[Column]
    share: tuple[ir.Value, ir.Value]


@dataclass(frozen=True)
class Source:
    """Where a group's packed weights begin, and its operand's first row."""

    packed: ir.Value
    operand: ir.Value


class Walks:
    """The walks of one kernel."""

    def __init__(
        self, emitter: Emitter, kernel: Tile, shape: Shape, space: Space, label: str
    ) -> None:
        self.emitter, self.shape, self.space = emitter, shape, space
        self.groups, self.far = groups(kernel), far(kernel)
        self.sources = [self._source(label, place) for place in range(len(self.groups))]
        self.tables: dict[tuple[int, ...], ir.Value] = {}

    def _source(self, label: str, place: int) -> Source:
        packed = self.emitter.pointers[packed_name(label, place), 0]
        return Source(packed, self.emitter.row_start(self.groups[place].operand, number(0)))

    def whole(self, run: Sequence[int], at: TilePlace, sums: Sums) -> None:
        """All of the operands of groups that are alike, one after the other."""
        group = self.groups[run[0]]
        way = Pass(tuple(p for p, _ in group.members), run[0], group.depth)
        depth = number(0), number(group.depth)
        if len(run) == 1:
            self.part(way, depth, at, sums)
            return
        table, cells = self._table(tuple(run)), self._cells(way, at)

        def one(place: ir.Value, *values: ir.Value) -> list[ir.Value]:
            added = dict(zip(cells, values, strict=True))
            self.part(way, depth, at, added, self._listed(table, place))
            return [added[cell] for cell in cells]

        found = self.emitter.loop(number(0), number(len(run)), 1, one, [sums[c] for c in cells])
        sums.update(zip(cells, found, strict=True))

    def _table(self, run: tuple[int, ...]) -> ir.Value:
        """A list on the stack of where the groups of a run lie."""
        if run not in self.tables:
            e = self.emitter
            table = e.room(2 * len(run), POINTER)
            with e.builder.goto_entry_block():
                for i, place in enumerate(run):
                    source = self.sources[place]
                    for k, pointer in enumerate((source.packed, source.operand)):
                        e.builder.store(pointer, e.at(table, number(2 * i + k), POINTER))
            self.tables[run] = table
        return self.tables[run]

    def _listed(self, table: ir.Value, place: ir.Value) -> Source:
        e = self.emitter
        where = [e.add(e.mul(place, number(2)), number(k)) for k in range(2)]
        return Source(*(e.builder.load(e.at(table, i, POINTER), typ=POINTER) for i in where))

    def _cells(self, way: Pass, at: TilePlace) -> list[Place]:
        return [(p, r, column.place) for p, _ in self.groups[way.group].members
                if p in way.products for column in at.columns
                for r in range(len(at.rows))]  # fmt: skip

    def part(
        self, way: Pass, depth: tuple[ir.Value, ir.Value], at: TilePlace, sums: Sums,
        source: Source | None = None,
    ) -> None:  # fmt: skip
        """From one element of an operand to another, which is the group's own or a ``source``'s."""
        emitter, shape, group = self.emitter, self.shape, self.groups[way.group]
        source = source or self.sources[way.group]
        members = [m for m, (p, _) in enumerate(group.members) if p in way.products]
        line_size = len(group.members) * shape.panel
        panel = emitter.builder.sdiv(at.first, number(shape.panel))
        weights = emitter.at(source.packed, emitter.mul(panel, number(group.depth * line_size)))
        fetch = self._fetcher(source, group, depth, at)
        starts = [self._row(group.operand, source, row) for row in at.rows]
        widths = {column.width: emitter.lanes(column.width) for column in at.columns}
        cells, rows = self._cells(way, at), len(at.rows)
        factors = [(member, column) for member in members for column in at.columns]
        order = multiplied(len(factors), rows, emitter.target.machine(emitter.real))

        def step(k: ir.Value, *values: ir.Value) -> list[ir.Value]:
            line = emitter.at(weights, emitter.mul(k, number(line_size)))
            places = [emitter.element(group.operand, start, (k,)) for start in starts]
            fetch(k)

            @cache
            def weight(place: int) -> ir.Value:
                member, column = factors[place]
                offset = member * shape.panel + column.place * shape.lanes
                return widths[column.width].load(emitter.at(line, number(offset)))

            @cache
            def element(row: int, width: int) -> ir.Value:
                return widths[width].load_splat(places[row])

            added = list(values)
            for place, row in order:
                width, cell = factors[place][1].width, place * rows + row
                added[cell] = widths[width].fma(element(row, width), weight(place), values[cell])
            return added

        found = emitter.loop(*depth, 1, step, [sums[cell] for cell in cells])
        sums.update(zip(cells, found, strict=True))

    def _row(self, operand: View, source: Source, row: ir.Value) -> ir.Value:
        if operand.index is not None:  # of groups that stand alone
            return self.emitter.row_start(operand, row)
        if operand.buffer.varies is Varies.ONCE:
            return source.operand
        e = self.emitter
        return e.at(source.operand, e.mul(row, number(operand.buffer.size)))

    def _fetcher(
        self, source: Source, group: Group, depth: tuple[ir.Value, ir.Value], at: TilePlace
    ) -> Callable[[ir.Value], None]:
        """What fetches the weights that come next, where they come from afar: ``fetch(k)`` at
        every element of the operand. Each tile fetches as much of them as it has of the rows, so
        that memory is busy all the time that the processor is. (A tile of few rows does nothing
        but read weights: the processor sees that by itself.)"""
        e, b, (row, rows), (low, high) = self.emitter, self.emitter.builder, at.share, depth
        if len(at.rows) < TALL or not self.far:
            return lambda k: None
        line_size = len(group.members) * self.shape.panel
        size = number(group.depth * line_size)
        panel = b.sdiv(at.first, number(self.shape.panel))
        after = e.add(e.mul(panel, size), e.mul(high, number(line_size)))
        last = b.icmp_signed(">=", e.add(panel, number(1)), self.space.high)
        again = e.mul(self.space.low, size)  # the next time-step begins there
        done = b.sdiv(b.mul(row, b.mul(b.sub(high, low), number(line_size))), rows)
        start = e.at(source.packed, e.add(b.select(last, again, after), done))
        stride = b.sdiv(number(line_size * len(at.rows)), rows)
        line = CACHE_LINE // e.format.bytes

        def fetch(k: ir.Value) -> None:
            for place in range(FETCHES):
                ahead = e.add(e.mul(b.sub(k, low), stride), number(place * line))
                e.prefetch(e.at(start, ahead))

        return fetch


def packed_name(label: str, place: int) -> str:
    """The stream of one group's packed weights."""
    return f"packed {label} {place}"
