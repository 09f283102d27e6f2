"""A schedule as machine code: buffers allocated, procedures called, results taken out."""

from __future__ import annotations

import ctypes
import threading
from array import array
from collections.abc import Collection, Mapping
from math import prod
from typing import Any

import numpy as np

from ..graph import Varies
from ..schedule import Schedule
from ..schedule.addresses import final_slot, initial_slot, slots
from ..schedule.cost import work
from ..schedule.grammar import Buffer, Extent, Procedure, Role, StatePlan, View, written
from ..schedule.lifetimes import summed
from .arrays import REAL, Array, address, aligned
from .teams import Entry, Trial, trial
from .work import Blocks, placed

ENTER = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.py_object)
ENTER_BRIEFLY = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.py_object)
# operations up to which the GIL is kept: to get it back from a busy thread may take 5 ms
BRIEF = 1e6


class Executable:
    """Compiled once; serves every number of steps and rows, from any thread.

    ``target`` is a name ("host", "avx2", ...). Code is made on the first call, or by ``machine``.
    """

    def __init__(
        self, schedule: Schedule, real: str, target: str = "host", threads: int = 1
    ) -> None:
        self.schedule, self.real, self.target, self.threads = schedule, real, target, threads
        self.work_of = [work(p) for p in schedule.procedures]
        self.dtype = REAL[real]
        sums = summed(schedule.procedures)
        self.produced = [_produced(p, sums) for p in schedule.procedures]
        fresh = {buffer.name for made in self.produced for buffer in made}
        own = [b for b in schedule.buffers.values() if b.role is not Role.GIVEN]
        self.work = [b for b in own if b.role is Role.WORK and b.name not in sums]
        self.kept = [b for b in own if b.role is Role.STATE and b.name not in fresh]
        self.constants = {b.name: np.arange(b.size, dtype=self.dtype) for b in own
                          if b.role is Role.IOTA}  # fmt: skip
        self.summed, self.blocks, self.weights = sums, Blocks(), Blocks(zero=True)
        self.trials: dict[tuple[int, int, int], Trial] = {}
        self._lock = threading.Lock()
        self._machine: Any = None

    @property
    def machine(self) -> Any:
        """The machine code (``.llvm``, ``.assembly``); compiled when first asked for."""
        with self._lock:
            if self._machine is None:
                self._compile()
            return self._machine

    def _compile(self) -> None:
        from ..backends.llvm.compiler import compile_schedule

        real: Any = self.real
        self._machine, self.layout = compile_schedule(self.schedule, real, self.target)
        gates = [self._machine.address(f"{p.name}_enter") for p in self.schedule.procedures]
        self.enter = [ENTER(gate) for gate in gates]
        self.enter_briefly = [ENTER_BRIEFLY(gate) for gate in gates]

    def texts(self) -> Any:
        """The code as text (``.llvm``, ``.assembly``), made afresh: the cache keeps no text."""
        from ..backends.llvm.compiler import compile_schedule

        real: Any = self.real
        return compile_schedule(self.schedule, real, self.target, cached=False)[0]

    def trial(self, procedure: int, steps: int, rows: int) -> Trial:
        """With how many threads calls run, or are tried: those of about as many steps together."""
        kind = procedure, steps.bit_length(), rows
        if kind not in self.trials:
            self.trials[kind] = self._trial(procedure, steps, rows)
        return self.trials[kind]

    def _trial(self, procedure: int, steps: int, rows: int) -> Trial:
        if self.threads == 1 or not self.layout.teams:
            return Trial(1)
        from ..backends.llvm import pool

        threads = min(self.threads, pool.cores())
        if threads == 1:
            return Trial(1)
        return trial(self.work_of[procedure], steps, rows, threads, pool.costs())

    def head(
        self, procedure: int, steps: int, rows: int, read: int = 0, written: int = 0
    ) -> list[int]:
        """The head of a frame with so many records."""
        threads = self.trial(procedure, steps, rows).size
        team = self.entrance() if threads > 1 else 0
        return [tuple.__basicsize__, object.__basicsize__, id(np.ndarray), steps, rows, threads,
                team, read, written]  # fmt: skip

    def entrance(self) -> int:
        """The address at which machine code enters a team."""
        from ..backends.llvm import pool

        return pool.entrance()

    def entry(self, procedure: int, steps: int, rows: int, words: array[int]) -> Entry:
        """How to enter a procedure with a frame."""
        found = self.trial(procedure, steps, rows)
        return Entry(words, self._gate(procedure, steps, rows), found, self.entrance)

    def _gate(self, procedure: int, steps: int, rows: int) -> Any:
        """The function that enters a procedure, with a frame's address and its arrays; it releases
        the GIL while it runs, unless that is over at once."""
        brief = self.work_of[procedure].operations * steps * rows < BRIEF
        return (self.enter_briefly if brief else self.enter)[procedure]

    def open(self, given: Mapping[str, Array], initial: Mapping[str, Array], steps: int,
             rows: int) -> Session:  # fmt: skip
        """Start a call: ``given`` by buffer name, ``initial`` by state, all fitting and checked."""
        self.machine  # noqa: B018  compiles, so that layout and entries are there
        return Session(self, given, initial, steps, rows)


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
        self.program, self.steps, self.rows, self.consumed = program, steps, rows, False
        self.initial, self.returned = initial, False
        self.arrays: dict[str, Array] = {}
        self.addresses: dict[str, int] = {}
        self.give(given)
        self.give(program.constants)
        self.give({buffer.name: self._allocate(buffer) for buffer in program.kept})
        memory = program.schedule.memory
        sizes = {b.name: prod(self.shape(b)) for b in program.work if b.name not in memory}
        self.block: Array | None = self._take(program.blocks, sizes)
        self.addresses |= {name: self.addresses[host] for name, host in memory.items()}
        self.weights: Array | None = self._take(program.weights, program.layout.kept)
        self.set_states(initial)

    def drop(self, names: Collection[str]) -> None:
        """Let go of the arrays of states that a replay gives anew at every call."""
        for name in names:
            self.arrays.pop(name, None)
            self.addresses.pop(name, None)

    def restore(self) -> None:
        """After ``drop``: arrays for all states again, with their initial values."""
        missing = [b for b in self.program.kept if b.name not in self.arrays]
        self.give({buffer.name: self._allocate(buffer) for buffer in missing})
        self.set_states(self.initial)

    def _take(self, blocks: Blocks, sizes: Mapping[str, int]) -> Array:
        places, total = placed(sizes, self.program.dtype.itemsize)
        block = blocks.take(total)
        start = address(block)
        self.addresses |= {name: start + place for name, place in places.items()}
        return block

    def _allocate(self, buffer: Buffer) -> Array:
        zero = buffer.name in self.program.summed
        return aligned(self.shape(buffer), self.program.dtype, zero=zero)

    def shape(self, buffer: Buffer) -> tuple[int, ...]:
        """A buffer's array shape in this call."""
        return shape_of(buffer, self.steps, self.rows)

    def set_states(self, initial: Mapping[str, Array]) -> None:
        """Put initial values into the first slot of their states."""
        for name, value in initial.items():
            plan = self.program.schedule.states.get(name)
            if plan is not None:
                self.arrays[plan.buffer.name][slot_of(plan, self.steps, first=True)] = value

    def run(self, procedure: int = 0) -> None:
        """Run one procedure (0 forward, 1 backward), with fresh arrays for its results; the GIL
        is released meanwhile. A backward run that finds the forward's values consumed by the
        one before repeats the forward run."""
        if procedure == 0:
            self.consumed = False
        elif self.consumed:
            self.set_states(self.initial)  # steps of a ring have gone over them
            self.run(0)
        if procedure == 1:
            self.renew(self.initial)
        self.consumed = procedure == 1 and self.program.schedule.consumes
        self.give({b.name: self._allocate(b) for b in self.program.produced[procedure]})
        words = array("q", [*self.head(procedure, 0, 0), *self.table()])
        self.program.entry(procedure, self.steps, self.rows, words).enter(())

    def renew(self, early: Collection[str]) -> None:
        """Before a second backward run: new arrays for those of its states (not ``early``) that
        are results, since the first run's belong to the caller."""
        schedule = self.program.schedule
        results = {view.buffer.name for view in schedule.outputs.values()}
        late = {p.buffer.name for name, p in schedule.states.items() if name not in early}
        for name in late & results if self.returned else ():
            before = self.arrays[name]
            self.give({name: aligned(before.shape, before.dtype)})
            self.arrays[name][...] = before
        self.returned = True

    def head(self, procedure: int, read: int, written: int) -> list[int]:
        """The head of a frame with so many records."""
        return self.program.head(procedure, self.steps, self.rows, read, written)

    def table(self) -> list[int]:
        """Addresses in the order of the code's layout; 0 for what is not there."""
        return [self.addresses.get(name, 0) for name in self.program.layout.names]

    def give(self, arrays: Mapping[str, Array]) -> None:
        """Hand over arrays by buffer name: now, or late (cotangents, for the backward run)."""
        self.arrays.update(arrays)
        self.addresses.update((name, address(array)) for name, array in arrays.items())

    def final(self, name: str) -> Array:
        """A state's value after the last step of its direction, copied: ``[B, *shape]``."""
        plan = self.program.schedule.states[name]
        last: Array = self.arrays[plan.buffer.name][slot_of(plan, self.steps, first=False)]
        return last.copy()

    def output(self, name: str) -> Array:
        """An output: a window on its buffer, which belongs to this call alone."""
        view: View = self.program.schedule.outputs[name]
        array = self.arrays[view.buffer.name]
        if view.buffer.extent is Extent.SEQUENCE:
            return array[view.shift : view.shift + self.steps]
        return array

    def close(self) -> None:
        """Hand the work memory back; outputs stay valid."""
        for blocks, name in ((self.program.blocks, "block"), (self.program.weights, "weights")):
            block = getattr(self, name)
            setattr(self, name, None)
            if block is not None:
                blocks.give_back(block)

    def __del__(self) -> None:
        # a pullback may be called again as long as anybody holds it: its session ends with it
        if hasattr(self, "weights"):
            self.close()


def shape_of(buffer: Buffer, steps: int, rows: int) -> tuple[int, ...]:
    """The shape of a buffer's array in a call of so many steps and rows."""
    if buffer.varies is Varies.ONCE:
        return buffer.shape
    if buffer.varies is Varies.ROW or buffer.extent is Extent.ONE:
        return (rows, *buffer.shape)
    return (slots(buffer, steps), rows, *buffer.shape)


def slot_of(plan: StatePlan, steps: int, first: bool) -> int:
    """The slot of a state's array that holds its value before the first, or after the last, of
    so many steps."""
    at = (initial_slot if first else final_slot)(plan.delay, steps)
    return at % 2 if plan.buffer.extent is Extent.RING else at


def _produced(procedure: Procedure, sums: set[str]) -> list[Buffer]:
    """Buffers that a procedure writes and that must be fresh whenever it runs: results, which
    belong to the caller, and sums, which start at 0."""
    found: dict[str, Buffer] = {}
    for phase in procedure.phases:
        for kernel in phase.kernels:
            for view in written(kernel):
                buffer = view.buffer
                if buffer.role is Role.RESULT or buffer.name in sums:
                    found[buffer.name] = buffer
    return list(found.values())
