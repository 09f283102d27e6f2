"""Units that carry a feature: which tell it apart, and, what counts, which the decision needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..runtime.arrays import ArgumentError, Array
from .batch import batch
from .decision import Decision
from .patch import groups_of
from .trials import Trial, Trials, chosen_steps, unit_count

CLEAR = 2.0  # the least |d'| at which a unit tells two labels apart at every step


@dataclass(frozen=True)
class Carrier:
    """A unit of a value (or of several, taken together), and what the decision loses without it.

    d_prime: how well it tells the labels apart, [steps] (the element that does so best, where a
    unit has several); candidate: whether by that it does at every step; accuracy: of the decisions
    without the unit; lost: accuracy that is lost; margin: mean decision that is lost.
    """

    name: str
    unit: int
    d_prime: Array
    candidate: bool
    accuracy: float
    lost: float
    margin: float


def carriers(
    compiled: Compiled, params: Mapping[str, Any], x: Any, labels: Any, decision: Decision, *,
    names: Iterable[str | Sequence[str]] | None = None, steps: Sequence[int] | None = None,
    halfway: Mapping[str, Any] | None = None, state: Mapping[str, Any] | None = None,
    lengths: Any = None,
) -> list[Carrier]:  # fmt: skip
    """Every unit of the values, the one whose loss costs the decision most first.

    labels: truth values [B], the feature of each row. steps: those between where the feature is
    read and where the decision is made (default: all). names: values, or tuples of values whose
    units belong together (an LSTM's h and c); default: each named value and state alone.

    A unit is taken away by holding it, at these steps, halfway between the means of both labels,
    so that it tells nothing (``halfway``: values of one's own, [T, B, *shape] by name or what
    broadcasts to it). The rank is by what is lost, never by d': a unit may tell the labels apart
    and be read by nobody. ``d' = (mean1 - mean0) / sqrt((var1 + var0) / 2)``; a candidate has |d'|
    above 2 and the same sign at all steps.

    Raises ArgumentError for names, steps, labels or a decision that do not fit.
    """
    groups = groups_of(compiled, names, together=False)
    rows = batch(compiled, params, x, state, lengths)
    flat = list(dict.fromkeys(name for group in groups for name in group))
    trials = Trials(compiled, params, rows, decision, flat)
    chosen, apart = chosen_steps(steps, rows), _labelled(labels, rows.rows)
    traced = trials.trace(rows)
    values = {name: (traced[name][:, apart].mean(1) + traced[name][:, ~apart].mean(1))[:, None] / 2
              for name in flat}
    values |= {name: np.asarray(given) for name, given in (halfway or {}).items()}
    whole = trials.decide([Trial()], values)[0]
    found = []
    for group in groups:
        count = unit_count(trials, group)
        told = _best([d_prime(traced[name][list(chosen)], apart) for name in group], count)
        each = trials.decide([Trial(group, chosen, (unit,)) for unit in range(count)], values)
        found += [_carrier(group, unit, told[:, unit], each[unit], whole) for unit in range(count)]
    return sorted(found, key=lambda carrier: -carrier.margin)


def d_prime(values: Array, apart: Array) -> Array:
    """How well values [T, B, *shape] tell the rows that are ``apart``, bool [B], from the others:
    [T, *shape]; infinite where they differ and never vary, 0 where they never differ."""
    values = np.asarray(values, np.float64)
    one, other = values[:, apart], values[:, ~apart]
    difference = one.mean(1) - other.mean(1)
    spread = np.sqrt((one.var(1) + other.var(1)) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(difference == 0, 0, difference / spread))


def _best(found: Sequence[Array], count: int) -> Array:
    """Of each unit the element whose least |d'| is largest, [steps, units]."""
    joined = np.concatenate([each.reshape(len(each), count, -1) for each in found], 2)
    least = np.abs(joined).min(0, initial=np.inf).argmax(1)
    return np.asarray(joined[:, np.arange(count), least])


def _carrier(
    group: Sequence[str], unit: int, told: Array, decisions: Array, whole: Array
) -> Carrier:
    clear = bool((told > CLEAR).all() or (told < -CLEAR).all())
    accuracy = float((decisions > 0).mean())
    return Carrier(", ".join(group), unit, told, clear, accuracy,
                   float((whole > 0).mean()) - accuracy, float(whole.mean() - decisions.mean()))


def _labelled(labels: Any, rows: int) -> Array:
    found = np.asarray(labels)
    if found.shape != (rows,) or not np.isin(found, (0, 1)).all():
        raise ArgumentError(f"labels must be truth values, one for each of {rows} rows")
    if found.all() or not found.any():
        raise ArgumentError("labels must be of both kinds: these are all the same")
    return np.asarray(found, bool)
