"""A schedule as machine code: buffers allocated, procedures called, results taken out."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Varies
from ..schedule import Schedule
from ..schedule.grammar import (
    Buffer,
    ColumnTotal,
    Extent,
    OuterTotal,
    Procedure,
    Role,
    ScatterTotal,
    View,
    written,
)
from .arrays import REAL, Array, aligned

ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


@dataclass
class Results:
    """Outputs and final states by name."""

    outputs: dict[str, Array]
    finals: dict[str, Array]


class Executable:
    """Compiled once; serves every number of steps and rows, from any thread.

    ``target`` is a name ("host", "avx2", ...). Code is made on the first call, or by ``machine``.
    """

    def __init__(self, schedule: Schedule, real: str, target: str = "host") -> None:
        self.schedule, self.real, self.target = schedule, real, target
        self.dtype = REAL[real]
        self.summed = _summed(schedule)
        self.produced = [_produced(schedule, p, self.summed) for p in schedule.procedures]
        self._lock = threading.Lock()
        self._machine: Any = None
        self._pool: dict[tuple[str, tuple[int, ...]], list[Array]] = {}

    @property
    def machine(self) -> Any:
        """The machine code (``.llvm``, ``.assembly``); compiled when first asked for."""
        with self._lock:
            if self._machine is None:
                self._compile()
            return self._machine

    def _compile(self) -> None:
        from ..backends.llvm.jit import compile_module
        from ..backends.llvm.procedures import write_module
        from ..backends.llvm.target import named

        target = named(self.target)
        module, self.layout = write_module(self.schedule, self.real, target)  # type: ignore[arg-type]
        self._machine = compile_module(module, target)
        self.entries = [ENTRY(self._machine.address(p.name)) for p in self.schedule.procedures]

    def open(self, given: Mapping[str, Array], initial: Mapping[str, Array], steps: int,
             rows: int) -> Session:  # fmt: skip
        """Start a call: ``given`` by buffer name, ``initial`` by state, all fitting and checked."""
        self.machine  # noqa: B018  compiles, so that layout and entries are there
        return Session(self, given, initial, steps, rows)

    # --- work buffers, used again from call to call ----------------------------------------

    def take(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """A work buffer; its content is whatever the last call left."""
        with self._lock:
            free = self._pool.get((name, shape))
            if free:
                return free.pop()
        return aligned(shape, dtype)

    def give_back(self, arrays: Mapping[str, Array]) -> None:
        """Return work buffers; only those of the latest shapes are kept."""
        with self._lock:
            for name, array in arrays.items():
                key = (name, array.shape)
                for other in [k for k in self._pool if k[0] == name and k != key]:
                    del self._pool[other]
                self._pool.setdefault(key, []).append(array)


class Session:
    """One call of an executable: its arrays, alive from the forward to the backward run."""

    def __init__(
        self,
        program: Executable,
        given: Mapping[str, Array],
        initial: Mapping[str, Array],
        steps: int,
        rows: int,
    ) -> None:
        self.program, self.steps, self.rows = program, steps, rows
        self.arrays: dict[str, Array] = dict(given)
        self.scratch: dict[str, Array] = {}
        fresh = {buffer.name for made in program.produced for buffer in made}
        for buffer in program.schedule.buffers.values():
            if buffer.role is not Role.GIVEN and buffer.name not in fresh:
                self.arrays[buffer.name] = self._allocate(buffer)
        for name, count in program.layout.packed.items():
            self.scratch[name] = program.take(name, (count,), program.dtype)
        self.set_states(initial)

    def _allocate(self, buffer: Buffer) -> Array:
        shape, program = self.shape(buffer), self.program
        if buffer.role is Role.IOTA:
            return np.arange(buffer.size, dtype=program.dtype)
        if buffer.role is Role.WORK and buffer.name not in program.summed:
            self.scratch[buffer.name] = program.take(buffer.name, shape, program.dtype)
            return self.scratch[buffer.name]
        return aligned(shape, program.dtype, zero=buffer.name in program.summed)

    def shape(self, buffer: Buffer) -> tuple[int, ...]:
        """A buffer's array shape in this call."""
        slots = {Extent.ONE: (), Extent.RING: (2,), Extent.STEPS: (self.steps,),
                 Extent.SEQUENCE: (self.steps + 1,)}[buffer.extent]  # fmt: skip
        if buffer.varies is Varies.ONCE:
            return buffer.shape
        if buffer.varies is Varies.ROW:
            return (self.rows, *buffer.shape)
        return (*slots, self.rows, *buffer.shape)

    def set_states(self, initial: Mapping[str, Array]) -> None:
        """Put initial values into the first slot of their states."""
        for name, value in initial.items():
            plan = self.program.schedule.states.get(name)
            if plan is not None:
                self.arrays[plan.buffer.name][self._slot(name, first=True)] = value

    def _slot(self, name: str, first: bool) -> int:
        plan = self.program.schedule.states[name]
        if first == (plan.delay > 0):
            return 0
        return self.steps % 2 if plan.buffer.extent is Extent.RING else self.steps

    def run(self, procedure: int = 0) -> None:
        """Run one procedure (0 forward, 1 backward), with fresh arrays for its results; the GIL
        is released meanwhile."""
        for buffer in self.program.produced[procedure]:
            self.arrays[buffer.name] = self._allocate(buffer)
        layout, arrays = self.program.layout, self.arrays
        pointers = [arrays[name].ctypes.data if name in arrays else None for name in layout.entries]
        pointers += [self.scratch[name].ctypes.data for name in layout.packed]
        table = (ctypes.c_void_p * len(pointers))(*pointers)
        self.program.entries[procedure](table, self.steps, self.rows)

    def give(self, late: Mapping[str, Array]) -> None:
        """Hand over what only the backward run needs (cotangents)."""
        self.arrays.update(late)

    def final(self, name: str) -> Array:
        """A state's value after the last step of its direction, copied: ``[B, *shape]``."""
        plan = self.program.schedule.states[name]
        return self.arrays[plan.buffer.name][self._slot(name, first=False)].copy()

    def output(self, name: str) -> Array:
        """An output: a window on its buffer, which belongs to this call alone."""
        view: View = self.program.schedule.outputs[name]
        array = self.arrays[view.buffer.name]
        if view.buffer.extent is Extent.SEQUENCE:
            return array[view.shift : view.shift + self.steps]
        return array

    def close(self) -> None:
        """Hand the work buffers back; outputs stay valid."""
        scratch, self.scratch = self.scratch, {}
        self.program.give_back(scratch)


def _summed(schedule: Schedule) -> set[str]:
    kernels = [k for p in schedule.procedures for phase in p.phases for k in phase.kernels]
    totals = (ColumnTotal, OuterTotal, ScatterTotal)
    return {kernel.target.buffer.name for kernel in kernels if isinstance(kernel, totals)}


def _produced(schedule: Schedule, procedure: Procedure, summed: set[str]) -> list[Buffer]:
    """Buffers that a procedure writes and that must be fresh whenever it runs: results, which
    belong to the caller, and sums, which start at 0."""
    found: dict[str, Buffer] = {}
    for phase in procedure.phases:
        for kernel in phase.kernels:
            for view in written(kernel):
                buffer = view.buffer
                if buffer.role is Role.RESULT or buffer.name in summed:
                    found[buffer.name] = buffer
    return list(found.values())
