"""Drawing the parameters' first values, by the initialisers' usual names.

Sources: glorot_* Glorot & Bengio 2010, eq. 16; he_* He et al. 2015, eq. 10; orthogonal Saxe et al.
2014. A matrix is [out, in]; leading axes of a stacked parameter count as receptive field.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Graph, Init
from .arrays import Array

Generator = np.random.Generator


def draw(graph: Graph, seed: int, dtype: Any) -> dict[str, Array]:
    """All parameters of a graph with bound sizes; the same numbers for the same seed.

    Every parameter has a stream of its own, so adding one does not change the others.
    """
    made = {}
    for name, leaf in graph.params.items():
        stream = np.random.default_rng([seed, *name.encode()])
        made[name] = _drawn(graph.inits[name], leaf.shape, stream).astype(dtype)
    return made


def _drawn(init: Init, shape: tuple[int, ...], stream: Generator) -> Array:
    if init.kind not in KINDS:
        raise ValueError(f"unknown initialiser '{init.kind}'; choose from {', '.join(KINDS)}")
    return KINDS[init.kind](stream, shape, *(float(a) for a in init.args))


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    field = math.prod(shape[:-2])
    return field * shape[-1], field * shape[-2] if len(shape) > 1 else shape[-1]


def _uniform(stream: Generator, shape: tuple[int, ...], k: float) -> Array:
    return stream.uniform(-k, k, shape)


def _normal(stream: Generator, shape: tuple[int, ...], std: float) -> Array:
    return stream.normal(0.0, std, shape)


def _glorot_uniform(stream: Generator, shape: tuple[int, ...]) -> Array:
    return _uniform(stream, shape, math.sqrt(6 / max(1, sum(_fans(shape)))))


def _glorot_normal(stream: Generator, shape: tuple[int, ...]) -> Array:
    return _normal(stream, shape, math.sqrt(2 / max(1, sum(_fans(shape)))))


def _he_uniform(stream: Generator, shape: tuple[int, ...]) -> Array:
    return _uniform(stream, shape, math.sqrt(6 / max(1, _fans(shape)[0])))


def _he_normal(stream: Generator, shape: tuple[int, ...]) -> Array:
    return _normal(stream, shape, math.sqrt(2 / max(1, _fans(shape)[0])))


def _orthogonal(stream: Generator, shape: tuple[int, ...]) -> Array:
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(stream.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return (q if rows >= columns else q.T).reshape(shape)


def _identity(stream: Generator, shape: tuple[int, ...]) -> Array:
    rows, columns = shape[-2:]
    return np.broadcast_to(np.eye(rows, columns), shape).copy()


def _log_range(stream: Generator, shape: tuple[int, ...], low: float, high: float) -> Array:
    return np.log(stream.uniform(low, high, shape))


def _bernoulli(stream: Generator, shape: tuple[int, ...], p: float) -> Array:
    return (stream.random(shape) < p).astype(float)


def _range(stream: Generator, shape: tuple[int, ...], low: float, high: float) -> Array:
    return stream.uniform(low, high, shape)


KINDS: dict[str, Callable[..., Array]] = {
    "constant": lambda stream, shape, value: np.full(shape, value),
    "uniform": _uniform,
    "normal": _normal,
    "glorot_uniform": _glorot_uniform,
    "glorot_normal": _glorot_normal,
    "he_uniform": _he_uniform,
    "he_normal": _he_normal,
    "orthogonal": _orthogonal,
    "identity": _identity,
    "log_range": _log_range,
    "range": _range,
    "bernoulli": _bernoulli,
}
