"""Fixed points: states that a cell keeps under a constant input, and whether it comes back to them.

Found by minimising half the squared speed, q(S) = ||F(S, x) - S||^2 / 2, from many states at once
(Sussillo & Barak 2013, Opening the black box), by the Levenberg-Marquardt method with the exact
Jacobians of the step.

q has minima where the cell is slow but does not rest, many of them where gates are saturated. A
state from which a search ends in one is taken further by the cell itself before it is searched from
again, so that states from which the cell comes to rest lead to a fixed point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..graph import Graph
from ..runtime.arrays import REAL, ArgumentError, Array, fitted, known
from .steps import Steps, flat, following, jacobians, steps_of

DAMPING = 1e-2  # to begin with, times the identity
LIMITS = (1e-12, 1e12)
PATIENCE, GAIN = 20, 0.99  # a search ends where so many steps leave more than that of q
ONWARD = (64, 256, 1024)  # steps of the cell before another search
PIECE = 64  # of them in a call
FAR = 1e100  # from there on squares may overflow


@dataclass(frozen=True)
class FixedPoints:
    """N fixed points: ``states`` [N, *shape] by name, ``speed`` [N] q there, ``jacobians``
    [N, n, n], ``eigenvalues`` [N, n] complex, the largest first; ``found`` [N]: how many of the
    ``starts`` states led there."""

    states: dict[str, Array]
    speed: Array
    jacobians: Array
    eigenvalues: Array
    found: Array
    starts: int

    @property
    def stable(self) -> Array:
        """Whether nearby states come back, [N]: all eigenvalues inside the unit circle."""
        return np.asarray((np.abs(self.eigenvalues) < 1).all(1))

    @property
    def time_constants(self) -> Array:
        """In how many steps a mode shrinks or grows e-fold, 1 / |ln|eigenvalue||, [N, n]."""
        with np.errstate(divide="ignore"):
            return 1 / np.abs(np.log(np.abs(self.eigenvalues)))

    def __len__(self) -> int:
        return len(self.speed)

    def __str__(self) -> str:
        one = "point" if len(self) == 1 else "points"
        lines = [f"{len(self)} fixed {one}, {int(self.stable.sum())} of them stable, from "
                 f"{self.starts} states"]  # fmt: skip
        rows = zip(self.stable, self.eigenvalues, self.time_constants, self.found, strict=True)
        for stable, eigenvalues, times, found in rows:
            kind = "stable" if stable else f"unstable along {int((abs(eigenvalues) >= 1).sum())}"
            lines.append(f"  {kind:<20} slowest mode {times.max():9.3g} steps, from {found} states")
        return "\n".join(lines)


def fixed_points(
    compiled: Compiled,
    params: Mapping[str, Any],
    x: Any,
    at: Any,
    state: Mapping[str, Any] | None = None,
    *,
    starts: int = 256,
    noise: float = 0.0,
    seed: int = 0,
    steps: int = 200,
    tolerance: float = 1e-20,
    apart: float = 1e-4,
) -> FixedPoints:
    """The fixed points near the states of a call, under the constant input ``at``.

    ``x`` and ``state`` as for ``run``: at most ``starts`` of the states on the way are begun with
    (several times if there is noise), moved by normal ``noise`` from ``seed``. ``at`` is one step's
    input without axes of time and rows (a dict by name if there are several, contexts too). A
    search takes at most ``steps`` steps; points with q above ``tolerance`` are left out, and those
    closer than ``apart`` times (1 + their norm) are one.
    """
    way = steps_of(compiled, params, x, state)
    begin = _starts(way, starts, noise, seed)
    held = Steps(way.program, params, _constant(way.program.graph, at, len(begin)), way.before,
                 (1, len(begin)))  # fmt: skip
    points, speed, jacobian = _search(held, begin, steps, tolerance)
    kept = np.flatnonzero(speed <= tolerance)
    chosen, found = _distinct(points[kept], apart)
    index = kept[chosen]
    eigenvalues = np.linalg.eigvals(jacobian[index]).astype(complex)
    order = np.argsort(-np.abs(eigenvalues), axis=1)
    return FixedPoints(held.apart(points[index]), speed[index], jacobian[index],
                       np.take_along_axis(eigenvalues, order, 1), found, len(begin))  # fmt: skip


def _starts(way: Steps, count: int, noise: float, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    every = flat(way.before)
    if not len(every) or count < 1:
        raise ArgumentError("there is no state to begin with: give a call with steps and rows")
    if len(every) < count and noise:
        chosen = every[np.arange(count) % len(every)]
    else:
        chosen = every[rng.permutation(len(every))[:count]]
    return chosen + noise * rng.normal(size=chosen.shape)


def _constant(graph: Graph, at: Any, rows: int) -> dict[str, Array]:
    """The constant input for every row, [1, R, *shape]; contexts [R, *shape]."""
    names = [*graph.inputs, *graph.contexts]
    if not isinstance(at, Mapping):
        if len(names) != 1:
            raise ArgumentError(f"give a dict with {', '.join(names)} as the constant input")
        at = {names[0]: at}
    known(at, names, "input")
    made = {}
    for name in names:
        leaf = graph.leaves[name]
        dtype = np.dtype(np.int64) if leaf.dtype == "int" else REAL["f64"]
        value = fitted(at[name], name, leaf.shape, dtype)
        lead = (1, rows) if name in graph.inputs else (rows,)
        made[name] = np.broadcast_to(value, (*lead, *leaf.shape)).copy()
    return made


def _search(held: Steps, begin: Array, steps: int, tolerance: float) -> tuple[Array, Array, Array]:
    """``_minimise`` from these states, and from further on for those that it leaves elsewhere."""
    points, speed, jacobian = _minimise(held, begin.copy(), steps, tolerance)
    further = begin
    for count in ONWARD:
        lost = np.flatnonzero(~(speed <= tolerance))
        if not len(lost):
            break
        further[lost] = _onward(held, further[lost], count)
        points[lost], speed[lost], jacobian[lost] = _minimise(held, further[lost], steps, tolerance)
    return points, speed, jacobian


def _onward(held: Steps, states: Array, count: int) -> Array:
    """Where the cell takes states in so many steps; those without end stay as they are."""
    rows = np.arange(len(states))
    inputs = held.program.graph.inputs
    x = {n: np.repeat(a, PIECE, 0) if n in inputs else a for n, a in held.some(rows).items()}
    after = held.apart(states)
    for _ in range(count // PIECE):
        after = held.program.run(held.params, x, after, outputs=[following(next(iter(after)))])[1]
    moved = flat(after)
    return np.where((np.abs(moved) < FAR).all(1, keepdims=True), moved, states)


def _minimise(
    held: Steps, points: Array, steps: int, tolerance: float
) -> tuple[Array, Array, Array]:
    """Points [R, n] where q is small, q [R] and the Jacobians there: Levenberg-Marquardt, all rows
    at once, each with a damping of its own."""
    n = points.shape[1]
    rows, identity = np.arange(len(points)), np.eye(n)
    after, jacobian = jacobians(held, rows, points)
    residual = after - points
    speed, damping = _speed(residual), np.full(len(points), DAMPING)
    worth = np.full(len(points), np.inf)
    for step in range(steps):
        if step % PATIENCE == 0:
            worth = np.where(speed < GAIN * worth, speed, 0.0)
        going = np.flatnonzero((speed > tolerance) & (damping < LIMITS[1]) & (worth > 0))
        if not len(going):
            break
        slope = jacobian[going] - identity
        normal = slope.transpose(0, 2, 1) @ slope + damping[going, None, None] * identity
        gradient = slope.transpose(0, 2, 1) @ residual[going, :, None]
        trial = points[going] - np.linalg.solve(normal, gradient)[..., 0]
        after, tried = jacobians(held, rows[going], trial)
        moved = _speed(after - trial)
        better = moved < speed[going]
        damping[going] = np.clip(damping[going] * np.where(better, 0.2, 5.0), *LIMITS)
        taken = going[better]
        points[taken], residual[taken] = trial[better], (after - trial)[better]
        speed[taken], jacobian[taken] = moved[better], tried[better]
    return points, speed, jacobian


def _speed(residual: Array) -> Array:
    made: Array = 0.5 * (residual**2).sum(1)
    return made


def _distinct(points: Array, apart: float) -> tuple[Array, Array]:
    """Indices of points that lie apart, and how many lie at each."""
    chosen: list[int] = []
    counts: list[int] = []
    for index, point in enumerate(points):
        gaps = np.linalg.norm(points[chosen] - point, axis=1)
        near = np.flatnonzero(gaps <= apart * (1 + np.linalg.norm(point)))
        if len(near):
            counts[near[0]] += 1
        else:
            chosen.append(index)
            counts.append(1)
    return np.array(chosen, np.int64), np.array(counts, np.int64)
