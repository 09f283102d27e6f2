"""Frames of calls that are made again and again, written once (grammar: ``backends.frame``)."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from ..backends import frame
from ..schedule.addresses import final_slot, initial_slot
from ..schedule.grammar import Buffer, Extent, View, written
from .arrays import ALIGNMENT, BYTE, Array, address, aligned
from .executable import Session

Shape = tuple[int, ...]
Window = tuple[str, int, slice | int | None]
SMALL = 1 << 15  # bytes of an array


class CannotReplay(Exception):
    """A call of a kind that no frame describes; it runs as any call does."""


class Fresh:
    """Results of one procedure that are new at every call, and windows on them.

    ``outputs`` maps what a window is called to the schedule's name of the output.
    """

    def __init__(
        self, session: Session, procedure: int, outputs: Mapping[str, str], step: bool = False
    ) -> None:
        program = session.program
        views = {name: program.schedule.outputs[key] for name, key in outputs.items()}
        shown = {view.buffer.name for view in views.values()}
        kept = {b.name for b in program.kept}
        made = {b.name: b for b in program.produced[procedure]}
        made |= {b.name: b for b in _written(session, procedure) if b.name in shown & kept}
        if shown - {*made}:
            raise CannotReplay
        self.dtype = program.dtype
        size = {b.name: _bytes(session.shape(b), self.dtype) for b in made.values()}
        self.buffers = sorted(made.values(), key=lambda b: size[b.name] > SMALL)
        self.shapes = [session.shape(buffer) for buffer in self.buffers]
        self.small: list[tuple[Shape, int]] = []
        self.large: list[tuple[Shape, bool]] = []
        self.block = ALIGNMENT  # bytes for all small ones together
        for buffer, shape in zip(self.buffers, self.shapes, strict=True):
            if size[buffer.name] > SMALL:
                self.large.append((shape, buffer.name in program.summed))
                continue
            self.small.append((shape, self.block - ALIGNMENT))
            self.block += -(-size[buffer.name] // ALIGNMENT) * ALIGNMENT
        self.cleared = [buffer.name in program.summed and size[buffer.name] <= SMALL
                        for buffer in self.buffers]  # fmt: skip
        self.names = [buffer.name for buffer in self.buffers]
        self.windows: list[Window] = [
            (name, self.names.index(view.buffer.name), _window(view, session.steps, step))
            for name, view in views.items()
        ]

    def allocate(self) -> list[Array]:
        """New arrays, each on a cache line of its own.

        The small ones share a block, which is quicker and keeps but little alive for one of them;
        machine code clears those that are sums. Large sums come cleared from the system.
        """
        dtype, ndarray = self.dtype, np.ndarray
        made: list[Array] = []
        if self.small:
            raw = np.empty(self.block, BYTE)
            start = -address(raw) % ALIGNMENT
            made = [ndarray(shape, dtype, raw, start + place) for shape, place in self.small]
        for shape, zero in self.large:
            made.append(aligned(shape, dtype, zero))
        return made


def results(arrays: Sequence[Array], windows: Sequence[Window]) -> dict[str, Array]:
    """Windows on fresh arrays, by name."""
    return {name: arrays[i] if window is None else arrays[i][window] for name, i, window in windows}


def _written(session: Session, procedure: int) -> Iterable[Buffer]:
    phases = session.program.schedule.procedures[procedure].phases
    kernels = (kernel for phase in phases for kernel in phase.kernels)
    return (view.buffer for kernel in kernels for view in written(kernel))


def _window(view: View, steps: int, step: bool) -> slice | int | None:
    """The part of a buffer's array that an output is; of a single step, without the time axis."""
    if view.buffer.extent is Extent.SEQUENCE:
        return view.shift if step else slice(view.shift, view.shift + steps)
    return 0 if step and view.buffer.extent is Extent.STEPS else None


class Writer:
    """Writes the frame of one procedure's calls."""

    def __init__(self, session: Session, procedure: int) -> None:
        self.session, self.procedure = session, procedure
        names = session.program.layout.names
        self.places = {name: place for place, name in enumerate(names)}
        self.read: list[list[int]] = []
        self.written: list[list[int]] = []

    def words(self) -> array[int]:
        """The frame. Its arrays come in the order of their records, those that are kept last."""
        records = [*self.read, *self.written]
        head = self.session.head(self.procedure, len(self.read), len(self.written))
        table = [*self.session.table(), 0]  # the last for what machine code never looks at
        return array("q", [*head, *(word for record in records for word in record), *table])

    @property
    def vouched(self) -> int:
        """Where, from the end of the frame's words, the caller vouches for its parameters."""
        return self.places[frame.VOUCHED] - len(self.places) - 1

    def point(self, name: str, shape: Shape, dtype: np.dtype[Any], limit: int = 0) -> None:
        """An argument, under the name of its buffer."""
        self.read.append(self._record(name, shape, dtype, frame.POINT, limit=limit))

    def fresh(self, fresh: Fresh) -> None:
        """All results of a kind."""
        for buffer, shape, clear in zip(fresh.buffers, fresh.shapes, fresh.cleared, strict=True):
            mode, size = (frame.ZERO if clear else frame.POINT), _bytes(shape, fresh.dtype)
            self.read.append(self._record(buffer.name, shape, fresh.dtype, mode, size=size))

    def fill(self, state: str, spread: bool = False) -> None:
        """A state's initial values: an array of all rows, or one that is ``spread`` over them."""
        session, dtype = self.session, self.session.program.dtype
        plan = session.program.schedule.states[state]
        rows, shape = session.rows, plan.buffer.shape
        size = _bytes(shape, dtype) if spread else _bytes((rows, *shape), dtype)
        self.read.append(self._record(
            plan.buffer.name, shape if spread else (rows, *shape), dtype, frame.FILL,
            offset=self._slot(state, first=True), lines=rows if spread else 1, size=size,
        ))  # fmt: skip

    def keep(self, state: str) -> None:
        """A state's final values, copied to an array of the caller's."""
        program = self.session.program
        dtype, buffer = program.dtype, program.schedule.states[state].buffer
        shape = (self.session.rows, *buffer.shape)
        self.written.append(self._record(
            buffer.name, shape, dtype, frame.KEEP, offset=self._slot(state, first=False),
            size=_bytes(shape, dtype),
        ))  # fmt: skip

    def _slot(self, state: str, first: bool) -> int:
        session = self.session
        plan = session.program.schedule.states[state]
        slot = (initial_slot if first else final_slot)(plan.delay, session.steps)
        slot = slot % 2 if plan.buffer.extent is Extent.RING else slot
        return slot * _bytes((session.rows, *plan.buffer.shape), session.program.dtype)

    def _record(
        self, name: str, shape: Shape, dtype: np.dtype[Any], mode: int, offset: int = 0,
        lines: int = 1, size: int = 0, limit: int = 0,
    ) -> list[int]:  # fmt: skip
        if len(shape) > frame.MOST_AXES:
            raise CannotReplay
        place = self.places.get(name, len(self.places))
        filled = [*shape, *[0] * (frame.MOST_AXES - len(shape))]
        return [id(dtype), mode, place, offset, lines, size, 0, limit, len(shape), *filled]


def _bytes(shape: Shape, dtype: np.dtype[Any]) -> int:
    return prod(shape) * dtype.itemsize
