"""What brings a change of the decision about: values and units, proved by giving them.

Patching asks what suffices: one value, at one step, is taken from the other input, and the part of
the change that comes with it is measured. Carriers ask what is needed: a unit is held halfway
between both inputs from the swapped step to the decision, and the part of the change that is lost
is measured, beside random units in the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..compiled import Compiled
from ..inspect import Decision, ablate, carriers, patch
from ..inspect.batch import pair
from ..train.loop import Array, Arrays
from .column import Column, Other
from .units import Units

STEPS = 24  # that are patched, at most, evenly spaced
SETS = (1, 2, 4, 8)  # units that are held together, those that carry most
CONTROLS = 20  # random sets of as many other units


@dataclass(frozen=True)
class Held:
    """Units held halfway together: the part of the change that is lost, and what is lost without
    random units instead, [controls]."""

    units: tuple[int, ...]
    lost: float
    controls: Array


@dataclass(frozen=True)
class Carrying:
    """What is lost of the change without each unit of some states, [units], and without several."""

    states: tuple[str, ...]
    lost: Array
    sets: list[Held]


@dataclass(frozen=True)
class Causes:
    """Of one swap. steps: those that are patched; patched: the part of the change that comes with
    a value there, by name [steps], and by name and unit for the units that carry most."""

    steps: tuple[int, ...]
    patched: dict[str, Array]
    units: dict[str, dict[int, Array]]
    carrying: list[Carrying]


def causes(compiled: Compiled, params: Arrays, column: Column, other: Other, names: Sequence[str],
           groups: Sequence[Units]) -> Causes | None:
    """The causes of what a swap changes; None where it does not change the decision.

    names: values to patch; groups: the units of the cell's states.
    """
    if column.decided < other.step:
        return None
    every = range(other.step, column.decided + 1)
    spaced = np.linspace(0, len(every) - 1, min(STEPS, len(every)))
    steps = tuple(every[int(at)] for at in spaced.round())
    states = tuple(state for group in groups for state in group.shapes)
    together = [states] if len(states) > 1 else []
    given = compiled, params, column.inputs, other.inputs, column.decision
    found = patch(*given, names=[*names, *together], steps=steps)
    if not found.change.any():
        return None
    both = _Both(compiled, params, column, other, float(found.change[0]), every)
    carrying = [both.carrying(tuple(group.shapes)) for group in groups]
    units = {}
    for one in carrying:
        name, most = ", ".join(one.states), one.sets[-1].units
        alone = patch(*given, names=[one.states], steps=steps, units=[(unit,) for unit in most])
        units[name] = dict(zip(most, alone.effects[name].T, strict=True))
    return Causes(steps, found.effects, units, carrying)


class _Both:
    """Both inputs as rows of a batch, and the decision for each that is above 0 where it is what
    that input makes it: its mean is half the change."""

    def __init__(self, compiled: Compiled, params: Arrays, column: Column, other: Other,
                 change: float, steps: Sequence[int]) -> None:
        self.compiled, self.params, self.steps = compiled, params, steps
        one, two = pair(compiled, params, column.inputs, other.inputs)
        self.x, self.half = one.joined(two).x, abs(change) / 2
        weights = np.sign(change) * column.decision.weights
        self.toward = Decision(column.decision.output, np.concatenate([-weights, weights], 1))

    def carrying(self, states: tuple[str, ...]) -> Carrying:
        """What is lost without each unit of these states, and without the first few."""
        ranked = carriers(self.compiled, self.params, self.x, [0, 1], self.toward, names=[states],
                          steps=self.steps)
        lost = np.zeros(len(ranked))
        lost[[one.unit for one in ranked]] = [one.margin / self.half for one in ranked]
        trace = self.compiled.trace(self.params, self.x, names=states)
        halfway = {state: trace[state].mean(1, keepdims=True) for state in states}
        sets = [self._held([one.unit for one in ranked[:size]], halfway) for size in SETS
                if size <= max(1, len(ranked) // 2)]
        return Carrying(states, lost, sets)

    def _held(self, units: Sequence[int], halfway: Arrays) -> Held:
        found = ablate(self.compiled, self.params, self.x, self.toward, names=list(halfway),
                       units=[units], mode=halfway, steps=self.steps, controls=CONTROLS)
        whole = found.whole.margin[0]
        return Held(tuple(units), float(1 - found.without.margin[0, 0] / whole),
                    1 - found.controls.margin[:, 0] / whole)
