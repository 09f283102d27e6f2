"""What it costs to look: a run that gives every gate and state, beside one that gives none.

The kernels of a trace are the run's, which also keep what they have computed, so what it costs
beyond is writing that much. That is what the last contender does: copy as many bytes into arrays of
the same kind. A program that has been traced runs the code that it ran before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from ..runtime.arrays import Array
from .measure import alternate, typical
from .measured import Figures
from .rows import BUILT_IN, Problem, Row, compiled, problem

ROWS = ((1, 256, 1000), (16, 64, 100), (16, 256, 100))  # B, H, T


def trace_costs(cells: Sequence[str], peers: Sequence[str]) -> Iterator[Figures]:
    """Seconds of a step by what is asked of it: a run, a run of a program that was traced, a trace
    of every gate and state, and copying as much as the trace keeps. Peers have no gates to show.
    """
    for cell in cells or BUILT_IN:
        for rows, hidden, steps in ROWS:
            made = problem(Row(cell, rows, hidden, training=False, steps=steps))
            times = alternate(_asked(made))
            yield Figures("trace", made.row.title.removesuffix(" forward"),
                          {name: typical(each) / steps for name, each in times.items()})


def _asked(made: Problem) -> dict[str, Callable[[], object]]:
    traced, untraced = made.compiled, compiled(made.row.cell, made.row.hidden)
    kept = traced.trace(made.params, made.x)
    params = traced.freeze(made.params)  # as forward rows do
    return {
        "run": lambda: untraced.run(params, made.x),
        "run, once traced": lambda: traced.run(params, made.x),
        "trace": lambda: traced.trace(params, made.x),
        "copying as much": lambda: _copied(kept.values()),
    }


def _copied(arrays: Iterable[Array]) -> list[Array]:
    return [np.array(array) for array in arrays]
