"""Integrals along a straight line, with their error known.

For a number y(a) at every point a of [0, 1], the integral of its slope over any piece is the
difference of y at its ends. So the error of every piece is known exactly, and pieces are halved
where it is too large: composite Gauss-Lobatto quadrature (Abramowitz & Stegun 1964, 25.4.32), whose
nodes include the ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.polynomial import legendre

from ..runtime.arrays import Array

NODES = 10  # per piece
PIECES = 4  # to begin with
ROUNDING = 64  # units in the last place of y that no piece is halved for
FINEST = 4096  # the smallest tolerance, in units in the last place of the change


@dataclass(frozen=True)
class Sample:
    """What holds at points of the line: y [R], its slope [R], and what is integrated, arrays by
    name with the points on their second axis, [T, R, ...]."""

    y: Array
    slope: Array
    values: dict[str, Array]


@dataclass
class Integral:
    """Integrals by name [T, B, ...]; change [B], y at the end minus y at the beginning; error
    [B], the sum over pieces of how far the slope's integral is from the change; points [B]."""

    change: Array
    error: Array
    points: Array
    values: dict[str, Array] = field(default_factory=dict)

    def add(self, rows: Array, values: dict[str, Array]) -> None:
        """Add the pieces' parts to their rows."""
        for name, part in values.items():
            if name not in self.values:
                shape = (part.shape[0], len(self.change), *part.shape[2:])
                self.values[name] = np.zeros(shape, part.dtype)
            np.add.at(np.moveaxis(self.values[name], 1, 0), rows, np.moveaxis(part, 1, 0))


@cache
def lobatto(count: int) -> tuple[Array, Array]:
    """Nodes and weights on [0, 1] of the Gauss-Lobatto rule, exact to degree 2 count - 3."""
    last = np.zeros(count)
    last[-1] = 1.0
    inner = legendre.legroots(legendre.legder(last))
    nodes = np.concatenate([[-1.0], inner, [1.0]])
    weights = 2.0 / (count * (count - 1) * legendre.legval(nodes, last) ** 2)
    return (nodes + 1.0) / 2.0, weights / 2.0


def integrate(
    sample: Callable[[Array, Array], Sample], rows: int, tolerance: float, limit: int
) -> Integral:
    """Integrate ``sample(row of every point, place of every point)`` for each of the rows.

    Pieces are halved until their errors add up to at most ``tolerance`` times the change (never
    less than rounding allows), or a row has used ``limit`` points; the error that is left is
    reported either way.
    """
    row = np.repeat(np.arange(rows), PIECES)
    start = np.tile(np.arange(PIECES) / PIECES, rows)
    width = np.full(len(row), 1.0 / PIECES)
    result = Integral(np.zeros(rows), np.zeros(rows), np.zeros(rows, np.int64))
    first = True
    while len(row):
        y, slope, values = _pieces(sample, row, start, width)
        np.add.at(result.points, row, NODES)
        if first:
            result.change[:] = y[PIECES - 1 :: PIECES, -1] - y[::PIECES, 0]
            first = False
        error = np.abs(y[:, -1] - y[:, 0] - slope)
        epsilon = np.finfo(y.dtype).eps
        bound = max(tolerance, FINEST * epsilon) * np.abs(result.change[row]) * width
        done = error <= np.maximum(bound, ROUNDING * epsilon * np.abs(y).max(1))
        done |= result.points[row] >= limit
        result.add(row[done], {name: part[:, done] for name, part in values.items()})
        np.add.at(result.error, row[done], error[done])
        row, start, width = _halves(row[~done], start[~done], width[~done])
    return result


def _pieces(
    sample: Callable[[Array, Array], Sample], row: Array, start: Array, width: Array
) -> tuple[Array, Array, dict[str, Array]]:
    """Of every piece: y at its nodes [P, NODES], the slope's integral [P], the values' ones."""
    nodes, weights = lobatto(NODES)
    places = start[:, None] + width[:, None] * nodes
    found = sample(np.repeat(row, NODES), places.reshape(-1))
    scale = width[:, None] * weights
    slope = (found.slope.reshape(scale.shape) * scale).sum(1)
    values = {name: _weighted(array, scale) for name, array in found.values.items()}
    return found.y.reshape(scale.shape), slope, values


def _weighted(array: Array, scale: Array) -> Array:
    split = array.reshape(array.shape[0], *scale.shape, -1)
    made = np.einsum("tpnu,pn->tpu", split, scale)
    whole: Array = made.reshape(*made.shape[:2], *array.shape[2:])
    return whole


def _halves(row: Array, start: Array, width: Array) -> tuple[Array, Array, Array]:
    half = width / 2
    return np.repeat(row, 2), np.stack([start, start + half], 1).reshape(-1), np.repeat(half, 2)


def summed(array: Array) -> Array:
    """[T, R, ...] summed over all but time and rows."""
    made: Array = array.reshape(*array.shape[:2], -1).sum(2)
    return made
