"""Parallel scans: linear recurrences cut into pieces of time that are worked on at once.

    1. every piece by itself       (a, b) with last = a * first + b, composed step by step
    2. along the pieces            where each of them starts
    3. every piece by itself       the loop's own kernel, from that start

Pieces have one length, whatever the number of steps, rows and threads, and always begin from the
composed value, so results are the same bits for all of these. They are not those of the plain
loop, whose values pass from piece to piece without being composed.
"""

from __future__ import annotations

from dataclasses import replace

from ..graph import Node, Varies
from ..ops import OPS
from .grammar import Buffer, Closure, Extent, Phase, Procedure, Role, Scan, Tile
from .schedule import Schedule
from .series import carried, is_series


def with_scans(schedule: Schedule) -> Schedule:
    """The schedule with every linear recurrence of one state, element by element, as a scan."""
    buffers = dict(schedule.buffers)
    procedures = tuple(_scanned(procedure, buffers) for procedure in schedule.procedures)
    return replace(schedule, procedures=procedures, buffers=buffers)


def _scanned(procedure: Procedure, buffers: dict[str, Buffer]) -> Procedure:
    phases = []
    for phase in procedure.phases:
        scan = _scan(phase) if _can_scan(phase) else None
        if scan is not None:
            buffers |= {buffer.name: buffer for buffer in (scan.factors, scan.starts)}
        phases.append(replace(phase, scan=scan))
    return replace(procedure, phases=tuple(phases))


def _can_scan(phase: Phase) -> bool:
    kind = phase.recurrence
    if kind is None or not is_series(phase):
        return False
    (kernel,) = phase.kernels
    assert isinstance(kernel, Tile)
    return kind.linear and kind.pointwise and len(kind.states) == len(carried(kernel)) == 1


def _scan(phase: Phase) -> Scan:
    (kernel,) = phase.kernels
    assert isinstance(kernel, Tile)
    ((_, following, _),) = carried(kernel)
    (state,) = phase.recurrence.states if phase.recurrence else ("",)
    factors, starts = (
        Buffer(f"{what} {state}", following.shape, Varies.STEP, Extent.PIECES, Role.WORK)
        for what in ("factors", "starts")
    )
    return Scan(factors, starts)


def next_alone(kernel: Tile) -> Closure:
    """The part of a kernel's closure that its one state's next value needs."""
    ((_, following, _),) = carried(kernel)
    needed = {following.id}
    body: list[Node] = []
    for node in reversed(kernel.closure.body):
        if node.id in needed:
            body.append(node)
            needed |= {x.id for x in node.operands}
    loads = {number: view for number, view in kernel.closure.loads.items() if number in needed}
    return Closure(kernel.closure.space, tuple(reversed(body)), loads)


def linear_nodes(closure: Closure, leaf: int) -> list[Node]:
    """The nodes of a state's next value that depend on the state, in order."""
    held, found = {leaf}, []
    for node in closure.body:
        if any(x.id in held for x in node.operands):
            assert OPS[node.op].elementwise
            held.add(node.id)
            found.append(node)
    return found
