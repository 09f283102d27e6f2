"""torch.compile: the derived loop, some steps at a time, since it unrolls time.

Whole sequences would compile for minutes (the benchmark's table of compile times says how long);
a piece of a few steps, compiled once and run again and again, is what its users do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from .contender import Contender
from .program import NoProgram
from .with_torch import MODULES, derived

if TYPE_CHECKING:
    from ..rows import Problem

CHUNK = 5  # time-steps
SIZES = ((16, 64),)  # rows and units: a row compiles for some ten seconds, so not at all sizes


def rivals(problem: Problem, threads: int) -> list[Contender]:
    """The derived loop of a row's cell, compiled when it first runs."""
    torch.set_num_threads(threads)
    row = problem.row
    if threads > 1 or row.cell in MODULES or (row.rows, row.hidden) not in SIZES:
        return []
    try:
        return [derived(problem, "torch.compile", in_chunks(CHUNK))]
    except NoProgram:
        return []


def in_chunks(steps: int) -> Callable[..., Any]:
    """Runs loops compiled, for so many steps at a time."""
    made: dict[str, Any] = {}

    def over(loop: Callable[..., Any], p: Any, z: Any, s: Any) -> Any:
        if loop.__name__ not in made:
            made[loop.__name__] = torch.compile(loop, dynamic=False)
        written = []
        for parts in zip(*(a.split(steps) for a in z), strict=True):
            results, s = made[loop.__name__](p, parts, s)
            written.append(results)
        return tuple(torch.cat(parts) for parts in zip(*written, strict=True)), s

    return over
