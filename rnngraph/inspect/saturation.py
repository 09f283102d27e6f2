"""Saturation: how often a value is at either end of its range (Karpathy, Johnson & Fei-Fei 2015,
Visualizing and Understanding Recurrent Networks, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..graph import Node
from ..passes.override import overridable
from ..passes.pin import WINDOWS
from ..runtime.arrays import ArgumentError, Array
from .batch import inside

LEFT, RIGHT = 0.1, 0.9  # of the range
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


@dataclass(frozen=True)
class Saturation:
    """Of a value with the range [low, high], for each unit: the share of steps in which it is in
    the lowest tenth of the range (``left``), and in the highest (``right``); float [*shape]."""

    low: float
    high: float
    left: Array
    right: Array


def saturation(
    compiled: Compiled, trace: Mapping[str, Any], lengths: Any = None
) -> dict[str, Saturation]:
    """The saturation of every traced value whose outermost function has a range.

    trace: values by name, [T, B, *shape]; lengths: [B], steps beyond which do not count.
    Raises ArgumentError for an empty trace, or lengths that are not [B].
    """
    found = {}
    for name, node in overridable(compiled.graph).items():
        ends = range_of(node)
        if ends is not None and name in trace:
            values = _counted(name, np.asarray(trace[name], np.float64), lengths)
            place = (values - ends[0]) / (ends[1] - ends[0])
            found[name] = Saturation(*ends, (place < LEFT).mean(0), (place > RIGHT).mean(0))
    return found


def range_of(node: Node) -> tuple[float, float] | None:
    """The range of the outermost function: sigmoid [0, 1], tanh [-1, 1], a clipped value the
    bounds of the clip; else None."""
    while node.op in (*WINDOWS, "stop_gradient"):
        node = node.operands[0]
    return RANGES.get(node.op) or _clipped(node)


def _clipped(node: Node) -> tuple[float, float] | None:
    """The bounds of ``min(max(v, low), high)``, in either order."""
    bounds = {}
    while node.op in ("maximum", "minimum") and node.op not in bounds:
        numbers = [x.attrs["value"] for x in node.operands if x.op == "constant"]
        if not numbers:
            break
        bounds[node.op] = numbers[0]
        node = next((x for x in node.operands if x.op != "constant"), node)
    if len(bounds) < 2 or bounds["maximum"] >= bounds["minimum"]:
        return None
    return bounds["maximum"], bounds["minimum"]


def _counted(name: str, values: Array, lengths: Any) -> Array:
    """The values at the steps that count, [steps, *shape]."""
    steps, rows = values.shape[:2]
    if lengths is not None and np.shape(lengths) != (rows,):
        raise ArgumentError(f"lengths have shape {list(np.shape(lengths))}, expected [{rows}] like "
                            f"the rows of '{name}'")
    counts = inside(steps, rows, lengths)
    if not counts.any():
        raise ArgumentError(f"no step of '{name}' counts: give a trace with steps")
    return np.asarray(values[counts])
