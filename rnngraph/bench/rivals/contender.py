"""A contender: something to run, and its results in a form that can be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...runtime.arrays import Array

if TYPE_CHECKING:
    from ..rows import Problem

Values = dict[str, Array]
Pack = Callable[[Values], Values]
OURS = "rnngraph"
# of the norm: rounding grows over a hundred steps of a cell that normalises, wrong results are 1
TOLERANCE = 1e-3


class Difference(RuntimeError):
    """A contender whose results are not the others': its time would mean nothing."""


@dataclass(frozen=True)
class Contender:
    """``run`` is what is timed; ``values`` turns its result into arrays by name.

    Values are "y" and, for a training step, "x" (its gradient) and the gradients of parameters.
    ``pack`` takes rnngraph's gradients of parameters to the arrangement that the contender has.
    """

    name: str
    run: Callable[[], Any]
    values: Callable[[Any], Values]
    pack: Pack


def layers(params: Values) -> list[Values]:
    """The parameters of a stack by layer, under their names in the cell."""
    found: dict[str, Values] = {}
    for name, value in params.items():
        layer, _, own = name.rpartition(".")
        found.setdefault(layer, {})[own] = value
    return list(found.values())


def ourselves(problem: Problem) -> Contender:
    """rnngraph on a row: with frozen parameters forward, with parameters that may have changed
    in place in a training step."""
    compiled, params, x, dy = problem.compiled, problem.params, problem.x, problem.dy
    still = params if problem.row.training else compiled.freeze(params)

    def forward() -> Any:
        return compiled.run(still, x)[0], None

    def train() -> Any:
        y, _, pullback = compiled.vjp(params, x)
        return y, pullback(dy)

    def values(result: Any) -> Values:
        y, gradients = result
        if gradients is None:
            return {"y": y}
        (dx,) = gradients.inputs.values()
        return {"y": y, "x": dx, **gradients.params}

    return Contender(OURS, train if problem.row.training else forward, values, dict)


def agree(ours: Contender, other: Contender) -> None:
    """Run both and compare everything that both give. Raises Difference."""
    mine, theirs = ours.values(ours.run()), other.values(other.run())
    params = {name: value for name, value in mine.items() if name not in ("y", "x")}
    expected: Values = {name: mine[name] for name in ("y", "x") if name in mine}
    expected |= other.pack(params) if params else {}
    for name, value in expected.items():
        given = theirs[name]
        error = _norm(given.reshape(value.shape) - value) / max(_norm(value), 1e-30)
        if not error <= TOLERANCE:
            raise Difference(f"{other.name} differs from {ours.name} in '{name}' by {error:.1e}")


def _norm(array: Array) -> float:
    return float(np.sqrt(np.sum(np.square(array, dtype=np.float64))))
