"""The unit that carries the number, found by taking the number out of each and asking for the verb.

A unit tells nothing of the number when it is held, at every word, halfway between its values for
the sentence and for the same sentence about a subject of the other number. All units are tried as
rows of a few large batches. The rank is by what the model loses (the margin by which it prefers
the right form), never by how well a value tells singular from plural: a value may well tell the
number and not be read by anybody. (Held at zero, a unit that is needed for other reasons, and is
the same in both, would be taken for a carrier.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..compiled import Compiled
from ..passes.hold import FILL, KEEP
from ..tasks.agreement import Sentences
from ..train.loop import LOGITS, Array, Arrays, Model
from .units import Units

ROWS = 4096  # batch rows in one run


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


def find_carrier(held: Model, params: Arrays, sentences: Sentences, groups: Sequence[Units],
                 halfway: Mapping[str, Array]) -> Carrier:
    """The carrying unit among all groups, by accuracy on `sentences`.

    held: the language model after `hold`; halfway: of each state the values that tell nothing of
    the number, [T-1, B, *shape].
    """
    ablation = _Ablation(held, params, sentences, groups, halfway)
    found = [ablation.without_each(group) for group in groups]
    best = min(range(len(groups)), key=lambda at: found[at][1].min())
    accuracies, margins = found[best]
    return Carrier(groups[best], int(margins.argmin()), ablation.whole(), accuracies)


def halfway_values(model: Compiled, params: Arrays, sentences: Sentences, states: Iterable[str]
                   ) -> Arrays:
    """Of each state the mean over both versions of each sentence, [T-1, B, *shape]."""
    names = tuple(states)
    one, other = (model.trace(params, version.inputs, names=names)
                  for version in (sentences, sentences.turned))
    return {name: (one[name] + other[name]) / 2 for name in names}


@dataclass(frozen=True)
class _Ablation:
    held: Model
    params: Arrays
    sentences: Sentences
    groups: Sequence[Units]
    halfway: Mapping[str, Array]

    def whole(self) -> float:
        """Accuracy with nothing held."""
        return float(self._measure(self._nothing_held(1), 1)[0, 0])

    def without_each(self, group: Units) -> Array:
        """Accuracy and mean margin, [2, units], without each unit of the group."""
        parts = []
        for units in _chunks(group.count, max(1, ROWS // len(self.sentences))):
            inputs = self._nothing_held(len(units))
            for state in group.shapes:
                for copy, unit in enumerate(units):
                    self._hold(inputs, state, copy, unit)
            parts.append(self._measure(inputs, len(units)))
        return np.concatenate(parts, 1)

    def _nothing_held(self, copies: int) -> Arrays:
        steps, rows = len(self.sentences.tokens) - 1, copies * len(self.sentences)
        shapes = {name: shape for group in self.groups for name, shape in group.shapes.items()}
        return {f"{mark}({name})": make((steps, rows, *shape), np.float32)
                for mark, make in ((KEEP, np.ones), (FILL, np.zeros))
                for name, shape in shapes.items()}

    def _hold(self, inputs: Arrays, state: str, copy: int, unit: int) -> None:
        """Hold a unit of a state in one copy of the sentences."""
        rows = slice(copy * len(self.sentences), (copy + 1) * len(self.sentences))
        keep, fill = inputs[f"{KEEP}({state})"][:, rows], inputs[f"{FILL}({state})"][:, rows]
        halfway = self.halfway[state]
        if halfway.ndim > 2:  # not a state of no axis, which is one unit
            keep, fill, halfway = keep[:, :, unit], fill[:, :, unit], halfway[:, :, unit]
        keep[...], fill[...] = 0, halfway

    def _measure(self, inputs: Arrays, copies: int) -> Array:
        """Accuracy and mean margin, [2, copies], of copies of the sentences in one batch."""
        repeated = self.sentences[np.tile(np.arange(len(self.sentences)), copies)]
        y, _ = self.held.run(self.params, repeated.inputs | inputs, outputs=(LOGITS,))
        margin = repeated.margin(y[LOGITS]).reshape(copies, -1)
        return np.stack([(margin > 0).mean(1), margin.mean(1)])


def _chunks(count: int, size: int) -> Iterator[range]:
    for start in range(0, count, size):
        yield range(start, min(start + size, count))
