"""What becomes of the decisions without a unit: the table of ablations of a report.

Every model has one: each unit alone is held at its mean over all columns, and each column's
decision is taken again. Where a task says what is right, as the agreement language does, there is
a better one: the share of right decisions over many sentences, by condition (agreement.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..compiled import Compiled
from ..graph import Graph
from ..inspect import Ablation, Decision, ablate
from ..train.loop import Array, Arrays
from .column import Column
from .units import Units, units_of


@dataclass(frozen=True)
class Ablated:
    """Each unit of some states alone.

    by: what the scores say, "accuracy" (a share of right decisions) or "decision" (a column's);
    effect: how much each unit matters, [units]; held: what stood for it, in words.
    """

    units: Units
    found: Ablation
    by: str
    effect: Array
    held: str


def column_ablation(compiled: Compiled, params: Arrays, graph: Graph, columns: Sequence[Column]
                    ) -> Ablated:
    """Each unit alone held at its mean, of the group of units that matters most.

    graph: of the cell alone, sizes bound. The effect is the mean change of the decisions, without
    sign.
    """
    x, lengths, decision = side_by_side(compiled.graph, columns)
    found = []
    for group in units_of(graph):
        ablation = ablate(compiled, params, x, decision, names=group.shapes, units="each",
                          mode="mean", conditions=range(len(columns)), lengths=lengths, controls=0)
        moved = np.abs(ablation.without.margin - ablation.whole.margin).mean(1)
        named = replace(ablation, conditions=[column.title for column in columns])
        found.append(Ablated(group, named, "decision", moved, "at its mean over all columns"))
    return max(found, key=lambda one: float(one.effect.max()))


def side_by_side(graph: Graph, columns: Sequence[Column]) -> tuple[Arrays, Array, Decision]:
    """The columns as rows of one batch, their lengths, and the decisions about each.

    What is past a column's end counts for nothing: its last step stands there.
    """
    lengths = np.array([len(column.labels) for column in columns])
    longest = int(lengths.max())
    x = {name: np.concatenate([value if name in graph.contexts else _padded(value, longest)
                               for value in values], 0 if name in graph.contexts else 1)
         for name, values in _by_name(columns).items()}
    weights = np.concatenate([_padded(column.decision.weights, longest, "constant")
                              for column in columns], 1)
    return x, lengths, replace(columns[0].decision, weights=weights)


def _by_name(columns: Sequence[Column]) -> dict[str, list[Array]]:
    return {name: [np.asarray(column.inputs[name]) for column in columns]
            for name in columns[0].inputs}


def _padded(value: Array, steps: int, mode: str = "edge") -> Array:
    """[T, ...] made longer along time."""
    widths = [(0, steps - len(value)), *[(0, 0)] * (value.ndim - 1)]
    return np.pad(value, widths, mode=mode)  # type: ignore[call-overload,no-any-return]
