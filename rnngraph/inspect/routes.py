"""Routes: which earlier input changed a later decision, through which equation.

Two calls, ``x`` and ``other``, differ in some inputs, and so in a decision y. Cut time before any
step: what came before reaches y only through the old states, and these are read by equations. Along
the line from x to other, the derivative of y is a sum over these reads,

    dy = sum over k of  <d y / d read(s, k) [cut],  tangent of the old state s>

since a directional derivative is linear in the reads. Integrated over the line, the routes of every
cut add up to y(other) - y(x): exactly, for any cell. It is integrated gradients (Sundararajan, Taly
& Yan 2017) between two real inputs, split where the states are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..graph import Graph
from ..passes.reads import CARRY, read, reads
from ..passes.supply import only
from ..runtime.arrays import REAL, Array
from .decision import Decision
from .derived import derived
from .integrate import Integral, Sample, integrate, summed
from .line import Line, line
from .steps import following, with_following

LATER, EARLIER = "later inputs", "earlier outputs"
NUMBERS = 1 << 20  # of one state over all steps, in the points of one call


@dataclass(frozen=True)
class Routes:
    """The change of a decision, split at every cut.

    ``names``: the equations that read old states ("carry" for the states' own), then LATER, what
    the cut's step and those after it read of the changed inputs, and EARLIER, what was decided
    before the cut. ``values`` [T, routes, B]: of the change through each route at the cut before
    every step; their sum over routes is ``change`` [B] at every cut, up to ``error`` [B] (of which
    all pieces' absolute errors are the sum). ``units``: the same by route and state, unit by unit,
    [T, B, *shape]. ``points`` [B] of the line were evaluated.
    """

    names: tuple[str, ...]
    values: Array
    units: dict[str, dict[str, Array]]
    change: Array
    error: Array
    points: Array
    title: str = ""

    def share(self, name: str) -> Array:
        """The part of the change that goes through a route, [T, B], as a fraction."""
        part: Array = self.values[:, self.names.index(name)] / self.change
        return part

    def table(self, words: Sequence[str] | None = None, row: int = 0) -> str:
        """The routes of one row in percent of its change, a line for every cut; ``words`` [T]."""
        used = [k for k, name in enumerate(self.names) if np.any(self.values[:, k, row])]
        heads = [self.names[k] for k in used]
        labels = [str(t) for t in range(len(self.values))] if words is None else list(words)
        wide = max([len("before"), *map(len, labels)])
        lines = [f"{self.title or 'change'}: {self.change[row]:.6g}, in percent"]
        lines.append("  ".join(["before".ljust(wide), *(h.rjust(7) for h in heads)]))
        for word, values in zip(labels, self.values[:, used, row], strict=True):
            cells = (self._percent(v, row).rjust(max(7, len(h)))
                     for v, h in zip(values, heads, strict=True))  # fmt: skip
            lines.append("  ".join([word.ljust(wide), *cells]))
        lines.append(f"error {self.error[row]:.1e}, from {self.points[row]} points")
        return "\n".join(lines)

    def _percent(self, value: float, row: int) -> str:
        change = self.change[row]
        return f"{100 * value / change:.1f}" if change else f"{value:.3g}"

    def __str__(self) -> str:
        return "\n\n".join(self.table(row=row) for row in range(len(self.change)))


def routes(
    compiled: Compiled,
    params: Mapping[str, Any],
    x: Any,
    other: Any,
    decision: Decision,
    state: Mapping[str, Any] | None = None,
    *,
    lengths: Any = None,
    tolerance: float = 1e-6,
    limit: int = 8192,
    dtype: str = "f64",
) -> Routes:
    """How the difference between ``x`` and ``other`` reaches a decision, at every cut.

    Inputs [T, B, ...] as for ``run``, one pair of sequences a row; both begin with ``state`` [B,
    ...]. Words (integers) go through the row of the embedding. The line gets more points until the
    error is below ``tolerance`` times the change, or ``limit`` points of a row are used; ``dtype``
    is what is computed in. Raises ArgumentError where the calls do not fit or do not differ,
    and ValueError where a changed integer looks something up that reads a state.
    """
    way = line(compiled, params, x, other, decision, state, lengths, dtype)
    split = _Split(compiled, params, decision, way, dtype)
    found = integrate(split.sample, way.rows, tolerance, limit, split.at_once)
    return split.result(found)


class _Split:
    """The integrand: the derivative along a line, by route, state, unit and cut."""

    def __init__(
        self, compiled: Compiled, params: Mapping[str, Any], decision: Decision, way: Line,
        dtype: str,
    ) -> None:  # fmt: skip
        self.params, self.decision, self.way = params, decision, way
        self.dtype = REAL[dtype]
        self.nexts = {name: following(name) for name in compiled.graph.states}
        self.forward = derived(compiled, ("tangents", way.key), self._with_nexts, dtype)
        self.back = derived(compiled, ("reads", way.key), self._with_reads, dtype)
        self.reads = _reads_of(self.back.graph)
        self.wrt = [*(read(s, k) for k, s in self.reads), *way.start]

    def _with_nexts(self) -> Graph:
        return with_following(self.way.graph, (self.decision.output,))

    def _with_reads(self) -> Graph:
        return reads(only(self.way.graph, [self.decision.output]))

    @property
    def at_once(self) -> int:
        """How many points a call takes."""
        leaves = (state.leaf for state in self.forward.graph.states.values())
        width = max((int(np.prod(leaf.shape)) for leaf in leaves), default=1)
        return NUMBERS // max(1, len(self.decision.weights) * width)

    def sample(self, rows: Array, places: Array) -> Sample:
        """The integrand at points of the line."""
        x, options = self.way.at(rows, places), self.way.options(rows)
        weights = self.decision.weights[:, rows].astype(self.dtype)
        moves = {name: step[:, rows] for name, step in self.way.step.items()}
        outputs = [self.decision.output, *self.nexts.values()]
        y, dy, _, _ = self.forward.jvp(self.params, x, dx=moves, outputs=outputs, **options)
        gradients = self._gradients(x, weights, options)
        decided = summed(weights * dy[self.decision.output])
        values = {}
        for route, state in self.reads:
            old = _delayed(dy[self.nexts[state]])
            values[read(state, route)] = gradients[read(state, route)] * old
        moved = np.sum([summed(gradients[name] * move) for name, move in moves.items()], 0)
        values[LATER] = np.cumsum(moved[::-1], 0)[::-1]
        values[EARLIER] = np.cumsum(decided, 0) - decided
        total = summed(weights * y[self.decision.output]).sum(0)
        return Sample(total, decided.sum(0), values)

    def _gradients(
        self, x: dict[str, Any], weights: Array, options: dict[str, Any]
    ) -> dict[str, Array]:
        lead = weights.shape[:2]
        graph = self.back.graph
        still = {shape: np.zeros((*lead, *shape), weights.dtype)
                 for shape in {graph.inputs[read(s, k)].shape for k, s in self.reads}}  # fmt: skip
        zeros = {n: still[graph.inputs[n].shape] for n in self.wrt if n not in x}
        _, _, pullback = self.back.vjp(
            self.params, {**x, **zeros}, outputs=[self.decision.output], wrt=self.wrt, **options
        )
        return pullback(weights).inputs

    def result(self, found: Integral) -> Routes:
        units: dict[str, dict[str, Array]] = {}
        for route, state in self.reads:
            units.setdefault(route, {})[state] = found.values[read(state, route)]
        parts = {route: sum(summed(array) for array in by_state.values())
                 for route, by_state in units.items()}  # fmt: skip
        parts |= {name: found.values[name] for name in (LATER, EARLIER)}
        values = np.stack(list(parts.values()), 1)
        return Routes(tuple(parts), values, units, found.change, found.error, found.points,
                      self.decision.title)  # fmt: skip


def _reads_of(graph: Graph) -> list[tuple[str, str]]:
    """(route, state) of every read of a graph that ``reads`` made: first the carry."""
    routes = dict.fromkeys([CARRY, *graph.names, *graph.outputs])
    return [(k, s) for k in routes for s in graph.states if read(s, k) in graph.inputs]


def _delayed(array: Array) -> Array:
    """A state's tangent before every step, from that after it; the initial state does not move."""
    return np.concatenate([np.zeros_like(array[:1]), array[:-1]])
