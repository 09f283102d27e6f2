"""Lane verbs as LLVM instructions on vectors <width x float> or <width x double>.

`LlvmLanes` gives the op table's vocabulary (rnngraph.ops.lanes) its meaning in machine code, and
adds what kernels need besides: loads and stores of whole and partial vectors, and reductions over
the lanes. Every verb becomes inline instructions on every target: nothing here ever turns into
a call of the C library.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence

from llvmlite import ir

from ...ops.lanes import Real
from .target import Target

BIT = ir.IntType(1)
INT32 = ir.IntType(32)


class Splat(ir.Constant):  # type: ignore[misc]
    """A vector constant with one scalar in every lane, in LLVM's short spelling.

    Written out lane by lane, constants are most of a kernel's text, and of the time to print it.
    """

    def __init__(self, vector: ir.VectorType, scalar: ir.Constant) -> None:
        self.type = vector
        self.constant = [scalar] * vector.count

    def _get_reference(self) -> str:
        return f"splat ({self.constant[0]})"


class Format:
    """The bits of one floating-point format, as far as taking numbers apart needs them."""

    def __init__(self, real: Real) -> None:
        single = real == "f32"
        self.element: ir.Type = ir.FloatType() if single else ir.DoubleType()
        self.suffix = "s" if single else "d"
        self.bits = 32 if single else 64
        self.bytes = self.bits // 8
        self.mantissa = 23 if single else 52
        self.bias = 127 if single else 1023
        self.smallest_normal = 2.0 ** (1 - self.bias)

    def pattern(self, value: float) -> int:
        """The bits of `value` as an unsigned integer."""
        code, word = ("<f", "<I") if self.bits == 32 else ("<d", "<Q")
        return int(struct.unpack(word, struct.pack(code, value))[0])

    def round(self, value: float) -> float:
        """`value` as this format holds it; out of range becomes infinite."""
        return ctypes.c_float(value).value if self.bits == 32 else value


class LlvmLanes:
    """The `Lanes` Protocol over `builder`, for vectors of `width` lanes of `real` (width 1 too).

    `builder` may be moved between blocks freely; intrinsics are declared once in its module.
    With a `target` its own instructions are used for rounding and scaling, with none the
    portable sequences (same results, bit for bit).
    """

    def __init__(
        self, builder: ir.IRBuilder, real: Real, width: int, target: Target | None = None
    ) -> None:
        self.builder = builder
        self.real: Real = real
        self.width = width
        self.target = target
        self.format = Format(real)
        self.element = self.format.element
        self.vector = ir.VectorType(self.element, width)
        self.mask = ir.VectorType(BIT, width)
        self.integer = ir.VectorType(ir.IntType(self.format.bits), width)

    # Constants and arithmetic

    def const(self, value: float) -> ir.Value:
        """`value`, rounded to the format, in every lane."""
        return Splat(self.vector, ir.Constant(self.element, self.format.round(float(value))))

    def add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fadd(a, b)

    def sub(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fsub(a, b)

    def mul(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fmul(a, b)

    def div(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fdiv(a, b)

    def neg(self, a: ir.Value) -> ir.Value:
        return self.builder.fneg(a)

    def fma(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        """a*b + c; `fmuladd` because `fma` is a library call where the machine has none."""
        return self._intrinsic("fmuladd", a, b, c)

    def abs(self, a: ir.Value) -> ir.Value:
        return self._intrinsic("fabs", a)

    def sqrt(self, a: ir.Value) -> ir.Value:
        return self._intrinsic("sqrt", a)

    def copysign(self, magnitude: ir.Value, sign: ir.Value) -> ir.Value:
        return self._intrinsic("copysign", magnitude, sign)

    def maximum(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """The larger, NaN where either is; one instruction when one operand is a constant."""
        return self._extreme(">", a, b)

    def minimum(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """The smaller, NaN where either is; one instruction when one operand is a constant."""
        return self._extreme("<", a, b)

    def _extreme(self, order: str, a: ir.Value, b: ir.Value) -> ir.Value:
        if isinstance(b, ir.Constant):
            a, b = b, a
        # Unordered picks b, which is just what x86's maxps and minps do.
        chosen = self.select(self.builder.fcmp_ordered(order, a, b), a, b)
        if isinstance(a, ir.Constant):
            return chosen
        return self.select(self.ne(a, a), a, chosen)

    # Rounding

    def floor(self, a: ir.Value) -> ir.Value:
        """The largest integer not above `a`."""
        if self.target is not None and self.target.inline_rounding:
            return self._intrinsic("floor", a)
        near = self.round_even(a)
        return self.select(self.gt(near, a), self.sub(near, self.const(1.0)), near)

    def round_even(self, a: ir.Value) -> ir.Value:
        """The nearest integer, halves to even."""
        if self.target is not None and self.target.inline_rounding:
            return self._intrinsic("roundeven", a)
        # From 2^mantissa on every number is an integer: adding and taking it away rounds.
        unit = self.const(2.0**self.format.mantissa)
        signed = self.copysign(unit, a)
        near = self.copysign(self.sub(self.add(a, signed), signed), a)
        return self.select(self.lt(self.abs(a), unit), near, a)

    # Comparisons and masks

    def lt(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fcmp_ordered("<", a, b)

    def le(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fcmp_ordered("<=", a, b)

    def gt(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fcmp_ordered(">", a, b)

    def ge(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fcmp_ordered(">=", a, b)

    def eq(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fcmp_ordered("==", a, b)

    def ne(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fcmp_unordered("!=", a, b)

    def select(self, mask: ir.Value, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.select(mask, a, b)

    def mask_and(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.and_(a, b)

    def mask_or(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.or_(a, b)

    def mask_not(self, a: ir.Value) -> ir.Value:
        return self.builder.xor(a, Splat(self.mask, ir.Constant(BIT, 1)))

    # Mantissa and exponent

    def power_of_two(self, n: ir.Value) -> ir.Value:
        """2**n for integral n with a normal result."""
        # Added to 1.5 * 2^mantissa, n (with the bias) stands in the low bits as an integer.
        biased = self.add(n, self.const(1.5 * 2.0**self.format.mantissa + self.format.bias))
        return self._real(self.builder.shl(self._bits(biased), self._int(self.format.mantissa)))

    def scale(self, a: ir.Value, n: ir.Value) -> ir.Value:
        """a * 2**n, rounded once: in two factors, of which the first changes the exponent only."""
        if self.target is not None and self.target.inline_scaling:
            native = self._scalef(a, n)
            if native is not None:
                return native
        rounder = self.const(1.5 * 2.0**self.format.mantissa)
        first = self.sub(self.fma(n, self.const(0.5), rounder), rounder)
        second = self.sub(n, first)
        return self.mul(self.mul(a, self.power_of_two(first)), self.power_of_two(second))

    def _scalef(self, a: ir.Value, n: ir.Value) -> ir.Value | None:
        """AVX-512's own instruction, for the widths that have it."""
        total = self.width * self.format.bits
        if total not in (128, 256, 512):
            return None
        name = f"llvm.x86.avx512.mask.scalef.p{self.format.suffix}.{total}"
        lanes = ir.IntType(max(8, self.width))
        args = [a, n, a, ir.Constant(lanes, (1 << lanes.width) - 1)]
        if total == 512:
            args.append(ir.Constant(INT32, 4))  # the current rounding mode
        return self.call(name, self.vector, args)

    def split(self, a: ir.Value) -> tuple[ir.Value, ir.Value]:
        """(m, n) with a = m * 2**n and m in [sqrt(1/2), sqrt(2)), for finite a > 0."""
        f, b = self.format, self.builder
        tiny = self.lt(a, self.const(f.smallest_normal))
        lift = float(f.mantissa + 1)
        lifted = self.select(tiny, self.mul(a, self.const(2.0**lift)), a)
        root = f.pattern(0.5**0.5)
        # Moved so that the exponent field steps at sqrt(1/2) and not at 1.
        moved = b.add(self._bits(lifted), self._int(f.pattern(1.0) - root))
        field = b.lshr(moved, self._int(f.mantissa))
        rest = b.and_(moved, self._int((1 << f.mantissa) - 1))
        m = self._real(b.add(rest, self._int(root)))
        unit = 2.0**f.mantissa
        n = self._real(b.or_(field, self._int(f.pattern(unit))))
        zero_point = unit + f.bias
        offset = self.select(tiny, self.const(zero_point + lift), self.const(zero_point))
        return m, self.sub(n, offset)

    def _bits(self, a: ir.Value) -> ir.Value:
        return self.builder.bitcast(a, self.integer)

    def _real(self, a: ir.Value) -> ir.Value:
        return self.builder.bitcast(a, self.vector)

    def _int(self, value: int) -> ir.Value:
        return Splat(self.integer, ir.Constant(self.integer.element, value))

    # Memory: pointers to the first element, aligned to one element, no more

    def splat(self, scalar: ir.Value) -> ir.Value:
        """A scalar of the element type in every lane."""
        return self._splat(scalar, self.vector)

    def load(self, pointer: ir.Value, count: int | ir.Value | None = None) -> ir.Value:
        """The vector at `pointer`; only `count` lanes are read, the others are 0.

        `count` is a number known now, or a 32- or 64-bit integer known when the code runs.
        """
        if self._whole(count):
            return self.builder.load(pointer, typ=self.vector, align=self.format.bytes)
        name = f"llvm.masked.load.{self._suffix}.p0"
        return self.call(
            name, self.vector, [pointer, self._align, self.first(count), self.const(0.0)]
        )

    def store(
        self, pointer: ir.Value, value: ir.Value, count: int | ir.Value | None = None
    ) -> None:
        """Write `value` to `pointer`; only `count` lanes are written."""
        if self._whole(count):
            self.builder.store(value, pointer, align=self.format.bytes)
            return
        name = f"llvm.masked.store.{self._suffix}.p0"
        self.call(name, ir.VoidType(), [value, pointer, self._align, self.first(count)])

    def load_splat(self, pointer: ir.Value) -> ir.Value:
        """The scalar at `pointer` in every lane."""
        return self.splat(self.builder.load(pointer, typ=self.element, align=self.format.bytes))

    def first(self, count: int | ir.Value | None) -> ir.Value:
        """The mask of the first `count` lanes (all of them for None)."""
        if count is None or isinstance(count, int):
            active = self.width if count is None else count
            return ir.Constant(self.mask, [int(i < active) for i in range(self.width)])
        indices = ir.VectorType(count.type, self.width)
        order = ir.Constant(indices, list(range(self.width)))
        return self.builder.icmp_signed("<", order, self._splat(count, indices))

    def _whole(self, count: int | ir.Value | None) -> bool:
        return count is None or (isinstance(count, int) and count >= self.width)

    @property
    def _align(self) -> ir.Value:
        return ir.Constant(INT32, self.format.bytes)

    def _splat(self, scalar: ir.Value, vector: ir.VectorType) -> ir.Value:
        zero = ir.Constant(INT32, 0)
        undefined = ir.Constant(vector, ir.Undefined)
        single = self.builder.insert_element(undefined, scalar, zero)
        zeros = Splat(ir.VectorType(INT32, self.width), zero)
        return self.builder.shuffle_vector(single, undefined, zeros)

    # Reductions over the lanes, as one fixed tree: halves are folded onto each other

    def horizontal_sum(self, a: ir.Value) -> ir.Value:
        """The sum of the lanes, a scalar."""
        return self._fold(a, lambda lanes, x, y: lanes.add(x, y))

    def horizontal_max(self, a: ir.Value) -> ir.Value:
        """The largest lane, a scalar; NaN if any lane is."""
        return self._fold(a, lambda lanes, x, y: lanes.maximum(x, y))

    def horizontal_min(self, a: ir.Value) -> ir.Value:
        """The smallest lane, a scalar; NaN if any lane is."""
        return self._fold(a, lambda lanes, x, y: lanes.minimum(x, y))

    def _fold(
        self, a: ir.Value, join: Callable[[LlvmLanes, ir.Value, ir.Value], ir.Value]
    ) -> ir.Value:
        if self.width == 1:
            return self.builder.extract_element(a, ir.Constant(INT32, 0))
        half = LlvmLanes(self.builder, self.real, self.width // 2, self.target)
        low, high = (self._part(a, range(i * half.width, (i + 1) * half.width)) for i in (0, 1))
        return half._fold(join(half, low, high), join)

    def _part(self, a: ir.Value, lanes: Sequence[int]) -> ir.Value:
        chosen = ir.Constant(ir.VectorType(INT32, len(lanes)), list(lanes))
        return self.builder.shuffle_vector(a, ir.Constant(a.type, ir.Undefined), chosen)

    # Intrinsics

    @property
    def _suffix(self) -> str:
        return f"v{self.width}f{self.format.bits}"

    def _intrinsic(self, verb: str, *args: ir.Value) -> ir.Value:
        return self.call(f"llvm.{verb}.{self._suffix}", self.vector, args)

    def call(self, name: str, result: ir.Type, args: Sequence[ir.Value]) -> ir.Value:
        """Call `name`, declared in the module once (llvmlite's own declare refuses vectors)."""
        module = self.builder.module
        function = module.globals.get(name)
        if function is None:
            signature = ir.FunctionType(result, [a.type for a in args])
            function = ir.Function(module, signature, name=name)
        return self.builder.call(function, args)
