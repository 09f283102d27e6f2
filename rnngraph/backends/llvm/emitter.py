"""Shared vocabulary of the kernel writers: integers, loops, and addresses of views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from llvmlite import ir

from ...graph import Varies
from ...ops.lanes import Real
from ...schedule.grammar import View
from .lanes import Format, LlvmLanes
from .target import Target

I64 = ir.IntType(64)
POINTER = ir.PointerType()
Index = tuple[ir.Value, ...]
Stream = tuple[str, int]
CACHE_LINE = 64  # bytes


def number(value: int) -> ir.Constant:
    """A 64-bit integer constant."""
    return ir.Constant(I64, value)


def stream(view: View) -> Stream:
    """What a kernel gets one pointer for: a buffer at one time shift."""
    return view.buffer.name, view.shift


@dataclass
class Emitter:
    """A function under construction: builder, target, and its pointer arguments by stream.

    Pointers arrive at row 0 of the right time-step; addresses inside are row, offset and index.
    """

    builder: ir.IRBuilder
    real: Real
    target: Target
    pointers: dict[Stream, ir.Value] = field(default_factory=dict)
    part: tuple[ir.Value, ir.Value] = (number(0), number(1))

    def __post_init__(self) -> None:
        self.format = Format(self.real)

    def lanes(self, width: int) -> LlvmLanes:
        """Lane verbs at this function's precision."""
        return LlvmLanes(self.builder, self.real, width, self.target)

    # --- integers and loops ----------------------------------------------------------------

    def add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Integer sum, folded where both are known."""
        if isinstance(a, ir.Constant) and isinstance(b, ir.Constant):
            return number(a.constant + b.constant)
        if isinstance(b, ir.Constant) and b.constant == 0:
            return a
        if isinstance(a, ir.Constant) and a.constant == 0:
            return b
        return self.builder.add(a, b, flags=("nsw",))

    def mul(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Integer product, folded where that is easy."""
        for x, y in ((a, b), (b, a)):
            if isinstance(x, ir.Constant) and x.constant in (0, 1):
                return y if x.constant == 1 else number(0)
        if isinstance(a, ir.Constant) and isinstance(b, ir.Constant):
            return number(a.constant * b.constant)
        return self.builder.mul(a, b, flags=("nsw",))

    def at(self, pointer: ir.Value, elements: ir.Value, element: ir.Type | None = None) -> ir.Value:
        """The pointer moved by a number of elements."""
        if isinstance(elements, ir.Constant) and elements.constant == 0:
            return pointer
        return self.builder.gep(pointer, [elements], source_etype=element or self.format.element)

    def room(self, count: int, element: ir.Type | None = None) -> ir.Value:
        """Memory on the stack, on a cache line of its own, for as long as the function runs."""
        with self.builder.goto_entry_block():
            room = self.builder.alloca(element or self.format.element, count)
        room.align = CACHE_LINE
        room.type = POINTER  # llvmlite gives it the type of what it points to
        return room

    def least(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """The lesser of two integers."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def loop(
        self,
        start: ir.Value,
        stop: ir.Value,
        step: int | ir.Value,
        body: Callable[..., Sequence[ir.Value] | None],
        carried: Sequence[ir.Value] = (),
    ) -> list[ir.Value]:
        """``for i in range(start, stop, step)``; ``body(i, *carried)`` returns the new carried
        values, and the last ones are returned."""
        b = self.builder
        before = b.block
        head, inside = b.append_basic_block("loop"), b.append_basic_block("body")
        after = b.append_basic_block("after")
        b.branch(head)
        b.position_at_end(head)
        i = b.phi(I64)
        phis = [b.phi(value.type) for value in carried]
        b.cbranch(b.icmp_signed("<", i, stop), inside, after)
        b.position_at_end(inside)
        values = list(body(i, *phis) or ())
        stride = number(step) if isinstance(step, int) else step
        following = b.add(i, stride, flags=("nsw",))
        for phi, first, later in zip(
            [i, *phis], [start, *carried], [following, *values], strict=True
        ):
            phi.add_incoming(first, before)
            phi.add_incoming(later, b.block)
        b.branch(head)
        b.position_at_end(after)
        return phis

    def share(
        self, count: ir.Value, part: tuple[ir.Value, ir.Value] | None = None
    ) -> tuple[ir.Value, ir.Value]:
        """The range of ``count`` things that belongs to a part (this function's own)."""
        number_, parts = part or self.part
        b = self.builder
        following = b.add(number_, number(1))
        return b.sdiv(b.mul(number_, count), parts), b.sdiv(b.mul(following, count), parts)

    def prefetch(self, pointer: ir.Value) -> None:
        """Fetch the line at an address, which need not be one, into the second cache."""
        reading, second, data = (ir.Constant(ir.IntType(32), value) for value in (0, 2, 1))
        arguments = [pointer, reading, second, data]
        self.lanes(1).call("llvm.prefetch.p0", ir.VoidType(), arguments)

    # --- views -------------------------------------------------------------------------------

    def row_start(self, view: View, row: ir.Value) -> ir.Value:
        """The address of a view's first element in a row."""
        pointer = self.pointers[stream(view)]
        if view.buffer.varies is not Varies.ONCE:
            pointer = self._at_buffer(view, pointer, self.mul(row, number(view.buffer.size)))
        if view.index is not None:
            chosen = self._load_integer(view.index, row)
            pointer = self._at_buffer(view, pointer, self.mul(chosen, number(view.index_stride)))
        return self._at_buffer(view, pointer, number(view.offset))

    def _at_buffer(self, view: View, pointer: ir.Value, elements: ir.Value) -> ir.Value:
        return self.at(pointer, elements, I64 if view.buffer.dtype == "int" else None)

    def _load_integer(self, view: View, row: ir.Value) -> ir.Value:
        return self.builder.load(self.row_start(view, row), typ=I64, align=8)

    def address(self, view: View, row: ir.Value, index: Index) -> ir.Value:
        """The address of one element of a view."""
        return self.element(view, self.row_start(view, row), index)

    def element(self, view: View, start: ir.Value, index: Index) -> ir.Value:
        """The address of one element, from that of the row's first."""
        for i, stride in zip(index, view.strides, strict=False):
            start = self._at_buffer(view, start, self.mul(i, number(stride)))
        return start

    def load(
        self, view: View, row: ir.Value, index: Index, width: int, count: int | None = None
    ) -> ir.Value:
        """A vector along the last axis; ``count`` lanes of it are read, all for None."""
        lanes = self.lanes(width)
        address = self.address(view, row, index if view.shape else ())
        if view.buffer.dtype == "int":
            return self._load_integers(view, address, lanes, count)
        stride = view.strides[-1] if view.shape else 0
        if stride == 1:
            return lanes.load(address, count)
        if stride == 0:
            return lanes.load_splat(address)
        return self._load_strided(address, stride, lanes, width if count is None else count)

    def load_scalar(self, pointer: ir.Value) -> ir.Value:
        """One real."""
        return self.builder.load(pointer, typ=self.format.element, align=self.format.bytes)

    def store_scalar(self, value: ir.Value, pointer: ir.Value) -> None:
        """Write one real."""
        self.builder.store(value, pointer, align=self.format.bytes)

    def _load_strided(
        self, address: ir.Value, stride: int, lanes: LlvmLanes, count: int
    ) -> ir.Value:
        vector = lanes.const(0.0)
        for lane in range(count):
            place = self.at(address, number(lane * stride))
            value = self.load_scalar(place)
            vector = self.builder.insert_element(vector, value, ir.Constant(ir.IntType(32), lane))
        return vector

    def _load_integers(
        self, view: View, address: ir.Value, lanes: LlvmLanes, count: int | None
    ) -> ir.Value:
        """Integers as reals (exact up to the mantissa's width)."""
        stride = view.strides[-1] if view.shape else 0
        vector = lanes.const(0.0)
        for lane in range(1 if stride == 0 else (count or lanes.width)):
            place = self.at(address, number(lane * stride), I64)
            whole = self.builder.load(place, typ=I64, align=8)
            value = self.builder.sitofp(whole, self.format.element)
            if stride == 0:
                return lanes.splat(value)
            vector = self.builder.insert_element(vector, value, ir.Constant(ir.IntType(32), lane))
        return vector

    def store(
        self,
        view: View,
        row: ir.Value,
        index: Index,
        value: ir.Value,
        width: int,
        count: int | None = None,
    ) -> None:
        """Write a vector along the last axis of a view, ``count`` lanes of it."""
        address = self.address(view, row, index if view.shape else ())
        if not view.shape or view.strides[-1] == 1 or (count or width) == 1:
            self.lanes(width).store(address, value, 1 if not view.shape else count)
            return
        for lane in range(width if count is None else count):
            place = self.at(address, number(lane * view.strides[-1]))
            scalar = self.builder.extract_element(value, ir.Constant(ir.IntType(32), lane))
            self.store_scalar(scalar, place)
