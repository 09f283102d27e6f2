"""Ablation: what the decision loses without some units, against random units of equal number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..runtime.arrays import ArgumentError, Array, names_of
from .batch import Batch, batch
from .decision import Decision
from .trials import Trial, Trials, chosen_steps, unit_count, unit_sets

Values = Mapping[str, Array]
MODES = ("zero", "mean", "resample")


@dataclass(frozen=True)
class Scores:
    """Of decisions, by condition: the share that is right (> 0), and the mean; [..., conditions].
    """

    accuracy: Array
    margin: Array


@dataclass(frozen=True)
class Ablation:
    """Decisions with and without sets of units.

    conditions: their names; units: the sets, an empty one where it is all of them; whole: scores
    [conditions] of the whole model; without: [sets, conditions]; controls: [controls, conditions],
    without random sets of the other units, as large as the first set.
    """

    conditions: list[Any]
    units: list[tuple[int, ...]]
    whole: Scores
    without: Scores
    controls: Scores

    @property
    def lost(self) -> Array:
        """Accuracy that the model loses without each set, [sets, conditions]."""
        return np.asarray(self.whole.accuracy - self.without.accuracy)


def ablate(
    compiled: Compiled, params: Mapping[str, Any], x: Any, decision: Decision, *,
    names: Iterable[str], units: Any = None, mode: str | Mapping[str, Any] = "zero",
    steps: Sequence[int] | None = None, conditions: Sequence[Any] | None = None,
    controls: int = 20, seed: int = 0, state: Mapping[str, Any] | None = None, lengths: Any = None,
) -> Ablation:  # fmt: skip
    """What the decision loses when units of the named values hold something else.

    A decision above 0 is right (let it be logit of the right word - logit of the other).
    units: one set of numbers, several, "each" alone, or None for all; they are taken from all
    named values at once (an LSTM's h and c share them). mode: "zero"; "mean", a unit's mean over
    all rows and steps; "resample", its values for another row, at random; or values of one's own by
    name, [T, B, *shape] or what broadcasts to it. steps: where (default: everywhere).
    conditions: the condition of each row, [B] (default: one for all). controls: how many random
    sets of other units, as large as the first set, are ablated as well, at most (there may be
    fewer, or none).

    Zeroing all values that others read of a unit is zeroing its weights (Lakretz et al. 2019, The
    emergence of number and syntax units): of a state at all steps, where its first value is 0 too.

    Raises ArgumentError for names, units, steps, a mode or a decision that do not fit.
    """
    rows = batch(compiled, params, x, state, lengths)
    chosen = names_of(names, "names")
    trials = Trials(compiled, params, rows, decision, chosen)
    at, rng = chosen_steps(steps, rows), np.random.default_rng(seed)
    values = ablated_values(trials, chosen, mode, rng)
    count = unit_count(trials, chosen) if units is not None else 0
    sets = unit_sets((), 0) if units is None else unit_sets(units, count)
    others = random_sets(sets[0], count, controls, rng)

    def without(some: Sequence[tuple[int, ...] | None]) -> Array:
        return trials.decide([Trial(chosen, at, each) for each in some], values)

    labels, by_condition = _conditions(conditions, rows.rows)
    whole = trials.decide([Trial()], values)[0]
    return Ablation(labels, sets, _scores(whole, by_condition),
                    _scores(without(sets if units is not None else [None]), by_condition),
                    _scores(without(others), by_condition))  # fmt: skip


def ablated_values(
    trials: Trials, names: Sequence[str], mode: str | Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Array]:
    """What stands for the values, by name, as ``ablate`` says of the mode."""
    if isinstance(mode, Mapping):
        missing = [name for name in names if name not in mode]
        if missing:
            raise ArgumentError(f"mode gives no value for '{missing[0]}'")
        return {name: np.asarray(mode[name]) for name in names}
    if mode == "zero":
        return {name: np.zeros(()) for name in names}
    if mode not in MODES:
        raise ArgumentError(f"mode must be one of {', '.join(MODES)}, or values by name, not "
                            f"{mode!r}")
    source = _elsewhere(trials.batch, rng) if mode == "resample" else None
    traced = trials.trace(trials.batch)
    if source is None:
        return {name: traced[name][trials.batch.inside].mean(0) for name in names}
    return {name: traced[name][:, source] for name in names}


def random_sets(
    but: Sequence[int], count: int, wanted: int, rng: np.random.Generator
) -> list[tuple[int, ...]]:
    """Different random sets of the units that are not in ``but``, each as large as it."""
    rest = [unit for unit in range(count) if unit not in but]
    wanted = min(wanted, comb(len(rest), len(but))) if but else 0
    found: dict[tuple[int, ...], None] = {}
    while len(found) < wanted:
        some = rng.choice(rest, len(but), replace=False)
        found[tuple(sorted(int(unit) for unit in some))] = None
    return list(found)


def _elsewhere(batch: Batch, rng: np.random.Generator) -> Array:
    """For each row another row: a random order of all, followed by one place."""
    if batch.rows < 2:
        raise ArgumentError("to resample takes two rows or more")
    order, source = rng.permutation(batch.rows), np.empty(batch.rows, int)
    source[order] = np.roll(order, 1)
    return source


def _conditions(given: Sequence[Any] | None, rows: int) -> tuple[list[Any], Array]:
    """The conditions, and of each 1 for the rows that belong to it, [conditions, B]."""
    labels = ["all"] * rows if given is None else list(given)
    if len(labels) != rows:
        raise ArgumentError(f"conditions are {len(labels)}, expected one for each of {rows} rows")
    names = list(dict.fromkeys(labels))
    belongs = [[float(label == name) for label in labels] for name in names]
    return names, np.array(belongs).reshape(-1, rows)


def _scores(decisions: Array, by_condition: Array) -> Scores:
    """Of decisions [..., B]."""
    right, counts = (decisions > 0).astype(float), by_condition.sum(1)
    return Scores(right @ by_condition.T / counts, decisions @ by_condition.T / counts)
