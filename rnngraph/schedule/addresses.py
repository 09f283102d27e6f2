"""Where a view's elements lie: the grammar's address formula, spelled in NumPy.

It is the one place that says it for everything written in Python; the interpreter reads and
writes through it, and the verifier checks with it that a view stays inside its buffer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Varies
from .grammar import PIECE, Buffer, Extent, View

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Instances:
    """The (time-step, row) pairs at which a kernel runs, in order; a flat list of each."""

    t: Array
    r: Array

    def __len__(self) -> int:
        return len(self.t)


def instances(varies: Varies, steps: int, rows: int) -> Instances:
    """All instances of a value outside a loop: steps and rows, rows alone, or one."""
    if varies is Varies.STEP:
        return Instances(np.repeat(np.arange(steps), rows), np.tile(np.arange(rows), steps))
    if varies is Varies.ROW:
        return Instances(np.zeros(rows, int), np.arange(rows))
    return Instances(np.zeros(1, int), np.zeros(1, int))


def at_step(t: int, rows: int) -> Instances:
    """The instances of one step of a loop."""
    return Instances(np.full(rows, t), np.arange(rows))


def slots(buffer: Buffer, steps: int) -> int:
    """How many time-steps of values a buffer holds in a sequence of ``steps``."""
    held = {Extent.ONE: 1, Extent.RING: 2, Extent.STEPS: steps, Extent.SEQUENCE: steps + 1,
            Extent.PIECES: 1 + steps // PIECE}  # fmt: skip
    return held[buffer.extent]


def elements(buffer: Buffer, steps: int, rows: int) -> int:
    """The length of a buffer."""
    rows = rows if buffer.varies >= Varies.ROW else 1
    return slots(buffer, steps) * rows * buffer.size


def addresses(
    view: View, at: Instances, steps: int, rows: int, load: Callable[[View, Instances], Array]
) -> Array:
    """The address of every element of ``view``: an integer array ``[instances, *shape]``.

    ``load`` reads the index of a gathering view. Raises IndexError where the view leaves its
    buffer, or the row of the buffer that it belongs to.
    """
    buffer = view.buffer
    inside = np.full((len(at), *view.shape), view.offset)
    for axis, stride in enumerate(view.strides):
        steps_along = np.arange(view.shape[axis]) * stride
        inside += steps_along.reshape(-1, *(1,) * (len(view.shape) - axis - 1))
    if view.index is not None:
        index = load(view.index, at).astype(int) * view.index_stride
        inside += index.reshape(-1, *(1,) * len(view.shape))
    if inside.size and not 0 <= inside.min() <= inside.max() < buffer.size:
        raise IndexError(f"a view on '{buffer.name}' reaches outside its {buffer.size} elements")
    start = _row_starts(view, at, steps, rows)
    return inside + start.reshape(-1, *(1,) * len(view.shape))


def _row_starts(view: View, at: Instances, steps: int, rows: int) -> Array:
    buffer = view.buffer
    if buffer.varies is Varies.ONCE:
        return np.zeros(len(at), int)
    slot = np.zeros(len(at), int)
    if buffer.extent is Extent.RING:
        slot = (at.t + view.shift) % 2
    elif buffer.extent is not Extent.ONE:
        slot = at.t + view.shift
    if len(at) and not 0 <= slot.min() <= slot.max() < slots(buffer, steps):
        raise IndexError(f"a view on '{buffer.name}' reaches outside its time-steps")
    return (slot * rows + at.r) * buffer.size


def initial_slot(delay: int, steps: int) -> int:
    """The time-step at which a state's buffer holds its initial value (RING: modulo 2)."""
    return 0 if delay > 0 else steps


def final_slot(delay: int, steps: int) -> int:
    """The time-step at which a state's buffer holds its final value (RING: modulo 2)."""
    return steps if delay > 0 else 0
