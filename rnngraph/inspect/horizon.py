"""How far a state reaches: the memory horizon and the Lyapunov exponents, for any cell.

Both multiply the Jacobians J_t = d S_t / d S_{t-1} of the steps of a call, S being all states in
one vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..runtime.arrays import ArgumentError, Array
from .steps import jacobians, steps_of

HALF = 0.5


@dataclass(frozen=True)
class Horizon:
    """``norms`` [T]: the median over rows and starts of ||J_{t+k-1} ... J_t|| / sqrt(n) (Frobenius)
    for k = 1 ... T steps; ``steps``: the least k below a half, None where none is."""

    norms: Array
    steps: int | None

    def __str__(self) -> str:
        if self.steps is None:
            return f"a half is still there after {len(self.norms)} steps"
        return f"less than a half is left after {self.steps} steps"


@dataclass(frozen=True)
class Lyapunov:
    """``exponents`` [B, n] in nats a step, the largest first; positive: nearby states part."""

    exponents: Array

    def __str__(self) -> str:
        lines = []
        for row, found in enumerate(self.exponents):
            shown = ", ".join(f"{value:.4g}" for value in found[:4])
            lines.append(f"row {row}: {shown}{', ...' if len(found) > 4 else ''} nats a step")
        return "\n".join(lines)


def step_jacobians(
    compiled: Compiled, params: Mapping[str, Any], x: Any, state: Mapping[str, Any] | None = None
) -> Array:
    """dS_t / dS_{t-1} at every step of a call, [T, B, n, n]: all states in one vector, in the
    order of the cell's text."""
    steps = steps_of(compiled, params, x, state)
    rows = np.arange(steps.lead[0] * steps.lead[1])
    if not len(rows):
        raise ArgumentError("the call has no steps, or no rows")
    found = jacobians(steps, rows, steps.flat)[1]
    return found.reshape(*steps.lead, *found.shape[1:])


def horizon(
    compiled: Compiled, params: Mapping[str, Any], x: Any, state: Mapping[str, Any] | None = None
) -> Horizon:
    """After how many steps less than a half of a change of the state is left."""
    found = step_jacobians(compiled, params, x, state)
    n = found.shape[-1]
    product, norms = found, []
    for k in range(1, len(found) + 1):
        norms.append(np.median(np.linalg.norm(product, axis=(2, 3))) / np.sqrt(n))
        product = found[k:] @ product[:-1]
    below = np.flatnonzero(np.array(norms) < HALF)
    return Horizon(np.array(norms), int(below[0]) + 1 if len(below) else None)


def lyapunov(
    compiled: Compiled, params: Mapping[str, Any], x: Any, state: Mapping[str, Any] | None = None,
    *, skip: int = 0,
) -> Lyapunov:  # fmt: skip
    """All Lyapunov exponents of every row, after ``skip`` steps that only turn the directions.

    lambda_i = (1/T) sum over t of log|R_ii|, with the R of repeated QR decompositions (Benettin et
    al. 1980; Vogt et al. 2022, On Lyapunov exponents for RNNs). A direction that is lost altogether
    has -infinity.
    """
    found = step_jacobians(compiled, params, x, state)
    if not 0 <= skip < len(found):
        raise ArgumentError(f"skip must be from 0 to {len(found) - 1}, not {skip!r}")
    turned = np.broadcast_to(np.eye(found.shape[-1]), found.shape[1:])
    total = np.zeros(found.shape[1:3])
    for t, jacobian in enumerate(found):
        turned, upper = np.linalg.qr(jacobian @ turned)
        if t >= skip:
            with np.errstate(divide="ignore"):
                total += np.log(np.abs(np.einsum("bii->bi", upper)))
    return Lyapunov(-np.sort(-total / (len(found) - skip), axis=1))
