"""Swapping one input for another: what changed, in which value, unit and step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..graph import Varies
from ..passes.override import overridable
from ..runtime.arrays import Array
from .batch import pair


@dataclass(frozen=True)
class Change:
    """The largest change of one element of a value: at which step and row, and by how much."""

    name: str
    unit: tuple[int, ...]
    step: int
    row: int
    by: float


@dataclass(frozen=True)
class Swap:
    """Every named value for ``x`` and for ``other``, and their difference (other - x), all by name
    and [T, B, *shape]; ``outputs`` is the difference of the outputs."""

    before: dict[str, Array]
    after: dict[str, Array]
    difference: dict[str, Array]
    outputs: dict[str, Array]

    def ranked(self) -> list[Change]:
        """Elements of values by their largest change over steps and rows, largest first."""
        found = [_largest(name, unit, difference[(..., *unit)])
                 for name, difference in self.difference.items() if difference.size
                 for unit in np.ndindex(difference.shape[2:])]
        return sorted(found, key=lambda change: -abs(change.by))


def swap(
    compiled: Compiled, params: Mapping[str, Any], x: Any, other: Any,
    state: Mapping[str, Any] | None = None, lengths: Any = None,
) -> Swap:  # fmt: skip
    """What changes when ``other`` is read for ``x``: one word, or all of an aligned sentence.

    Both run as rows of one batch, so the difference is exactly 0 before the first step at which
    they differ. Raises ArgumentError where ``other`` has not the steps and rows of ``x``.
    """
    one, two = pair(compiled, params, x, other, state, lengths)
    both, graph = one.joined(two), compiled.graph
    names = [name for name in overridable(graph) if name in compiled.named]
    outputs = [name for name, node in graph.outputs.items()
               if node.dtype == "real" and node.varies is Varies.STEP]
    traced = compiled.trace(params, both.x, **both.options, names=names)
    y, _ = compiled.run(params, both.x, **both.options, outputs=outputs) if outputs else ({}, {})
    before, after = ({name: value[:, half] for name, value in traced.items()}
                     for half in (slice(one.rows), slice(one.rows, None)))
    difference = {name: after[name] - before[name] for name in traced}
    changed = {name: value[:, one.rows :] - value[:, : one.rows] for name, value in y.items()}
    return Swap(before, after, difference, changed)


def _largest(name: str, unit: tuple[int, ...], difference: Array) -> Change:
    """Of the difference of one element, [T, B]."""
    step, row = np.unravel_index(int(np.abs(difference).argmax()), difference.shape)
    return Change(name, unit, int(step), int(row), float(difference[step, row]))
