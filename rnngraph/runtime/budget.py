"""How long the segments of a call are (see ``segments``): as told, or as a budget allows."""

from __future__ import annotations

from math import ceil, isqrt
from typing import Any

import numpy as np

from ..schedule.addresses import elements
from ..schedule.cost import CHUNK_ROWS
from .arguments import Call
from .arrays import ArgumentError
from .executable import Executable, Session
from .segments import Segments, whole_of

AUTO = "auto"
# time-steps times rows of a segment, below which sums over time and the comparison of weights
# take long beside the rest
ENOUGH_ROWS = 4 * CHUNK_ROWS
Kept = Session | Segments


def opened(program: Executable, call: Call, every: Any = None, budget: Any = None) -> Kept:
    """A call to be pulled back: it keeps everything, or just the states between segments.

    ``every`` and ``budget`` as for ``segment_length``; neither: everything.
    """
    arguments = call.given, call.initial, call.steps, call.rows
    if every is None and budget is None:
        return program.open(*arguments)
    program.machine  # noqa: B018  compiles, so that the layout is there
    return Segments(program, *arguments, segment_length(program, *arguments[2:], every, budget))


def segment_length(
    program: Executable, steps: int, rows: int, every: Any = None, budget: Any = None
) -> int:
    """Steps of a segment: ``every``; where that is "auto", the root of all steps, but enough that
    a segment is worth its overhead; or the longest for which ``budget`` bytes will do.

    Raises ArgumentError for anything else, and for a budget that is too small for any length.
    """
    if every is not None and budget is not None:
        raise ArgumentError("give checkpoint_every or memory_budget, not both")
    if budget is not None:
        return _longest(program, steps, rows, _positive(budget, "memory_budget", "bytes"))
    if isinstance(every, str) and every == AUTO:
        return max(isqrt(max(steps - 1, 0)) + 1, ceil(ENOUGH_ROWS / max(rows, 1)))
    return _positive(every, "checkpoint_every", f"steps, or '{AUTO}'")


def _positive(value: Any, name: str, unit: str) -> int:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ArgumentError(f"{name} must be a positive integer of {unit}, not {value!r}")
    return int(value)


def bytes_needed(program: Executable, steps: int, rows: int, length: int) -> int:
    """Bytes that a call in segments takes beyond what is the caller's: inputs, outputs,
    cotangents and gradients."""
    inner = [b for b in program.kept if b.name not in whole_of(program)]
    hosts = [b for b in program.work if b.name not in program.schedule.memory]
    work = sum(elements(b, length, rows) for b in [*hosts, *inner])
    borders = (ceil(steps / length) + 2) * rows * sum(b.size for b in inner)
    return (work + borders) * program.dtype.itemsize


def _longest(program: Executable, steps: int, rows: int, budget: int) -> int:
    """The longest segments within a budget: what is needed falls to the shortest sensible
    length, as there are fewer borders, and rises from there on."""
    def needs(length: int) -> int:
        return bytes_needed(program, steps, rows, length)

    most = max(steps, 1)
    least = min(_candidates(most), key=needs)
    if needs(least) > budget:
        raise ArgumentError(f"memory_budget of {budget} bytes is too small: {steps} steps of "
                            f"{rows} rows need at least {needs(least)}")  # fmt: skip
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if needs(middle) <= budget else (least, middle - 1)
    return least


def _candidates(most: int) -> list[int]:
    """Lengths, each about a sixteenth longer than the one before."""
    found = [1]
    while found[-1] < most:
        found.append(min(most, found[-1] + max(1, found[-1] // 16)))
    return found
