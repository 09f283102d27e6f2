"""Small compiled loops around lane verbs, for the tests that measure them on every target."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from rnngraph.backends.llvm.jit import Machine, compile_module
from rnngraph.backends.llvm.lanes import Format, LlvmLanes
from rnngraph.backends.llvm.target import CPUS, Target, named
from rnngraph.ops.lanes import Real

Emit = Callable[..., Any]

POINTER = ir.PointerType()
INT64 = ir.IntType(64)
DTYPES: dict[Real, type] = {"f32": np.float32, "f64": np.float64}
AVAILABLE = [name for name in ("sse2", "avx2", "avx512", "neon") if named(name).available]
ALL_TARGETS = [named(name) for name in CPUS]


def map_module(
    emit: Emit, real: Real, target: Target, width: int | None = None, arity: int = 1
) -> ir.Module:
    """`f(inputs..., output, count)`: emit over arrays whose length is a multiple of the width."""
    module = ir.Module("map")
    signature = ir.FunctionType(ir.VoidType(), [POINTER] * (arity + 1) + [INT64])
    function = ir.Function(module, signature, "f")
    entry, body, done = (function.append_basic_block(n) for n in ("entry", "body", "done"))
    builder = ir.IRBuilder(entry)
    lanes = LlvmLanes(builder, real, width or target.lanes(real), target)
    *inputs, output, count = function.args
    builder.branch(body)
    builder.position_at_end(body)
    i = builder.phi(INT64)

    def at(pointer: ir.Value) -> ir.Value:
        return builder.gep(pointer, [i], source_etype=lanes.element)

    lanes.store(at(output), emit(lanes, *(lanes.load(at(p)) for p in inputs)))
    following = builder.add(i, INT64(lanes.width))
    i.add_incoming(INT64(0), entry)
    i.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, count), body, done)
    builder.position_at_end(done)
    builder.ret_void()
    return module


def mapped(
    emit: Emit, real: Real, target: Target, width: int | None = None, arity: int = 1
) -> Callable[..., np.ndarray]:
    """A NumPy function of `arity` arrays that runs `emit` compiled for `target`."""
    machine = compile_module(map_module(emit, real, target, width, arity), target)
    call = function(machine, "f", arity + 1, 1)

    def run(*arrays: np.ndarray) -> np.ndarray:
        size = len(arrays[0])
        padded = [np.resize(a, -(-size // 64) * 64).astype(DTYPES[real]) for a in arrays]
        result = np.empty_like(padded[0])
        call(*(a.ctypes.data for a in (*padded, result)), len(result))
        return result[:size]

    return run


def function(machine: Machine, name: str, pointers: int, integers: int) -> Callable[..., None]:
    """`machine`'s function of pointers and 64-bit integers; keeps the machine alive."""
    kinds = [ctypes.c_void_p] * pointers + [ctypes.c_int64] * integers
    call = ctypes.CFUNCTYPE(None, *kinds)(machine.address(name))
    call.machine = machine  # type: ignore[attr-defined]
    return call


def ulps(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """The distance from `want` (more precise) in units in the last place of `got`'s type.

    Infinity counts as the number after the largest; NaN is 0 away from NaN and else infinitely far.
    """
    info = np.finfo(got.dtype)
    wide = want.astype(np.longdouble)
    _, exponent = np.frexp(np.where(np.isfinite(wide), wide, 0))
    exponent = np.where(np.isinf(wide), info.maxexp, np.maximum(exponent - 1, info.minexp))
    exponent = np.minimum(exponent, info.maxexp - 1)
    unit = np.ldexp(np.longdouble(1), exponent - info.nmant)
    top = np.ldexp(np.longdouble(1), info.maxexp)
    distance = np.abs(np.clip(got.astype(np.longdouble), -top, top) - np.clip(wide, -top, top))
    nans = np.isnan(got).astype(int) + np.isnan(wide)
    return np.select([nans == 2, nans == 1], [0, np.inf], distance / unit).astype(float)


def worst_module(emit: Emit, target: Target) -> ir.Module:
    """`f(result, first, stride, count)`: the largest error of `emit` in f32, against itself in
    f64, over the floats whose bits are first, first + stride, ... (count, a multiple of lanes)."""
    module = ir.Module("worst")
    signature = ir.FunctionType(ir.VoidType(), [POINTER] + [INT64] * 3)
    function = ir.Function(module, signature, "f")
    entry, body, done = (function.append_basic_block(n) for n in ("entry", "body", "done"))
    builder = ir.IRBuilder(entry)
    single = LlvmLanes(builder, "f32", target.lanes("f32"), target)
    double = LlvmLanes(builder, "f64", single.width, target)
    result, first, stride, count = function.args
    order = [builder.add(first, builder.mul(stride, INT64(k))) for k in range(single.width)]
    start = ir.Constant(double.integer, [0] * single.width)
    for k, value in enumerate(order):
        start = builder.insert_element(start, value, ir.IntType(32)(k))
    step = _splat(builder, double.integer, builder.mul(stride, INT64(single.width)))
    builder.branch(body)
    builder.position_at_end(body)
    i, bits, worst = builder.phi(INT64), builder.phi(double.integer), builder.phi(double.vector)
    x = builder.bitcast(builder.trunc(bits, single.integer), single.vector)
    got = builder.fpext(emit(single, x), double.vector)
    want = emit(double, builder.fpext(x, double.vector))
    larger = double.maximum(worst, _distance(double, got, want))
    following = builder.add(i, INT64(single.width))
    for phi, begin, again in (
        (i, INT64(0), following),
        (bits, start, builder.add(bits, step)),
        (worst, double.const(0.0), larger),
    ):
        phi.add_incoming(begin, entry)
        phi.add_incoming(again, body)
    builder.cbranch(builder.icmp_signed("<", following, count), body, done)
    builder.position_at_end(done)
    builder.store(double.horizontal_max(larger), result)
    builder.ret_void()
    return module


def _splat(builder: ir.IRBuilder, vector: ir.VectorType, value: ir.Value) -> ir.Value:
    result = ir.Constant(vector, [0] * vector.count)
    for k in range(vector.count):
        result = builder.insert_element(result, value, ir.IntType(32)(k))
    return result


def _distance(b: LlvmLanes, got: ir.Value, want: ir.Value) -> ir.Value:
    """`ulps` in lane verbs, in units of f32."""
    top, bottom = b.const(2.0**128), b.const(2.0**-126)

    def held(x: ir.Value) -> ir.Value:
        return b.maximum(b.neg(top), b.minimum(top, x))

    exponent_bits = ir.Constant(b.integer, [Format("f64").pattern(float("inf"))] * b.width)
    size = b.builder.and_(b.builder.bitcast(want, b.integer), exponent_bits)
    below = b.const(2.0**127)
    binade = b.minimum(below, b.maximum(bottom, b.builder.bitcast(size, b.vector)))
    distance = b.div(b.abs(b.sub(held(got), held(want))), b.mul(binade, b.const(2.0**-23)))
    one, both = (
        b.ne(b.add(got, want), b.add(got, want)),
        b.mask_and(b.ne(got, got), b.ne(want, want)),
    )
    # Infinities of opposite sign also add up to NaN; they are infinitely far from each other.
    far = b.select(one, b.const(float("inf")), distance)
    return b.select(both, b.const(0.0), far)


def worst(emit: Emit, target: Target) -> Callable[[int, int, int], float]:
    """(first bits, stride, count) -> the largest error in ulp among those floats."""
    call = function(compile_module(worst_module(emit, target), target), "f", 1, 3)
    result = np.zeros(1)

    def run(first: int, stride: int, count: int) -> float:
        call(result.ctypes.data, first, stride, count)
        return float(result[0])

    return run
