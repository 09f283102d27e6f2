"""Noise: random values of a call, each a pure function of seed, name, row, step and element.

The generator is Philox 4x64 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"):
its counter holds row and step, its key seed and name. So neither other rows, nor the length of the
call, nor the steps before have a say in what is drawn, and a sequence in pieces draws what the
whole does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..graph import Graph, Varies
from .arrays import Array

BLOCK = 4  # words that one count of the generator gives


def drawn(graph: Graph, seed: int, first: int, steps: int, rows: int, dtype: np.dtype[np.generic]
          ) -> dict[str, Array]:  # fmt: skip
    """All noises by name, ``[T, B, *shape]`` or ``[B, *shape]``, from step ``first`` on."""
    made = {}
    for name, noise in graph.noises.items():
        every = noise.leaf.varies is Varies.STEP
        shape = noise.leaf.shape
        words = _words(_key(seed, name), first if every else 0, steps if every else 1, rows,
                       math.prod(shape))  # fmt: skip
        values = LAWS[noise.law.kind](words, *(float(a) for a in noise.law.args))
        whole = np.ascontiguousarray(values, dtype).reshape(len(values), rows, *shape)
        made[name] = whole if every else whole[0]
    return made


def _key(seed: int, name: str) -> Array:
    key: Array = np.random.SeedSequence([seed, *name.encode()]).generate_state(2, np.uint64)
    return key


def _words(key: Array, first: int, steps: int, rows: int, size: int) -> Array:
    """Random words, uint64 [steps, rows, size]."""
    blocks = -(-size // BLOCK)
    words = np.empty((steps, rows, size), np.uint64)
    for row in range(rows):
        counter = np.array([first * blocks, 0, row, 0], np.uint64)
        stream = np.random.Philox(key=key, counter=counter).random_raw(steps * blocks * BLOCK)
        words[:, row] = stream.reshape(steps, blocks * BLOCK)[:, :size]
    return words


def _unit(words: Array) -> Array:
    """Uniform numbers from 0 to just below 1."""
    unit: Array = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return unit


def _bernoulli(words: Array, p: float) -> Array:
    return _unit(words) < p


def _range(words: Array, low: float, high: float) -> Array:
    return low + (high - low) * _unit(words)


def _normal(words: Array, std: float) -> Array:
    """One of the two numbers of Box & Muller 1958, from the halves of each word."""
    high = ((words >> np.uint64(32)).astype(np.float64) + 1.0) * 2.0**-32
    low = (words & np.uint64(0xFFFFFFFF)).astype(np.float64) * 2.0**-32
    number: Array = std * np.sqrt(-2.0 * np.log(high)) * np.cos(2.0 * np.pi * low)
    return number


LAWS: dict[str, Callable[..., Array]] = {
    "bernoulli": _bernoulli,
    "normal": _normal,
    "range": _range,
    "uniform": lambda words, k: _range(words, -k, k),
}
