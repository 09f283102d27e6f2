"""Attribution to words: integrated gradients against a named baseline, and plain saliency.

Both say which input counted, not how it came through; ``routes`` says that too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..passes.supply import only
from ..runtime.arrays import REAL, ArgumentError, Array
from .decision import Decision
from .derived import derived
from .integrate import Sample, integrate, summed
from .line import Line, line, standing

AT_ONCE = 1024  # points in a call
WARNING = ("the gradient of a gated network says which input opened the gates, not which one "
           "counted: where gates are saturated it is a small part of the true effect, and often "
           "of the wrong sign")  # fmt: skip


@dataclass(frozen=True)
class Baseline:
    """What a call is compared with, and what that is called: the inputs of another call. The best
    is a real one (the sentence with another subject); zeros are no word."""

    title: str
    x: Any


@dataclass(frozen=True)
class Attribution:
    """The change of a decision against a baseline, as a sum over steps.

    ``values`` [T, B] add up to ``change`` [B] = y(x) - y(baseline), up to ``error`` [B];
    ``elements``: the same number by number of every input that differs, [T, B, *shape] by name.
    """

    values: Array
    elements: dict[str, Array]
    change: Array
    error: Array
    points: Array
    baseline: str
    title: str = ""

    def table(self, words: Sequence[str] | None = None, row: int = 0) -> str:
        """One row's parts in words; ``words`` [T]."""
        head = f"{self.title or 'change'}: {self.change[row]:.6g} against {self.baseline}"
        foot = f"error {self.error[row]:.1e}, from {self.points[row]} points"
        return "\n".join([head, *_lines(self.values[:, row], words), foot])

    def __str__(self) -> str:
        return "\n\n".join(self.table(row=row) for row in range(len(self.change)))


def integrated_gradients(
    compiled: Compiled,
    params: Mapping[str, Any],
    x: Any,
    decision: Decision,
    baseline: Baseline,
    state: Mapping[str, Any] | None = None,
    *,
    lengths: Any = None,
    tolerance: float = 1e-6,
    limit: int = 8192,
    dtype: str = "f64",
) -> Attribution:
    """What every step's input added to a decision, against a baseline: (x - baseline) times the
    mean gradient on the line between them.

    Sundararajan, Taly & Yan 2017, Axiomatic attribution for deep networks, equation 1. Arguments,
    accuracy and errors as for ``routes``.
    """
    if not isinstance(baseline, Baseline):
        raise ArgumentError("name the baseline: Baseline('the cats, ...', x)")
    way = line(compiled, params, baseline.x, x, decision, state, lengths, dtype)
    gradient = _Gradient(compiled, params, decision, way, dtype)
    found = integrate(gradient.sample, way.rows, tolerance, limit, AT_ONCE)
    values = np.sum([summed(array) for array in found.values.values()], 0)
    return Attribution(values, found.values, found.change, found.error, found.points,
                       baseline.title, decision.title)  # fmt: skip


class _Gradient:
    """The integrand: gradients at points of a line, times how far it goes."""

    def __init__(
        self, compiled: Compiled, params: Mapping[str, Any], decision: Decision, way: Line,
        dtype: str,
    ) -> None:  # fmt: skip
        self.params, self.decision, self.way, self.dtype = params, decision, way, REAL[dtype]
        self.program = derived(
            compiled, ("gradient", way.key), lambda: only(way.graph, [decision.output]), dtype
        )

    def at(self, rows: Array, places: Array) -> tuple[Array, dict[str, Array]]:
        """The decision [R] and its gradients [T, R, *shape] by name."""
        weights = self.decision.weights[:, rows].astype(self.dtype)
        y, _, pullback = self.program.vjp(
            self.params, self.way.at(rows, places), wrt=list(self.way.start),
            **self.way.options(rows),
        )  # fmt: skip
        return summed(weights * y).sum(0), pullback(weights).inputs

    def sample(self, rows: Array, places: Array) -> Sample:
        """What is integrated, at points of the line."""
        y, gradients = self.at(rows, places)
        values = {name: gradients[name] * step[:, rows] for name, step in self.way.step.items()}
        return Sample(y, np.sum([summed(a).sum(0) for a in values.values()], 0), values)


@dataclass(frozen=True)
class Saliency:
    """Gradient norms [T, B], and their warning. ``told`` [B]: what the gradient makes of the step
    to another call, as a fraction of what that truly changes; None without one."""

    values: Array
    told: Array | None = None
    title: str = ""
    warning: str = WARNING

    def table(self, words: Sequence[str] | None = None, row: int = 0) -> str:
        """One row's norms, and the warning; ``words`` [T]."""
        foot = [f"warning: {self.warning}"]
        if self.told is not None:
            foot.append(f"here it gives {100 * self.told[row]:.1f} % of the true effect")
        return "\n".join([self.title or "saliency", *_lines(self.values[:, row], words), *foot])

    def __str__(self) -> str:
        return "\n\n".join(self.table(row=row) for row in range(self.values.shape[1]))


def saliency(
    compiled: Compiled,
    params: Mapping[str, Any],
    x: Any,
    decision: Decision,
    other: Any = None,
    state: Mapping[str, Any] | None = None,
    *,
    lengths: Any = None,
    dtype: str = "f64",
) -> Saliency:
    """The norm of the gradient of a decision with respect to every step's input, [T, B].

    Not which word counted: a gate that is saturated has no gradient, however much it did. The
    gradient says which word opened the gates; of the true effect of a change it is a small part,
    and often of the wrong sign. Give another call, ``other``, and the result says what part it is
    here. For what counted: ``routes``, ``integrated_gradients``.
    """
    here = standing(compiled, params, x, decision, state, lengths, dtype)
    norms = _Gradient(compiled, params, decision, here, dtype).at(*_start(here))[1]
    values = np.sqrt(np.sum([summed(array**2) for array in norms.values()], 0))
    if other is None:
        return Saliency(values, title=decision.title)
    way = line(compiled, params, x, other, decision, state, lengths, dtype)
    gradient = _Gradient(compiled, params, decision, way, dtype)
    slope = gradient.sample(*_start(way)).slope
    ends = [gradient.at(np.arange(way.rows), np.full(way.rows, a))[0] for a in (0.0, 1.0)]
    return Saliency(values, slope / (ends[1] - ends[0]), decision.title)


def _start(way: Line) -> tuple[Array, Array]:
    """Every row of a line, at its beginning."""
    return np.arange(way.rows), np.zeros(way.rows)


def _lines(values: Array, words: Sequence[str] | None) -> list[str]:
    labels = [str(t) for t in range(len(values))] if words is None else list(words)
    wide = max(map(len, labels), default=0)
    return [f"{w.ljust(wide)}  {v:10.4g}" for w, v in zip(labels, values, strict=True)]
