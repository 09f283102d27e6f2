"""The lane verbs as LLVM vectors: rounding, selection, taking apart, partial memory, reductions."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from lane_kernels import (
    ALL_TARGETS,
    AVAILABLE,
    DTYPES,
    INT64,
    POINTER,
    Emit,
    function,
    map_module,
    mapped,
)  # fmt: skip
from llvmlite import ir

from rnngraph.backends.llvm.jit import compile_module, emit_assembly
from rnngraph.backends.llvm.lanes import LlvmLanes
from rnngraph.backends.llvm.target import Target, host, named
from rnngraph.ops import OPS, Op
from rnngraph.ops.lanes import Real

REALS: tuple[Real, ...] = ("f32", "f64")
NAN, INF = float("nan"), float("inf")
AWKWARD = [
    0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 0.49999997, 8388607.5, -8388607.5,
    4503599627370495.5, -4503599627370495.5, 1e30, -1e30, 1e-40, -1e-40, 3.0, -3.0, 7.99, -7.99,
    INF, -INF, NAN,
]  # fmt: skip

targets = pytest.mark.parametrize("target", [named(n) for n in AVAILABLE], ids=str)
reals = pytest.mark.parametrize("real", REALS)


@targets
@reals
@pytest.mark.parametrize(
    ("verb", "meaning"), [("floor", np.floor), ("round_even", np.rint), ("sqrt", np.sqrt)]
)
def test_rounding(
    verb: str, meaning: Callable[[np.ndarray], np.ndarray], real: Real, target: Target
) -> None:
    x = np.array(AWKWARD, DTYPES[real])
    got = mapped(lambda b, v: getattr(b, verb)(v), real, target)(x)
    with np.errstate(invalid="ignore"):
        want = meaning(x)
    assert np.array_equal(got, want, equal_nan=True)
    assert np.array_equal(np.signbit(got), np.signbit(want)) or verb == "sqrt"


@targets
@reals
def test_maximum_and_minimum_hand_nan_on(real: Real, target: Target) -> None:
    grid = np.array([-INF, -1, 0, 1, INF, NAN], DTYPES[real])
    x, y = (m.ravel() for m in np.meshgrid(grid, grid))
    for verb, meaning in (("maximum", np.maximum), ("minimum", np.minimum)):
        got = mapped(lambda b, v, w, verb=verb: getattr(b, verb)(v, w), real, target, arity=2)(x, y)
        assert np.array_equal(got, meaning(x, y), equal_nan=True)
        for emit in (
            lambda b, v, verb=verb: getattr(b, verb)(v, b.const(0.5)),
            lambda b, v, verb=verb: getattr(b, verb)(b.const(0.5), v),
        ):
            got = mapped(emit, real, target)(grid)
            assert np.array_equal(got, meaning(grid, grid.dtype.type(0.5)), equal_nan=True)


@targets
@reals
def test_comparisons_with_nan(real: Real, target: Target) -> None:
    grid = np.array([-1, -0.0, 0, 1, NAN], DTYPES[real])
    x, y = (m.ravel() for m in np.meshgrid(grid, grid))
    meanings = {
        "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
        "eq": np.equal, "ne": np.not_equal,
    }  # fmt: skip
    for verb, meaning in meanings.items():

        def emit(b: LlvmLanes, v: ir.Value, w: ir.Value, verb: str = verb) -> ir.Value:
            return b.select(getattr(b, verb)(v, w), b.const(1.0), b.const(0.0))

        got = mapped(emit, real, target, arity=2)(x, y)
        assert np.array_equal(got == 1, meaning(x, y)), verb


@targets
@reals
def test_numbers_are_taken_apart_and_put_together(real: Real, target: Target) -> None:
    info, rng = np.finfo(DTYPES[real]), np.random.default_rng(0)
    x = (2.0 ** rng.uniform(info.minexp - info.nmant, info.maxexp - 0.001, 4000)).astype(info.dtype)
    m = mapped(lambda b, v: b.split(v)[0], real, target)(x)
    n = mapped(lambda b, v: b.split(v)[1], real, target)(x)
    root = info.dtype.type(0.5**0.5)
    assert (m >= root).all() and (m < 2 * root).all() and (n == np.rint(n)).all()
    assert np.array_equal(np.ldexp(m, n.astype(int)), x)
    assert np.array_equal(mapped(lambda b, v, w: b.scale(v, w), real, target, arity=2)(m, n), x)


@targets
@reals
def test_scaling_rounds_once(real: Real, target: Target) -> None:
    info, rng = np.finfo(DTYPES[real]), np.random.default_rng(1)
    a = rng.uniform(0.26, 3.9, 5000).astype(info.dtype)
    n = rng.integers(info.minexp - info.nmant - 4, info.maxexp + 4, 5000)
    got = mapped(lambda b, v, w: b.scale(v, w), real, target, arity=2)(a, n)
    with np.errstate(over="ignore"):
        assert np.array_equal(got, np.ldexp(a, n))


@targets
@reals
def test_powers_of_two(real: Real, target: Target) -> None:
    info = np.finfo(DTYPES[real])
    n = np.arange(info.minexp, info.maxexp)
    got = mapped(lambda b, v: b.power_of_two(v), real, target)(n)
    assert np.array_equal(got, np.ldexp(info.dtype.type(1), n))


def test_constants_are_rounded_to_the_format() -> None:
    got = mapped(lambda b, v: b.add(v, b.const(0.1)), "f32", host())(np.zeros(4, np.float32))
    assert (got == np.float32(0.1)).all()
    got = mapped(lambda b, v: b.add(v, b.const(1e300)), "f32", host())(np.zeros(4, np.float32))
    assert (got == INF).all()


def copy_kernel(real: Real, target: Target, width: int, count: int | None) -> Callable[..., None]:
    """`f(from, to, n)` copies `count` lanes, or n when count is None."""
    module = ir.Module("copy")
    signature = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, INT64])
    kernel = ir.Function(module, signature, "f")
    builder = ir.IRBuilder(kernel.append_basic_block("entry"))
    lanes = LlvmLanes(builder, real, width, target)
    active = kernel.args[2] if count is None else count
    value = lanes.load(kernel.args[0], active)
    whole = lanes.add(value, lanes.const(100.0))
    lanes.store(kernel.args[1], whole, active)
    builder.ret_void()
    return function(compile_module(module, target), "f", 2, 1)


@targets
@reals
@pytest.mark.parametrize("static", [True, False])
def test_partial_loads_and_stores_touch_only_their_lanes(
    real: Real, target: Target, static: bool
) -> None:
    width = target.lanes(real)
    for count in {0, 1, width // 2, width - 1, width}:
        source = np.arange(width, dtype=DTYPES[real])
        result = np.full(width, -1, DTYPES[real])
        copy = copy_kernel(real, target, width, count if static else None)
        copy(source.ctypes.data, result.ctypes.data, count)
        assert np.array_equal(result[:count], source[:count] + 100)
        assert (result[count:] == -1).all()


@targets
@reals
def test_reductions_over_the_lanes(real: Real, target: Target) -> None:
    for width in (1, 2, 4, target.lanes(real)):
        x = np.random.default_rng(width).integers(-50, 50, width).astype(DTYPES[real])
        for verb, meaning in (("sum", np.sum), ("max", np.max), ("min", np.min)):

            def emit(b: LlvmLanes, v: ir.Value, verb: str = verb) -> ir.Value:
                return b.splat(getattr(b, f"horizontal_{verb}")(v))

            got = mapped(emit, real, target, width)(x)
            assert (got == meaning(x)).all()


# Calls, and tail calls: a jump out of the function.
CALL = re.compile(r"^\s+(?:callq?|bl|b|jmp)\s+(?!\.L)\S+", re.MULTILINE)
EMITTED = [op for op in OPS.values() if op.emit and op.name not in ("where", "not_", "and_", "or_")]


def gives_mask(op: Op) -> bool:
    return op.dtype is not None and op.dtype(["real"] * (op.arity or 1)) == "bool"


def as_real(emit: Emit, boolean: bool) -> Emit:
    if not boolean:
        return emit
    return lambda b, *xs: b.select(emit(b, *xs), b.const(1.0), b.const(0.0))


@pytest.mark.parametrize("target", ALL_TARGETS, ids=str)
@reals
def test_no_op_calls_the_c_library_on_any_target(real: Real, target: Target) -> None:
    for op in EMITTED:
        emit = as_real(op.emit, gives_mask(op))
        for width in (1, target.lanes(real)):
            module = map_module(emit, real, target, width, op.arity or 1)
            called = CALL.findall(emit_assembly(module, target))
            assert not called, (op.name, width, called)
