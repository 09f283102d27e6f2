"""Writing words of narrow formats: operands at every step, weights once per version.

What words hold is defined in ``schedule.formats``, the layout of packed weights in
``schedule.panels``.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from ...schedule.formats import CODES, FORMATS, SMALLEST, ZERO
from ...schedule.grammar import Narrow, View
from ...schedule.packing import Group, Shape
from ...schedule.panels import header_words, panel_words
from .emitter import Emitter, number
from .lanes import INT32, LlvmLanes, Splat

# added to a number below 2**22, this leaves the nearest integer in the low bits of the sum
ROUNDER = 1.5 * 2.0**23


# --- vectors of elements to bits ---------------------------------------------------------------


def bf16_bits(lanes: LlvmLanes, x: ir.Value) -> ir.Value:
    """The upper halves of f32 lanes as 32-bit integers, to nearest with ties to even."""
    b = lanes.builder
    bits = b.bitcast(x, lanes.integer)
    odd = b.and_(b.lshr(bits, _int(lanes, 16)), _int(lanes, 1))
    near = b.lshr(b.add(b.add(bits, _int(lanes, 0x7FFF)), odd), _int(lanes, 16))
    return b.select(lanes.ne(x, x), _int(lanes, 0x7FC0), near)


def scale_and_inverse(lanes: LlvmLanes, largest: ir.Value) -> tuple[ir.Value, ir.Value]:
    """What codes are to be multiplied by, and what values are to be multiplied by for codes."""
    found = lanes.div(lanes.const(CODES), largest)
    positive = lanes.gt(largest, lanes.const(SMALLEST))
    return (lanes.mul(largest, lanes.const(1 / CODES)),
            lanes.select(positive, found, lanes.const(0.0)))  # fmt: skip


def code_bits(lanes: LlvmLanes, x: ir.Value, inverse: ir.Value, zero: int) -> ir.Value:
    """Codes in the low bytes of 32-bit integers, ``zero`` being the code of 0."""
    near = lanes.add(lanes.mul(x, inverse), lanes.const(ROUNDER))
    bits = lanes.builder.bitcast(near, lanes.integer)
    moved = lanes.builder.add(bits, _int(lanes, zero)) if zero else bits
    return lanes.builder.and_(moved, _int(lanes, 0xFF))


def _int(lanes: LlvmLanes, value: int) -> ir.Value:
    return Splat(lanes.integer, ir.Constant(lanes.integer.element, value))


# --- operands ----------------------------------------------------------------------------------


def write_narrow(emitter: Emitter, kernel: Narrow, rows: ir.Value) -> None:
    """Write the body of a narrowing kernel: this function's part of the rows."""
    low, high = emitter.share(rows)
    emitter.loop(low, high, 1, lambda row: _Operand(emitter, kernel, row).write())


class _Operand:
    """One row of an operand."""

    def __init__(self, emitter: Emitter, kernel: Narrow, row: ir.Value) -> None:
        self.emitter, self.kernel, self.row = emitter, kernel, row
        self.lanes = emitter.lanes(emitter.target.lanes(emitter.real))
        self.format = kernel.target.buffer.dtype
        self.whole = kernel.source.shape[0] - kernel.source.shape[0] % self.lanes.width
        self.rest = kernel.source.shape[0] - self.whole
        self.target = emitter.row_start(kernel.target, row)
        self.inverse: ir.Value = None

    def write(self) -> None:
        if self.kernel.scale is not None:
            self._set_scale(self.kernel.scale)
        self._visit(self._store, [])

    def _set_scale(self, view: View) -> None:
        """By the row's largest element."""
        lanes = self.lanes

        def larger(k: ir.Value, count: int | None, so_far: ir.Value) -> list[ir.Value]:
            return [lanes.maximum(so_far, lanes.abs(self._load(k, count)))]

        (largest,) = self._visit(larger, [lanes.const(0.0)])
        scalar = lanes.horizontal_max(largest)
        scale, self.inverse = scale_and_inverse(lanes, lanes.splat(scalar))
        lanes.store(self.emitter.address(view, self.row, ()), scale, 1)

    def _visit(
        self, body: Callable[..., list[ir.Value]], carried: list[ir.Value]
    ) -> list[ir.Value]:
        """Call ``body(k, lane count, *carried)`` along the operand."""
        made = self.emitter.loop(number(0), number(self.whole), self.lanes.width,
                                 lambda k, *c: body(k, None, *c), carried)  # fmt: skip
        return body(number(self.whole), self.rest, *made) if self.rest else made

    def _load(self, k: ir.Value, count: int | None) -> ir.Value:
        lanes = self.lanes
        value = self.emitter.load(self.kernel.source, self.row, (k,), lanes.width, count)
        if count is None:
            return value
        return lanes.select(lanes.first(count), value, lanes.const(0.0))

    def _store(self, k: ir.Value, count: int | None) -> list[ir.Value]:
        """A vector of elements as words; the last one is filled up with zeros."""
        emitter, lanes, b = self.emitter, self.lanes, self.lanes.builder
        value, format = self._load(k, count), FORMATS[self.format]
        bits = (code_bits(lanes, value, self.inverse, ZERO) if format.scaled
                else bf16_bits(lanes, value))  # fmt: skip
        small = ir.VectorType(ir.IntType(32 // format.per_word), lanes.width)
        words = emitter.lanes(lanes.width // format.per_word)
        packed = b.bitcast(b.bitcast(b.trunc(bits, small), words.integer), words.vector)
        place = b.sdiv(k, number(format.per_word))
        held = None if count is None else format.words(count)
        words.store(emitter.at(self.target, place), packed, held)
        return []


# --- weights -----------------------------------------------------------------------------------


def write_narrow_packing(
    emitter: Emitter, group: Group, shape: Shape, target: str, format: str
) -> None:
    """Write the body of the function that packs one group into the stream ``target``."""
    for member, (_, weight) in enumerate(group.members):
        _Member(emitter, group, shape, target, format, member, weight).write()


class _Member:
    """One weight of a group, unit by unit."""

    def __init__(
        self, emitter: Emitter, group: Group, shape: Shape, target: str, format: str, member: int,
        weight: View,
    ) -> None:  # fmt: skip
        self.emitter, self.group, self.shape, self.format = emitter, group, shape, format
        self.lanes = emitter.lanes(1)
        self.member, self.weight, self.depth = member, weight, weight.shape[1]
        self.packed = emitter.pointers[target, 0]
        self.source = emitter.row_start(weight, number(0))
        self.line = len(group.members) * shape.panel

    def write(self) -> None:
        whole, rest = divmod(self.shape.units, self.shape.panel)
        if whole:
            self.emitter.loop(number(0), number(whole), 1,
                              lambda p: self._panel(p, self.shape.panel))  # fmt: skip
        if rest:
            self._panel(number(whole), rest)

    def _panel(self, panel: ir.Value, units: int) -> None:
        emitter, member = self.emitter, number(self.member * self.shape.panel)
        first = emitter.mul(panel, number(self.shape.panel))
        words = panel_words(self.format, self.group, self.shape)
        start = emitter.at(self.packed, emitter.mul(panel, number(words)))
        start = emitter.at(start, member)

        def unit(u: ir.Value) -> None:
            self._unit(emitter.add(first, u), emitter.at(start, u))

        emitter.loop(number(0), number(units), 1, unit)

    def _unit(self, row: ir.Value, start: ir.Value) -> None:
        """One row of the weight, to ``start`` and what lies lines further on."""
        emitter, header = self.emitter, header_words(self.format, self.group, self.shape)
        body = emitter.at(start, number(header))
        whole, rest = divmod(self.depth, FORMATS[self.format].per_word)
        inverse = self._write_scale(row, start) if header else None

        def word(w: ir.Value, total: ir.Value, count: int | None = None) -> list[ir.Value]:
            made, codes = self._word(row, w, inverse, count)
            place = emitter.at(body, emitter.mul(w, number(self.line)))
            emitter.builder.store(made, place, align=4)
            return [emitter.builder.add(total, codes)]

        none = ir.Constant(INT32, 0)
        (total,) = emitter.loop(number(0), number(whole), 1, word, [none])
        if rest:
            (total,) = word(number(whole), total, rest)
        if header:
            owed = emitter.builder.mul(total, ir.Constant(INT32, -ZERO))
            emitter.builder.store(owed, emitter.at(start, number(self.line)), align=4)

    def _element(self, row: ir.Value, k: ir.Value) -> ir.Value:
        place = self.emitter.element(self.weight, self.source, (row, k))
        return self.lanes.load(place)

    def _write_scale(self, row: ir.Value, start: ir.Value) -> ir.Value:
        """The row's scale, stored; its inverse."""
        lanes = self.lanes

        def larger(k: ir.Value, so_far: ir.Value) -> list[ir.Value]:
            return [lanes.maximum(so_far, lanes.abs(self._element(row, k)))]

        zero = lanes.const(0.0)
        (largest,) = self.emitter.loop(number(0), number(self.depth), 1, larger, [zero])
        scale, inverse = scale_and_inverse(lanes, largest)
        lanes.store(start, scale)
        return inverse

    def _word(
        self, row: ir.Value, w: ir.Value, inverse: ir.Value | None, count: int | None
    ) -> tuple[ir.Value, ir.Value]:
        """A word, and the sum of its elements' codes; only ``count`` elements are there."""
        b, lanes, per_word = self.lanes.builder, self.lanes, FORMATS[self.format].per_word
        bits = 32 // per_word
        word, total = ir.Constant(INT32, 0), ir.Constant(INT32, 0)
        first = self.emitter.mul(w, number(per_word))
        for i in range(per_word if count is None else count):
            value = self._element(row, self.emitter.add(first, number(i)))
            part = bf16_bits(lanes, value) if inverse is None else code_bits(lanes, value,
                                                                             inverse, 0)
            part = b.extract_element(part, ir.Constant(INT32, 0))
            shift = ir.Constant(INT32, 32 - bits)
            total = b.add(total, b.ashr(b.shl(part, shift), shift))
            word = b.or_(word, b.shl(part, ir.Constant(INT32, i * bits)))
        return word, total
