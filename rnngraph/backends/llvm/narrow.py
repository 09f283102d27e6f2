"""Tiles of products in narrow formats: words of weights meet broadcast words of operands.

Where the machine has an instruction that multiplies and adds all elements of a word, that is one
instruction per vector; elsewhere elements are widened to f32, with the same result: products in
bf16 are exact, and so are sums of codes up to 2**24.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from llvmlite import ir

from ...graph import Graph
from ...schedule.formats import FORMATS, ZERO
from ...schedule.grammar import Tile, View, products
from ...schedule.packing import Group, groups
from ...schedule.panels import (
    columns_at_once,
    format_of,
    header_words,
    narrow_shape,
    panel_words,
)
from .emitter import Emitter, number
from .lanes import INT32, LlvmLanes, Splat
from .tiles import Epilogue, Space
from .walks import packed_name

Column = tuple[int, ir.Value, int | None]  # place in the panel, first unit, lane count
Sums = dict[tuple[int, int, int], ir.Value]  # by product, row and column


class BFloat(ir.Type):  # type: ignore[misc]
    """LLVM's bfloat, which llvmlite does not name."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BFloat)

    def __hash__(self) -> int:
        return hash(BFloat)


class Dot(Protocol):
    """Products of words, added up: how a format is spelled on a machine."""

    def word(self, pointer: ir.Value) -> ir.Value:
        """The operand's word at a pointer, ready to meet weights."""
        ...

    def add(self, sum: ir.Value, weights: ir.Value, operand: ir.Value) -> ir.Value:
        """``sum`` and the products of a vector of words, loaded from ``weights``."""
        ...


class NativeDot:
    """One instruction for a vector of words (VDPBF16PS, VPDPBUSD)."""

    def __init__(self, lanes: LlvmLanes, name: str, elements: ir.VectorType) -> None:
        self.lanes, self.name, self.elements = lanes, name, elements

    def word(self, pointer: ir.Value) -> ir.Value:
        b = self.lanes.builder
        return b.bitcast(self.lanes.load_splat(pointer), self.elements)

    def add(self, sum: ir.Value, weights: ir.Value, operand: ir.Value) -> ir.Value:
        b = self.lanes.builder
        loaded = b.load(weights, typ=self.elements, align=4)
        return self.lanes.call(self.name, sum.type, [sum, operand, loaded])


class WideDot:
    """Elements widened to f32, one multiply-add for each."""

    def __init__(self, lanes: LlvmLanes, format: str) -> None:
        self.lanes, self.format = lanes, format

    def word(self, pointer: ir.Value) -> ir.Value:
        return self.lanes.builder.bitcast(self.lanes.load_splat(pointer), self.lanes.integer)

    def add(self, sum: ir.Value, weights: ir.Value, operand: ir.Value) -> ir.Value:
        b, lanes = self.lanes.builder, self.lanes
        words = b.load(weights, typ=lanes.integer, align=4)
        if self.format == "bf16":  # the second of a pair first, as the instruction has it
            high, low = self._upper, self._lower
            sum = lanes.fma(high(operand), high(words), sum)
            return lanes.fma(low(operand), low(words), sum)
        for i in range(FORMATS[self.format].per_word):
            code = b.and_(b.lshr(operand, self._int(8 * i)), self._int(0xFF))
            value = b.sitofp(b.sub(code, self._int(ZERO)), lanes.vector)
            weight = b.ashr(b.shl(words, self._int(24 - 8 * i)), self._int(24))
            sum = lanes.fma(value, b.sitofp(weight, lanes.vector), sum)
        return sum

    def _upper(self, words: ir.Value) -> ir.Value:
        b = self.lanes.builder
        return b.bitcast(b.and_(words, self._int(0xFFFF0000)), self.lanes.vector)

    def _lower(self, words: ir.Value) -> ir.Value:
        b = self.lanes.builder
        return b.bitcast(b.shl(words, self._int(16)), self.lanes.vector)

    def _int(self, value: int) -> ir.Value:
        return Splat(self.lanes.integer, ir.Constant(INT32, value))


def dot_of(lanes: LlvmLanes, format: str, name: str | None) -> Dot:
    """The format on the machine whose intrinsic is ``name``, or without one."""
    if name is None:
        return WideDot(lanes, format)
    bits, per_word = 32 // FORMATS[format].per_word, FORMATS[format].per_word
    element = BFloat() if format == "bf16" else ir.IntType(bits)
    return NativeDot(lanes, name, ir.VectorType(element, per_word * lanes.width))


class NarrowTile:
    """A packed, register-tiled product in a narrow format with its epilogue."""

    def __init__(self, emitter: Emitter, graph: Graph, kernel: Tile, label: str) -> None:
        self.emitter, self.kernel, self.label = emitter, kernel, label
        self.format, self.groups = format_of(kernel), groups(kernel)
        self.products = products(kernel)
        self.scales = {t.operand: t.scale for p in self.products for t in p.terms}
        machine = emitter.target.machine(emitter.real)
        self.shape = narrow_shape(kernel, machine)
        self.at_once = columns_at_once(kernel, self.shape, machine)
        self.lanes = emitter.lanes(self.shape.lanes)
        native = emitter.target.dot(self.format, self.shape.lanes)
        self.native, self.dot = native is not None, dot_of(self.lanes, self.format, native)
        self.epilogue = Epilogue(emitter, graph, kernel, self.shape.lanes)

    def write(self, rows: ir.Value) -> None:
        """All panels of this part; the last one apart where it is not full."""
        Space(self.emitter, (self.shape.units,), self.shape.panel).visit(
            lambda index, units: self._panel(index[0], rows, units or self.shape.panel)
        )

    def _panel(self, first: ir.Value, rows: ir.Value, units: int) -> None:
        """Tiles of several rows, some columns at once; then the rows that are left."""
        tile, columns = self.shape.rows, self._columns(first, units)
        panel = self.emitter.builder.sdiv(first, number(self.shape.panel))
        whole = number(0)
        if tile > 1:
            whole = self.emitter.builder.and_(rows, number(-tile))
            for begin in range(0, len(columns), self.at_once):
                some = columns[begin : begin + self.at_once]
                self._rows(number(0), whole, tile, panel, some)
        self._rows(whole, rows, 1, panel, columns)

    def _rows(
        self, low: ir.Value, high: ir.Value, tile: int, panel: ir.Value, columns: Sequence[Column]
    ) -> None:
        def body(row: ir.Value) -> None:
            rows = [self.emitter.add(row, number(r)) for r in range(tile)]
            self._tile(panel, rows, columns)

        self.emitter.loop(low, high, tile, body)

    def _columns(self, first: ir.Value, units: int) -> list[Column]:
        lanes, columns = self.shape.lanes, []
        for place, begin in enumerate(range(0, units, lanes)):
            count = None if units - begin >= lanes else units - begin
            columns.append((place, self.emitter.add(first, number(begin)), count))
        return columns

    def _tile(self, panel: ir.Value, rows: list[ir.Value], columns: Sequence[Column]) -> None:
        sums: Sums = {}
        for place, group in enumerate(self.groups):
            self._add_group(place, group, panel, rows, columns, sums)
        for c, (_, unit, count) in enumerate(columns):
            self.epilogue.forget()
            for r, row in enumerate(rows):
                known = {p.node.id: sums[i, r, c] for i, p in enumerate(self.products)}
                self.epilogue.write(row, (unit,), count, known)

    # --- one operand's products ------------------------------------------------------------

    def _add_group(
        self, place: int, group: Group, panel: ir.Value, rows: list[ir.Value],
        columns: Sequence[Column], sums: Sums,
    ) -> None:  # fmt: skip
        emitter = self.emitter
        packed = emitter.pointers[packed_name(self.label, place), 0]
        words = panel_words(self.format, group, self.shape)
        head = emitter.at(packed, emitter.mul(panel, number(words)))
        places = [(m, r, c) for m in range(len(group.members)) for r in range(len(rows))
                  for c in range(len(columns))]  # fmt: skip
        scale = self.scales[group.operand]
        if scale is None:
            first = [self._before(group, at, rows, columns, sums) for at in places]
        else:
            first = [self._owed(group, head, at, columns) for at in places]
        made = self._along(group, head, rows, columns, places, first)
        for (m, r, c), value in zip(places, made, strict=True):
            if scale is not None:
                before = self._before(group, (m, r, c), rows, columns, sums)
                value = self._scaled(head, (m, c), columns, value, scale, rows[r], before)
            sums[group.members[m][0], r, c] = value

    def _before(
        self, group: Group, at: tuple[int, int, int], rows: list[ir.Value],
        columns: Sequence[Column], sums: Sums,
    ) -> ir.Value:  # fmt: skip
        """A sum so far; a product's start where this is its first term."""
        m, r, c = at
        product = group.members[m][0]
        if (product, r, c) in sums:
            return sums[product, r, c]
        start, (_, unit, count) = self.products[product].start, columns[c]
        if start is None:
            return self.lanes.const(0.0)
        return self.emitter.load(start, rows[r], (unit,), self.lanes.width, count)

    def _along(
        self, group: Group, head: ir.Value, rows: list[ir.Value], columns: Sequence[Column],
        places: list[tuple[int, int, int]], first: list[ir.Value],
    ) -> list[ir.Value]:  # fmt: skip
        """One pass along the operand's words."""
        emitter, shape = self.emitter, self.shape
        body = emitter.at(head, number(header_words(self.format, group, shape)))
        line = len(group.members) * shape.panel
        starts = [emitter.row_start(group.operand, row) for row in rows]

        def step(k: ir.Value, *sums: ir.Value) -> list[ir.Value]:
            at = emitter.at(body, emitter.mul(k, number(line)))
            words = [self.dot.word(emitter.at(start, k)) for start in starts]
            return [
                self.dot.add(sum, self._weights(at, m, columns[c][0]), words[r])
                for (m, r, c), sum in zip(places, sums, strict=True)
            ]

        return emitter.loop(number(0), number(group.depth), 1, step, first)

    def _weights(self, line: ir.Value, member: int, place: int) -> ir.Value:
        offset = member * self.shape.panel + place * self.shape.lanes
        return self.emitter.at(line, number(offset))

    # --- scales ----------------------------------------------------------------------------

    def _owed(
        self, group: Group, head: ir.Value, at: tuple[int, int, int], columns: Sequence[Column]
    ) -> ir.Value:
        """Where a sum of codes begins: what it owes to the operand's code of 0."""
        if not self.native:
            return self.lanes.const(0.0)
        line = self.emitter.at(head, number(len(group.members) * self.shape.panel))
        place = self._weights(line, at[0], columns[at[2]][0])
        return self.lanes.builder.load(place, typ=self.lanes.integer, align=4)

    def _scaled(
        self, head: ir.Value, at: tuple[int, int], columns: Sequence[Column], codes: ir.Value,
        scale: View, row: ir.Value, before: ir.Value,
    ) -> ir.Value:  # fmt: skip
        """``before`` and a sum of codes times both scales."""
        lanes = self.lanes
        if self.native:
            codes = lanes.builder.sitofp(codes, lanes.vector)
        weight = lanes.load(self._weights(head, at[0], columns[at[1]][0]))
        operand = lanes.load_splat(self.emitter.address(scale, row, ()))
        return lanes.fma(codes, lanes.mul(weight, operand), before)
