"""Many interventions on the same sentences, as rows of a few large batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..runtime.arrays import ArgumentError, Array
from .batch import Batch
from .decision import Decision
from .override import Overridable, shared

ROWS = 4096  # batch rows in one run, at most
NUMBERS = 2**23  # and of all steps and rows of the largest array

Units = tuple[int, ...] | None


@dataclass(frozen=True)
class Trial:
    """One intervention: at these steps, these units of these values are given.

    A unit is an index along the first axis of a value (one without axes is one unit); None: all.
    """

    names: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()
    units: Units = None


class Trials:
    """A decision about B sentences, under one intervention after the other."""

    def __init__(
        self, compiled: Compiled, params: Mapping[str, Any], batch: Batch, decision: Decision,
        names: Sequence[str],
    ) -> None:  # fmt: skip
        """Raises ArgumentError for an unknown name, or a decision that does not fit the cell."""
        self.params, self.batch = params, batch
        self.overridable: Overridable = shared(compiled, names)
        decision.check(compiled.graph, batch.steps, batch.rows)
        self.decision = decision

    def decide(self, trials: Sequence[Trial], values: Mapping[str, Array]) -> Array:
        """The decision in every trial, float [trials, B].

        ``values`` hold what is given, [T, B, *shape] by name, or what broadcasts to it.
        """
        parts = [self._decide(some, values) for some in self._chunks(trials)]
        return np.concatenate(parts) if parts else np.zeros((0, self.batch.rows))

    def trace(self, batch: Batch) -> dict[str, Array]:
        """What can be given, as it is in a batch: by name [T, B, *shape]."""
        whole = self.overridable
        inputs = [name for name in whole.nodes if name not in whole.compiled.named]
        traced = whole.program.trace(self.params, whole.inputs(batch, {}), **batch.options,
                                     names=[n for n in whole.nodes if n not in inputs])
        return {**traced, **{name: batch.x[name] for name in inputs}}

    def _decide(self, trials: Sequence[Trial], values: Mapping[str, Array]) -> Array:
        copies, batch = len(trials), self.batch.repeated(len(trials))
        given = {name: self._override(name, trials, values[name])
                 for name in dict.fromkeys(n for trial in trials for n in trial.names)}
        inputs = self.overridable.inputs(batch, given)
        made, _ = self.overridable.program.run(
            self.params, inputs, **batch.options, outputs=(self.decision.output,))
        # at steps that count only
        weights = self.decision.weights
        steps = np.flatnonzero(weights.any(tuple(range(1, weights.ndim))))
        repeated = np.concatenate([weights[steps]] * copies, 1)
        counted = {name: output[steps] for name, output in made.items()}
        return replace(self.decision, weights=repeated).of(counted).reshape(copies, -1)

    def _override(self, name: str, trials: Sequence[Trial], value: Array) -> tuple[Array, Array]:
        shape = self.overridable.nodes[name].shape
        T, B = self.batch.steps, self.batch.rows
        mask = np.zeros((T, len(trials), B, *shape), bool)
        for copy, trial in enumerate(trials):
            if name in trial.names:
                units = (list(trial.units),) if trial.units is not None and shape else ()
                for step in trial.steps:
                    mask[(step, copy, slice(None), *units)] = True
        full = np.broadcast_to(value, (T, B, *shape))
        return (mask.reshape(T, -1, *shape), np.concatenate([full] * len(trials), 1))

    def _chunks(self, trials: Sequence[Trial]) -> Iterator[Sequence[Trial]]:
        graph, nodes = self.overridable.compiled.graph, self.overridable.nodes
        shapes = [node.shape for node in (*nodes.values(), graph.outputs[self.decision.output])]
        a_row = self.batch.steps * max(prod(shape) for shape in shapes)
        rows = min(ROWS, NUMBERS // max(1, a_row))
        at_once = max(1, rows // max(1, self.batch.rows))
        for start in range(0, len(trials), at_once):
            yield trials[start : start + at_once]


def chosen_steps(steps: Sequence[int] | None, batch: Batch) -> tuple[int, ...]:
    """The steps meant: all, or those given. Raises ArgumentError for one that is not there."""
    chosen = tuple(range(batch.steps)) if steps is None else tuple(int(s) for s in steps)
    for step in chosen:
        if not 0 <= step < batch.steps:
            raise ArgumentError(f"there is no step {step}; steps are 0 to {batch.steps - 1}")
    return chosen


def unit_count(trials: Trials, names: Sequence[str]) -> int:
    """How many units some values share. Raises ArgumentError if they have not equally many."""
    counts = {name: (*trials.overridable.nodes[name].shape, 1)[0] for name in names}
    if len(set(counts.values())) != 1:
        told = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise ArgumentError(f"units of values that have not equally many of them: {told}")
    return int(next(iter(counts.values())))


def unit_sets(units: Any, count: int) -> list[tuple[int, ...]]:
    """Sets of units: "each" alone, one set (of numbers), or several (of sequences of them).

    Raises ArgumentError for a unit that is not there.
    """
    if isinstance(units, str):
        if units != "each":
            raise ArgumentError(f"units are None (all), 'each' or numbers, not '{units}'")
        return [(unit,) for unit in range(count)]
    given = list(units)
    sets = [tuple(each) for each in given] if given and np.ndim(given[0]) else [tuple(given)]
    for unit in (unit for each in sets for unit in each):
        if not 0 <= unit < count:
            raise ArgumentError(f"there is no unit {unit}; units are 0 to {count - 1}")
    return sets
