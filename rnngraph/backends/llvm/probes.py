"""Loops that do one thing only, to find out how fast this machine can do it.

    probe(array, rounds, count)       the loop over ``count`` elements, ``rounds`` times

They are emitted with the lanes and loops of the kernels, so what they reach, a kernel can reach.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from ...ops import OPS
from ...ops.lanes import Real
from .emitter import I64, POINTER, Emitter, number
from .jit import compile_module
from .target import host

REAL: Real = "f32"
Probe = Callable[[np.ndarray[Any, Any], int, int], None]
Body = Callable[[Emitter, ir.Value, ir.Value], None]
READS = 8  # vectors read side by side


def width() -> int:
    """Elements per vector."""
    return host().lanes(REAL)


def chains() -> int:
    """Independent accumulators: enough to hide latency, few enough to stay in registers."""
    return min(24, host().registers - 4)


def multiply_adds() -> Probe:
    """``count`` times one multiply-add of every lane of every chain; reads 64 elements at most."""

    def body(e: Emitter, pointer: ir.Value, count: ir.Value) -> None:
        lanes = e.lanes(width())
        a, b = (lanes.load_splat(e.at(pointer, number(i))) for i in (0, 1))
        # every chain starts elsewhere, or the compiler would see that all are the same
        starts = [lanes.load(e.at(pointer, number(i))) for i in range(chains())]
        sums = e.loop(number(0), count, 1, lambda i, *s: [lanes.fma(x, a, b) for x in s], starts)
        _keep(e, pointer, sums)

    return _compiled(body)


def reads() -> Probe:
    """Reads ``count`` elements, a multiple of ``READS * width()``, and only adds them up."""

    def body(e: Emitter, pointer: ir.Value, count: ir.Value) -> None:
        lanes, step = e.lanes(width()), width()

        def read(i: ir.Value, *sums: ir.Value) -> list[ir.Value]:
            places = [e.at(pointer, e.add(i, number(k * step))) for k in range(READS)]
            return [lanes.add(s, lanes.load(p)) for s, p in zip(sums, places, strict=True)]

        zeros = [lanes.const(0.0)] * READS
        _keep(e, pointer, e.loop(number(0), count, READS * step, read, zeros))

    return _compiled(body)


def elementwise(op: str) -> Probe:
    """Applies an elementwise op of the table to ``count`` elements, and writes them behind."""
    row = OPS[op]
    assert row.emit is not None
    emit, arity = row.emit, row.arity or 1

    def body(e: Emitter, pointer: ir.Value, count: ir.Value) -> None:
        lanes = e.lanes(width())

        def apply(i: ir.Value) -> None:
            values = [lanes.load(e.at(pointer, i)) for _ in range(arity)]
            lanes.store(e.at(pointer, e.add(i, count)), emit(lanes, *values))

        e.loop(number(0), count, width(), apply)

    return _compiled(body)


def _compiled(body: Body) -> Probe:
    module = ir.Module("probe")
    kind = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])
    function = ir.Function(module, kind, "probe")
    emitter = Emitter(ir.IRBuilder(function.append_basic_block("entry")), REAL, host())
    pointer, rounds, count = function.args
    emitter.loop(number(0), rounds, 1, lambda i: body(emitter, pointer, count))
    emitter.builder.ret_void()
    machine = compile_module(module)
    prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    entry = prototype(machine.address("probe"))

    def probe(array: np.ndarray[Any, Any], rounds: int, count: int) -> None:
        entry(array.ctypes.data, rounds, count)

    probe.machine = machine  # type: ignore[attr-defined]  # the code lives as long as the probe
    return probe


def _keep(e: Emitter, pointer: ir.Value, sums: Sequence[ir.Value]) -> None:
    """Store what was summed, so that no compiler drops the summing."""
    lanes = e.lanes(width())
    total = sums[0]
    for more in sums[1:]:
        total = lanes.add(total, more)
    lanes.store(pointer, lanes.minimum(total, lanes.const(0.5)))
