"""The unit that carries the number, found by holding each unit at zero and asking for the verb.

A unit is an index along the first axis of a state; states with the same first size (the h and c of
an LSTM) share their units. All units are tried as rows of a few large batches. The rank is by what
is lost without the unit, never by how well its value tells singular from plural: a value may well
tell the number and not be read by anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..graph import Graph
from ..sizes import Size, SizeError
from ..tasks.agreement import Sentences
from ..train.loop import LOGITS, WEIGHT, Arrays, Model

ROWS = 4096  # batch rows in one run


@dataclass(frozen=True)
class Units:
    """The `count` units that some states share; `shapes` are the states' shapes as numbers.

    `size` is their first dimension as the cell's text has it, a symbol or a number.
    """

    size: int | Size
    count: int
    shapes: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Carrier:
    """The unit whose loss costs most.

    accuracy: of the whole model; without: float [units], of the model without each unit.
    """

    units: Units
    unit: int
    accuracy: float
    without: np.ndarray

    @property
    def others(self) -> float:
        """The median accuracy without one of the other units."""
        rest = np.delete(self.without, self.unit)
        return float(np.median(rest)) if len(rest) else float("nan")


def units_of(graph: Graph, sizes: Mapping[str, int]) -> list[Units]:
    """The groups of units of a cell's step graph. Raises ValueError for a cell without a state."""
    groups: dict[int | Size, dict[str, tuple[int, ...]]] = {}
    for name, state in graph.states.items():
        shape = tuple(bound(dim, sizes) for dim in state.leaf.shape)
        size = state.leaf.shape[0] if shape else 1
        groups.setdefault(size, {})[name] = shape
    if not groups:
        raise ValueError(f"cell {graph.title} has no state, so no unit of it can carry anything")
    return [Units(size, bound(size, sizes), shapes) for size, shapes in groups.items()]


def bound(dim: int | Size, sizes: Mapping[str, int]) -> int:
    """A dimension as a number. Raises SizeError if `sizes` leaves a symbol of it open."""
    number = dim.bind(sizes) if isinstance(dim, Size) else dim
    if isinstance(number, Size):
        raise SizeError(f"size {number} has no value")
    return number


def find_carrier(held: Model, params: Arrays, sentences: Sentences, groups: Sequence[Units],
                 keep: Mapping[str, str]) -> Carrier:
    """The carrying unit among all groups, by accuracy on `sentences`.

    held: the language model with a mask for each state; keep[state] is the name of the context
    [B, *shape of the state] that multiplies it (1 keeps, 0 holds at zero).
    """
    whole = _accuracy(held, params, sentences, _masks(groups, keep, len(sentences)), 1)[0]
    found = [_without_each(held, params, sentences, groups, group, keep) for group in groups]
    best = min(range(len(groups)), key=lambda at: found[at].min())
    return Carrier(groups[best], int(found[best].argmin()), whole, found[best])


def _without_each(held: Model, params: Arrays, sentences: Sentences, groups: Sequence[Units],
                  group: Units, keep: Mapping[str, str]) -> np.ndarray:
    parts = []
    for units in _chunks(group.count, max(1, ROWS // len(sentences))):
        masks = _masks(groups, keep, len(units) * len(sentences))
        for state in group.shapes:
            for at, unit in enumerate(units):
                rows = slice(at * len(sentences), (at + 1) * len(sentences))
                mask = masks[keep[state]]
                mask[(rows, unit) if mask.ndim > 1 else (rows,)] = 0
        parts.append(_accuracy(held, params, sentences, masks, len(units)))
    return np.concatenate(parts)


def _masks(groups: Sequence[Units], keep: Mapping[str, str], rows: int) -> Arrays:
    return {keep[state]: np.ones((rows, *shape), np.float32)
            for group in groups for state, shape in group.shapes.items()}


def _accuracy(held: Model, params: Arrays, sentences: Sentences, masks: Arrays, copies: int
              ) -> np.ndarray:
    """Accuracy [copies] of as many copies of the sentences, side by side in one batch."""
    repeated = sentences[np.tile(np.arange(len(sentences)), copies)]
    dtype = next(iter(params.values())).dtype
    inputs = repeated.next_word
    inputs[WEIGHT] = inputs[WEIGHT].astype(dtype)
    y, _ = held.run(params, inputs | {name: mask.astype(dtype) for name, mask in masks.items()})
    return repeated.right(y[LOGITS]).reshape(copies, -1).mean(1)


def _chunks(count: int, size: int) -> Iterator[range]:
    for start in range(0, count, size):
        yield range(start, min(start + size, count))
