"""Optimisers as pure functions: (params, gradients, moments, rate) -> (params, moments).

Pure, because a training that is interrupted at any instruction then still holds the whole result
of the last finished step, which can be saved and resumed to the same bits. Parameters, gradients
and moments are dicts of arrays by name; the arrays given are never changed. Float32 stays float32.

The arithmetic is done on one vector of all parameters: most are small, and a call of NumPy for
each costs more than its work.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]


class Optimiser(Protocol):
    """What a training needs of an optimiser."""

    def start(self, params: Arrays) -> dict[str, Array]:
        """The moments before the first step."""

    def update(self, params: Arrays, grads: Arrays, moments: Arrays, step: int, rate: float
               ) -> tuple[dict[str, Array], dict[str, Array]]:
        """New params and moments of step number `step` (from 0) at a learning rate."""


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015), with its bias correction; `decay` is AdamW's decoupled decay."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    decay: float = 0.0

    def start(self, params: Arrays) -> dict[str, Array]:
        return {f"{moment}.{name}": np.zeros_like(value)
                for moment in ("mean", "square") for name, value in params.items()}

    def update(self, params: Arrays, grads: Arrays, moments: Arrays, step: int, rate: float
               ) -> tuple[dict[str, Array], dict[str, Array]]:
        pace = rate / (1 - self.beta1 ** (step + 1))
        spread = math.sqrt(1 - self.beta2 ** (step + 1))
        keep = 1 - rate * self.decay
        grad = joined(grads, params)
        mean = self.beta1 * joined(moments, params, "mean.") + (1 - self.beta1) * grad
        square = self.beta2 * joined(moments, params, "square.") + (1 - self.beta2) * grad * grad
        new = keep * joined(params, params) - pace * mean / (
            np.sqrt(square) / spread + self.epsilon)
        return parted(new, params), parted(mean, params, "mean.") | parted(
            square, params, "square.")


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with classical momentum; `momentum=0` is plain descent."""

    momentum: float = 0.9

    def start(self, params: Arrays) -> dict[str, Array]:
        return {f"velocity.{name}": np.zeros_like(value) for name, value in params.items()}

    def update(self, params: Arrays, grads: Arrays, moments: Arrays, step: int, rate: float
               ) -> tuple[dict[str, Array], dict[str, Array]]:
        velocity = self.momentum * joined(moments, params, "velocity.") + joined(grads, params)
        new = joined(params, params) - rate * velocity
        return parted(new, params), parted(velocity, params, "velocity.")


OPTIMISERS = {"adam": Adam, "sgd": SGD}


def joined(arrays: Arrays, like: Arrays, mark: str = "") -> Array:
    """One vector [n] of the arrays called `mark` + each name of `like`, in its order."""
    parts = [arrays[mark + name].reshape(-1) for name in like]
    return np.concatenate(parts) if parts else np.empty(0)


def parted(vector: Array, like: Arrays, mark: str = "") -> dict[str, Array]:
    """What was joined, as windows on the vector with the shapes of `like`."""
    parts, end = {}, 0
    for name, array in like.items():
        start, end = end, end + array.size
        parts[mark + name] = vector[start:end].reshape(array.shape)
    return parts


def global_norm(grads: Arrays) -> float:
    """The Euclidean norm of all gradients together, summed in float64."""
    return math.sqrt(float(np.square(joined(grads, grads), dtype=np.float64).sum()))


def clip(grads: Arrays, limit: float) -> tuple[dict[str, Array], float]:
    """Gradients scaled so that their global norm is at most `limit`, and the norm before."""
    norm = global_norm(grads)
    if not norm > limit:
        return dict(grads), norm
    return parted(joined(grads, grads) * (limit / norm), grads), norm
