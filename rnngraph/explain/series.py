"""Rows of numbers as columns: steps are times, others are the neighbouring rows.

The decision is an element of an output at the last step; what might have been is another row, read
in its place up to a step, or whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..compiled import Compiled
from ..graph import Graph
from ..inspect import Decision
from ..train.loop import Array, Arrays
from .column import Column, Other


def series_columns(compiled: Compiled, x: Arrays, *, rows: Sequence[int] | None = None,
                   output: str | None = None, element: int = 0, times: Sequence[str] = (),
                   names: Sequence[str] = ()) -> list[Column]:
    """Columns for rows of arrays.

    x: inputs [T, B, ...] and contexts [B, ...] by name. rows: which of the B (default: the first
    four); output: the output that is explained (default: the first), of which `element` (of a
    vector) at the last step is the decision; times: what the steps are called (default: 0, 1,
    ...); names: what the rows are called. Each row is compared with the next of the chosen ones,
    read in its place for the first half of the time, or for all of it.
    Raises ValueError for rows, an output or names that do not fit.
    """
    if (first := next((name for name in compiled.graph.inputs if name in x), None)) is None:
        raise ValueError(f"give the inputs {', '.join(compiled.graph.inputs)} by name")
    steps, count = np.asarray(x[first]).shape[:2]
    chosen = list(range(min(4, count))) if rows is None else list(rows)
    name = output or next(iter(compiled.graph.outputs))
    _check(compiled, chosen, count, name, times, steps, names)
    shape = compiled.graph.outputs[name].shape
    if not 0 <= element < int(np.prod(shape, initial=1)):
        raise ValueError(f"there is no number {element} of '{name}', which has "
                         f"{int(np.prod(shape, initial=1))} numbers a step")
    weights = np.zeros((steps, 1, *shape))
    weights.reshape(steps, -1)[-1, element] = 1
    title = f"{name}{[element] if shape else ''} at the end"
    labels = list(times) or [str(t) for t in range(steps)]
    called = [names[i] if names else f"row {row}" for i, row in enumerate(chosen)]
    read = [_row(compiled.graph, x, row) for row in chosen]
    columns = []
    for at, row in enumerate(chosen):
        following = (at + 1) % len(chosen)
        others = [] if chosen[following] == row else _others(
            compiled.graph, read, (at, following), called[following], labels)
        columns.append(Column(called[at], labels, read[at], Decision(name, weights, title),
                              steps - 1, (title,), others))
    return columns


def _others(graph: Graph, read: Sequence[Arrays], rows: tuple[int, int], called: str,
            labels: Sequence[str]) -> list[Other]:
    """The second row in place of the first: for the first half of the time, and all of it."""
    half, source = len(labels) // 2, rows[1]
    own, other = (read[row] for row in rows)
    mixed = {name: np.concatenate([other[name][:half], value[half:]])
             if name in graph.inputs else value for name, value in own.items()}
    found = [_other(own, called, other, source)]
    if half:
        found = [_other(own, f"{called} before {labels[half]}", mixed, source), *found]
    return found


def _other(own: Arrays, called: str, inputs: Arrays, source: int) -> Other:
    """The steps from the first to the last at which the inputs differ are swapped (all of them,
    where contexts do)."""
    differs = [(value != inputs[name]).reshape(len(value), -1).any(1)
               for name, value in own.items()]  # contexts are of one row, so of one element
    changed = np.flatnonzero(np.any(np.broadcast_arrays(*differs), 0))
    first, last = (int(changed[0]), int(changed[-1])) if len(changed) else (0, 0)
    return Other(first, called, inputs, last, source)


def _row(graph: Graph, x: Arrays, row: int) -> Arrays:
    return {name: np.asarray(value)[:, row:row + 1] if name in graph.inputs
            else np.asarray(value)[row:row + 1] for name, value in x.items()}


def _check(compiled: Compiled, rows: Sequence[int], count: int, output: str, times: Sequence[str],
           steps: int, names: Sequence[str]) -> None:
    wrong = [row for row in rows if not 0 <= row < count]
    if wrong or not rows:
        raise ValueError(f"there is no row {wrong[0] if wrong else ''}; there are 0 to {count - 1}")
    if output not in compiled.graph.outputs:
        known = ", ".join(compiled.graph.outputs)
        raise ValueError(f"no output is named '{output}'; this cell gives {known}")
    if times and len(times) != steps:
        raise ValueError(f"times are {len(times)}, expected one for each of {steps} steps")
    if names and len(names) != len(rows):
        raise ValueError(f"names are {len(names)}, expected one for each of {len(rows)} rows")


def only_array(compiled: Compiled, x: Array) -> Arrays:
    """The inputs by name, from one array [T, B, ...] for a cell that reads one."""
    inputs = [*compiled.graph.inputs, *compiled.graph.contexts]
    if len(inputs) != 1:
        raise ValueError(f"the cell reads {', '.join(inputs)}: give arrays by name (.npz)")
    return {inputs[0]: x}
