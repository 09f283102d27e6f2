"""Loops whose elements follow only their own past: they may run through time one by one.

Such a loop has one kernel, and every window on what that kernel writes lies at its own place. So
members of a team divide its rows and units without ever meeting, and a state that few units hold
stays in a register from step to step.
"""

from __future__ import annotations

from math import prod

from ..graph import Node, Varies
from .grammar import Buffer, Extent, Phase, Role, Tile, View, contiguous

# reals of a step, all rows together, up to which a loop runs through time vector by vector: the
# time-steps of a vector lie that far apart, and memory that is not read in line is slow
LARGEST = 256


def is_series(phase: Phase) -> bool:
    """True for a loop in which every element follows only its own past."""
    if phase.kind != "loop" or len(phase.kernels) != 1:
        return False
    (kernel,) = phase.kernels
    if not isinstance(kernel, Tile) or kernel.accumulators:
        return False
    stored = {view.buffer.name for _, view in kernel.stores}
    loads = [view for view in kernel.closure.loads.values() if view.buffer.name in stored]
    return all(_is_whole(view) for view in loads)


def units(kernel: Tile) -> int:
    """Elements of a step, per row."""
    return prod(kernel.closure.space)


def carried(kernel: Tile) -> list[tuple[int, Node, View]]:
    """(id of a state's leaf, its next value, the window where that is stored) of all states."""
    states = {
        view.buffer.name: number
        for number, view in kernel.closure.loads.items()
        if view.buffer.role is Role.STATE
    }
    return [
        (states[view.buffer.name], node, view)
        for node, view in kernel.stores
        if view.buffer.name in states
    ]


def moves(buffer: Buffer) -> bool:
    """True for buffers that hold every time-step."""
    return buffer.varies is Varies.STEP and buffer.extent in (Extent.STEPS, Extent.SEQUENCE)


def _is_whole(view: View) -> bool:
    full = view.shape == view.buffer.shape and view.strides == contiguous(view.shape)
    return full and view.offset == 0 and view.index is None
