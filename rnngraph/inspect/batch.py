"""What runs read, as rows that can be chosen, repeated and joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..runtime.arguments import Arguments
from ..runtime.arrays import REAL, ArgumentError, Array

# axis of the rows in what each field holds
AXES = {"inputs": 1, "contexts": 0, "state": 0}


@dataclass(frozen=True)
class Batch:
    """B sequences of T steps: inputs [T, B, ...], contexts and first states [B, ...] by name, and
    their lengths [B] where they are not all T."""

    steps: int
    rows: int
    inputs: dict[str, Array]
    contexts: dict[str, Array]
    state: dict[str, Array]
    lengths: Array | None = None

    @property
    def x(self) -> dict[str, Array]:
        """Inputs and contexts, as a run takes them."""
        return {**self.inputs, **self.contexts}

    @property
    def options(self) -> dict[str, Any]:
        """The other arguments of a run."""
        return {"state": self.state, "lengths": self.lengths, "steps": self.steps,
                "rows": self.rows}

    @property
    def inside(self) -> Array:
        """Where sequences last, bool [T, B]."""
        return inside(self.steps, self.rows, self.lengths)

    def repeated(self, times: int) -> Batch:
        """All rows, so many times: row b of copy k is row k * B + b."""
        return self._each(lambda array, axis: np.concatenate([array] * times, axis),
                          self.rows * times)

    def joined(self, other: Batch) -> Batch:
        """The rows of this batch and then those of another."""
        parts = {field: {name: np.concatenate([array, getattr(other, field)[name]], axis)
                         for name, array in getattr(self, field).items()}
                 for field, axis in AXES.items()}
        lengths = None
        if self.lengths is not None and other.lengths is not None:
            lengths = np.concatenate([self.lengths, other.lengths])
        return Batch(self.steps, self.rows + other.rows, **parts, lengths=lengths)

    def _each(self, change: Callable[[Array, int], Array], rows: int) -> Batch:
        parts = {field: {name: change(array, axis) for name, array in getattr(self, field).items()}
                 for field, axis in AXES.items()}
        lengths = None if self.lengths is None else change(self.lengths, 0)
        return Batch(self.steps, rows, **parts, lengths=lengths)


def inside(steps: int, rows: int, lengths: Any = None) -> Array:
    """Where sequences of so many steps last, bool [T, B]."""
    ends = np.full(rows, steps) if lengths is None else np.asarray(lengths)
    return np.arange(steps)[:, None] < ends


def batch(
    compiled: Compiled, params: Mapping[str, Any], x: Any,
    state: Mapping[str, Any] | None = None, lengths: Any = None,
) -> Batch:  # fmt: skip
    """The arguments of ``compiled.run``, checked as there.

    Raises ArgumentError naming the argument, the shape expected and the shape given.
    """
    graph = compiled.graph
    call = Arguments(graph, REAL[compiled.dtype]).call(params, x, state, lengths=lengths)
    return Batch(call.steps, call.rows, {name: call.given[name] for name in graph.inputs},
                 {name: call.given[name] for name in graph.contexts}, call.initial,
                 None if lengths is None else np.asarray(lengths, np.int64))  # fmt: skip


def pair(
    compiled: Compiled, params: Mapping[str, Any], x: Any, other: Any,
    state: Mapping[str, Any] | None = None, lengths: Any = None,
) -> tuple[Batch, Batch]:  # fmt: skip
    """Two batches whose rows belong together.

    Raises ArgumentError where ``other`` has not the steps and rows of ``x``.
    """
    one = batch(compiled, params, x, state, lengths)
    two = batch(compiled, params, other, state, lengths)
    if (one.steps, one.rows) != (two.steps, two.rows):
        raise ArgumentError(f"the other input has [T, B] = {[two.steps, two.rows]}, expected "
                            f"{[one.steps, one.rows]} like the first: align the sentences")
    return one, two
