"""Lifetimes: which scratch buffers may lie in the same memory.

A buffer lives from the first phase that writes it to the last that reads it; a buffer of a
single step, from kernel to kernel of its loop. Two buffers of one kind share memory when their
lives do not meet, or meet in one kernel that reads the old value and writes the new one at the
same place: so the cotangents of gates overwrite the gates saved for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .grammar import (
    Buffer,
    Extent,
    Kernel,
    Narrow,
    Procedure,
    Product,
    Role,
    Tile,
    Total,
    View,
    contiguous,
    term_views,
    views,
    written,
)

Place = tuple[int, int]


@dataclass
class Life:
    """Where a buffer is written and read: (phase, kernel) places, in order of execution."""

    buffer: Buffer
    writes: list[Place] = field(default_factory=list)
    reads: list[Place] = field(default_factory=list)
    procedures: set[int] = field(default_factory=set)
    elsewhere: set[Place] = field(default_factory=set)  # uses at other places than the kernel's own

    @property
    def first(self) -> Place:
        """The earliest use."""
        return min(self.writes + self.reads)

    @property
    def last(self) -> Place:
        """The latest use."""
        return max(self.writes + self.reads)


def share_memory(procedures: Sequence[Procedure]) -> tuple[dict[str, str], bool]:
    """``(memory, consumes)``: for every shared buffer, the buffer in whose memory it lies; and
    whether the second procedure overwrites what the first one saved.

    Sums over time keep memory of their own: it has to start at 0.
    """
    sums = summed(procedures)
    lives = [life for life in _lives(procedures).values() if life.buffer.name not in sums]
    memory: dict[str, str] = {}
    tenants: dict[str, list[Life]] = {}
    for life in sorted(lives, key=lambda x: (x.first, x.buffer.name)):
        host = next((name for name, held in tenants.items() if _fits(held, life)), None)
        if host is None:
            tenants[life.buffer.name] = [life]
        else:
            memory[life.buffer.name] = host
            tenants[host].append(life)
    return memory, any(_consumed(held) for held in tenants.values())


def summed(procedures: Iterable[Procedure]) -> set[str]:
    """Names of the buffers that kernels add to."""
    kernels = [k for p in procedures for phase in p.phases for k in phase.kernels]
    return {k.target.buffer.name for k in kernels if isinstance(k, Total)}


def _lives(procedures: Iterable[Procedure]) -> dict[str, Life]:
    lives: dict[str, Life] = {}
    phase_number = 0
    for number, procedure in enumerate(procedures):
        for phase in procedure.phases:
            for place, kernel in enumerate(phase.kernels):
                _note(lives, kernel, (phase_number, place), number)
            phase_number += 1
    return lives


def _note(lives: dict[str, Life], kernel: Kernel, place: Place, procedure: int) -> None:
    stores = {id(view) for view in written(kernel)}
    whole = {id(view) for view in _whole_reads(kernel)}
    for view in views(kernel):
        if view.buffer.role is not Role.WORK:
            continue
        life = lives.setdefault(view.buffer.name, Life(view.buffer))
        (life.writes if id(view) in stores else life.reads).append(place)
        life.procedures.add(procedure)
        if id(view) in whole or not _is_own_place(view):
            life.elsewhere.add(place)


def _whole_reads(kernel: Kernel) -> list[View]:
    """Windows that a kernel reads at other places than the one it writes."""
    if isinstance(kernel, Narrow):
        return [kernel.source]
    if not isinstance(kernel, Tile):
        return []
    found: list[View] = []
    for accumulator in kernel.accumulators:
        if isinstance(accumulator, Product):
            found += term_views(accumulator)
        else:
            found += accumulator.closure.loads.values()
    return found


def _is_own_place(view: View) -> bool:
    full = view.shape == view.buffer.shape and view.strides == contiguous(view.shape)
    return full and view.offset == 0 and view.shift == 0 and view.index is None


def _fits(held: list[Life], life: Life) -> bool:
    one, other = held[0].buffer, life.buffer
    alike = (one.varies, one.extent, one.size, one.dtype) == (
        other.varies, other.extent, other.size, other.dtype
    )  # fmt: skip
    return alike and all(_apart(before, life) for before in held)


def _apart(a: Life, b: Life) -> bool:
    if a.first > b.first:
        a, b = b, a
    if a.buffer.extent is Extent.ONE and a.first[0] == a.last[0] == b.first[0] == b.last[0]:
        return a.last < b.first
    if a.last[0] != b.first[0]:
        return a.last[0] < b.first[0]
    return _handed_over(a, b)


def _handed_over(a: Life, b: Life) -> bool:
    """True when one kernel reads ``a`` for the last time and writes ``b`` at the same place."""
    phase, kernel = b.first[0], b.first
    inside = [place for place in a.reads + a.writes if place[0] == phase]
    return (
        max(inside) <= kernel
        and kernel in b.writes
        and kernel not in a.elsewhere | b.elsewhere
        and not any(place[0] == phase for place in a.writes)
    )


def _consumed(held: list[Life]) -> bool:
    saved = [life for life in held if life.procedures == {0, 1}]
    return bool(saved) and sum(1 in life.procedures for life in held) > 1
