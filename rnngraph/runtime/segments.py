"""Calls in segments of time: memory that does not grow with the number of steps.

    forward run    segment after segment, all in the same memory; of each segment only the states
                   at its border are kept
    backward run   segments in opposite order, each once more forward and then backward; sums over
                   time go on from segment to segment

Only what belongs to the caller (inputs, outputs, cotangents, gradients of inputs) has all steps;
it is read and written in place. This is checkpointing at equal distances (Gruslys et al. 2016,
"Memory-Efficient Backpropagation Through Time"): a third more work, and the same bits.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping

import numpy as np

from ..backends.frame import HEAD
from ..graph import Varies
from ..schedule.grammar import Extent, Role, StatePlan, Tile, View, written
from .arrays import ArgumentError, Array, aligned
from .executable import Executable, shape_of, slot_of


class Segments:
    """One call in segments of ``length`` steps; it is used like a ``Session``.

    Raises ArgumentError where the forward run has states in both directions of time.
    """

    def __init__(
        self,
        program: Executable,
        given: Mapping[str, Array],
        initial: Mapping[str, Array],
        steps: int,
        rows: int,
        length: int,
    ) -> None:
        self.program, self.steps, self.rows = program, steps, rows
        states = program.schedule.states
        # the others, cotangents, are given late
        early = {name: plan for name, plan in states.items() if name in initial}
        self.early = early.keys()
        direction = _direction(program, early)
        spans = [(t, min(length, steps - t)) for t in range(0, max(steps, 1), length)]
        self.spans = spans[::direction]
        self.whole = whole_of(program)
        self.memory = program.open(given, {}, min(length, steps), rows)  # of one segment
        self.words = array("q", bytes(8 * (HEAD + len(program.layout.names))))
        self.held = -1  # the segment whose forward values are in memory
        inner = {n: p.buffer.shape for n, p in states.items() if p.buffer.name not in self.whole}
        self.borders = {
            name: np.empty((len(spans) + 1, rows, *shape), program.dtype)
            for name, shape in inner.items() if name in early
        }  # fmt: skip
        self.carried = {
            name: np.empty((rows, *shape), program.dtype)
            for name, shape in inner.items() if name not in early
        }  # fmt: skip
        self.through = [name for name in states if name not in inner]  # all steps are kept
        self.initial = dict(initial)

    # --- arrays --------------------------------------------------------------------------

    def give(self, arrays: Mapping[str, Array]) -> None:
        """Hand over whole arrays by buffer name, as to a session."""
        self.memory.give(arrays)

    def set_states(self, initial: Mapping[str, Array]) -> None:
        """Initial values of states, for the next run that needs them."""
        self.initial.update(initial)

    def output(self, name: str) -> Array:
        """An output, with all steps."""
        view = self.program.schedule.outputs[name]
        found: Array = self.memory.arrays[view.buffer.name]
        if view.buffer.extent is Extent.SEQUENCE:
            found = found[view.shift : view.shift + self.steps]
        return found

    def final(self, name: str) -> Array:
        """A state's value after the last step of its direction, copied: ``[B, *shape]``."""
        if name in self.borders:
            return np.array(self.borders[name][-1])
        if name in self.carried:
            return self.carried[name].copy()
        return np.array(self._end(name, self.steps, first=False))

    def close(self) -> None:
        """Hand the work memory back; outputs stay valid."""
        self.memory.close()

    def _end(self, name: str, steps: int, first: bool) -> Array:
        """The slot of a state before the first, or after the last, of so many steps."""
        plan = self.program.schedule.states[name]
        found: Array = self.memory.arrays[plan.buffer.name][slot_of(plan, steps, first)]
        return found

    def _produce(self, procedure: int) -> None:
        """Fresh arrays for what a procedure gives: results with all steps, and sums."""
        if procedure == 1:
            self.memory.renew(self.early)
        kept = [b for b in self.program.kept if b.name in self.whole] if procedure == 0 else []
        for buffer in [*self.program.produced[procedure], *kept]:
            shape = shape_of(buffer, self.steps, self.rows)
            zero = buffer.name in self.program.summed
            self.memory.give({buffer.name: aligned(shape, self.program.dtype, zero)})
        for name in self.through:
            if name in self.initial:
                self._end(name, self.steps, first=True)[...] = self.initial[name]

    # --- runs ----------------------------------------------------------------------------

    def run(self, procedure: int = 0) -> None:
        """Run one procedure (0 forward, 1 backward) over all segments."""
        self._produce(procedure)
        if procedure == 0:
            self._forward()
        else:
            self._backward()

    def _forward(self) -> None:
        for name, kept in self.borders.items():
            kept[0] = self.initial[name]
        for number in range(len(self.spans)):
            self._replay(number)

    def _replay(self, number: int) -> None:
        """One segment forward, from the states at its beginning to those at its end."""
        steps = self.spans[number][1]
        for name, kept in self.borders.items():
            self._end(name, steps, first=True)[...] = kept[number]
        self._enter(0, number)
        for name, kept in self.borders.items():
            kept[number + 1] = self._end(name, steps, first=False)
        self.held = number

    def _backward(self) -> None:
        for name, value in self.carried.items():
            value[...] = self.initial[name]
        for number in reversed(range(len(self.spans))):
            if self.held != number:
                self._replay(number)
            self._back(number)
            if self.program.schedule.consumes:
                self.held = -1

    def _back(self, number: int) -> None:
        steps = self.spans[number][1]
        for name, value in self.carried.items():
            self._end(name, steps, first=True)[...] = value
        for view in _sums_over_rows(self.program):
            _window(self.memory.arrays[view.buffer.name], view)[...] = 0
        self._enter(1, number)
        for name, value in self.carried.items():
            value[...] = self._end(name, steps, first=False)

    def _enter(self, procedure: int, number: int) -> None:
        """Call the machine code where a segment's steps are in the arrays that have all."""
        start, steps = self.spans[number]
        head = self.program.head(procedure, steps, self.rows)
        for place, word in enumerate(head):
            self.words[place] = word
        for place, name in enumerate(self.program.layout.names):
            base = self.memory.addresses.get(name, 0)
            if base and start and name in self.whole:
                base += start * self.memory.arrays[name].strides[0]
            self.words[HEAD + place] = base
        self.program.enter[procedure](self.words.buffer_info()[0], ())


def _direction(program: Executable, states: Mapping[str, StatePlan]) -> int:
    """+1 or -1: the way in which the forward run's states go through time."""
    ways = {plan.delay: name for name, plan in states.items()}
    if len(ways) > 1:
        raise ArgumentError(
            f"checkpoints need states that go through time in one direction; '{ways[1]}' goes "
            f"forward and '{ways[-1]}' backward: leave out checkpoint_every and memory_budget"
        )
    phases = program.schedule.procedures[0].phases
    if any(phase.scan for phase in phases):
        raise ArgumentError(
            "checkpoints would change the bits of a parallel scan, whose pieces begin with a "
            "segment: leave out checkpoint_every and memory_budget, or compile without "
            "parallel_scan"
        )
    kernels = [kernel for phase in phases for kernel in phase.kernels]
    if any(not isinstance(kernel, Tile) for kernel in kernels):
        raise ArgumentError("checkpoints need a forward run without sums over all steps")
    return next(iter(ways), 1)


# --- what a program has -------------------------------------------------------------------


def whole_of(program: Executable) -> set[str]:
    """Names of the buffers that have all steps: those of the caller."""
    schedule = program.schedule
    given_away = {view.buffer.name for view in schedule.outputs.values()}
    return {
        buffer.name for buffer in schedule.buffers.values()
        if buffer.varies is Varies.STEP
        and (buffer.name in given_away or buffer.role in (Role.GIVEN, Role.RESULT))
    }  # fmt: skip


def _sums_over_rows(program: Executable) -> Iterator[View]:
    """Targets of sums that a segment does not go on with but makes again: over rows of what is
    itself a sum over time, whole only after the last segment."""
    for phase in program.schedule.procedures[1].phases:
        for kernel in phase.kernels:
            if kernel.varies is not Varies.STEP:
                for view in written(kernel):
                    if view.buffer.name in program.summed:
                        yield view


def _window(whole: Array, view: View) -> Array:
    strides = [stride * whole.itemsize for stride in view.strides]
    start = whole.reshape(-1)[view.offset :]
    window: Array = np.lib.stride_tricks.as_strided(start, view.shape, strides)
    return window
