"""The unit that carries the number, found by taking the number out of each and asking for the verb.

A unit tells nothing of the number when it is held, at every word, halfway between its values for
the sentence and for the same sentence about a subject of the other number. The rank is by what the
model loses (the margin by which it prefers the right form), never by how well a value tells
singular from plural: a value may well tell the number and not be read by anybody. (Held at zero, a
unit that is needed for other reasons, and is the same in both, would be taken for a carrier.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..compiled import Compiled
from ..inspect import ablate
from ..tasks.agreement import Sentences
from ..train.loop import Array, Arrays
from .units import Units


@dataclass(frozen=True)
class Carrier:
    """The unit whose loss costs most.

    accuracy: of the whole model; without: float [units], of the model without each unit.
    """

    units: Units
    unit: int
    accuracy: float
    without: Array

    @property
    def lost(self) -> float:
        """What the model loses without the unit."""
        return self.accuracy - float(self.without[self.unit])

    @property
    def others(self) -> float:
        """The median accuracy without one of the other units (nan if there is none)."""
        rest = np.delete(self.without, self.unit)
        return float(np.median(rest)) if len(rest) else float("nan")


def find_carrier(model: Compiled, params: Arrays, sentences: Sentences, groups: Sequence[Units]
                 ) -> Carrier:
    """The carrying unit of a language model among all groups, by its decisions on `sentences`."""
    halfway = halfway_values(model, params, sentences, [s for g in groups for s in g.shapes])
    found = [ablate(model, params, sentences.inputs, sentences.decision, names=group.shapes,
                    units="each", mode=halfway, controls=0) for group in groups]
    best = min(range(len(groups)), key=lambda at: found[at].without.margin.min())
    unit = int(found[best].without.margin[:, 0].argmin())
    return Carrier(groups[best], unit, float(found[best].whole.accuracy[0]),
                   found[best].without.accuracy[:, 0])


def halfway_values(model: Compiled, params: Arrays, sentences: Sentences, states: Iterable[str]
                   ) -> Arrays:
    """Of each state the mean over both versions of each sentence, [T-1, B, *shape]."""
    names = tuple(states)
    one, other = (model.trace(params, version.inputs, names=names)
                  for version in (sentences, sentences.turned))
    return {name: (one[name] + other[name]) / 2 for name in names}
