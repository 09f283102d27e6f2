"""Patching: how much of a change comes about if one value alone is taken from the other input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..runtime.arrays import Array
from .batch import pair
from .decision import Decision
from .traced import inner_names
from .trials import Trial, Trials, chosen_steps, unit_count, unit_sets


@dataclass(frozen=True)
class Patching:
    """What patching did to a decision y, when ``x`` reads values of ``other``.

    moved: by name, y(patched) - y(x), [steps, B] or [steps, sets of units, B]; change: y(other) -
    y(x), [B]; steps: those patched; units: by name the sets of units, none if all at once.
    """

    moved: dict[str, Array]
    change: Array
    steps: tuple[int, ...]
    units: dict[str, list[tuple[int, ...]]]

    @property
    def effects(self) -> dict[str, Array]:
        """The share of the change that a patch brings about, by name: [steps] or [steps, sets].

        1: all of it, 0: nothing. Of several rows it is the share of their mean change; nan where
        nothing changes.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            return {name: moved.sum(-1) / self.change.sum() for name, moved in self.moved.items()}


def patch(
    compiled: Compiled, params: Mapping[str, Any], x: Any, other: Any, decision: Decision,
    names: Iterable[str | Sequence[str]] | None = None, steps: Sequence[int] | None = None,
    units: Any = None, state: Mapping[str, Any] | None = None, lengths: Any = None,
) -> Patching:  # fmt: skip
    """The share of the decision's change from ``x`` to ``other`` that comes with a value:
    ``PE(v, t, U) = (y(x; v[t, U] := v[t, U](other)) - y(x)) / (y(other) - y(x))``.

    names: values to patch one by one; several in a tuple are patched together, and are named
    ``"h, c"`` in the result (default: every named value, every state, and, where no units are asked
    for, all states together).
    steps: those to patch, one by one (default: all). units: None for all at once, "each" for each
    alone, or sets of numbers; a unit is an index along a value's first axis.

    All patches run as rows of a few large batches. Raises ArgumentError for names, steps, units or
    a decision that do not fit.
    """
    groups = groups_of(compiled, names, together=units is None)
    one, two = pair(compiled, params, x, other, state, lengths)
    flat = list(dict.fromkeys(name for group in groups for name in group))
    trials = Trials(compiled, params, one, decision, flat)
    values = trials.trace(two)
    chosen = chosen_steps(steps, one)
    y = trials.decide([Trial()], values)[0]
    y_other = Trials(compiled, params, two, decision, flat).decide([Trial()], values)[0]
    moved, sets = {}, {}
    for group in groups:
        name = ", ".join(group)
        if units is not None:
            sets[name] = unit_sets(units, unit_count(trials, group))
        each = [Trial(group, (step,), unit) for step in chosen for unit in sets.get(name, (None,))]
        lead = (len(chosen), *([len(sets[name])] if name in sets else []))
        moved[name] = (trials.decide(each, values) - y).reshape(*lead, one.rows)
    return Patching(moved, y_other - y, chosen, sets)


def groups_of(
    compiled: Compiled, names: Iterable[str | Sequence[str]] | None, together: bool
) -> list[tuple[str, ...]]:
    """What is taken together: as named, or each value and state alone, and all states together."""
    if names is not None:
        return [(name,) if isinstance(name, str) else tuple(name) for name in names]
    states, alone = tuple(compiled.graph.states), inner_names(compiled.graph)
    all_states = [states] if together and len(states) > 1 else []
    return [*((name,) for name in alone), *all_states]
