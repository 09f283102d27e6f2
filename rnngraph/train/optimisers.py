"""Optimisers as pure functions: (params, gradients, moments, rate) -> (params, moments).

Pure, because a training that is interrupted at any instruction then still holds the whole result
of the last finished step, which can be saved and resumed to the same bits. Parameters, gradients
and moments are dicts of arrays by name; the arrays given are never changed. Float32 stays float32.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Arrays = Mapping[str, np.ndarray]


class Optimiser(Protocol):
    """What a training needs of an optimiser."""

    def start(self, params: Arrays) -> dict[str, np.ndarray]:
        """The moments before the first step."""

    def update(self, params: Arrays, grads: Arrays, moments: Arrays, step: int, rate: float
               ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """New params and moments of step number `step` (from 0) at a learning rate."""


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015), with its bias correction; `decay` is AdamW's decoupled decay."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    decay: float = 0.0

    def start(self, params: Arrays) -> dict[str, np.ndarray]:
        return {f"{moment}.{name}": np.zeros_like(value)
                for moment in ("mean", "square") for name, value in params.items()}

    def update(self, params: Arrays, grads: Arrays, moments: Arrays, step: int, rate: float
               ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        pace = rate / (1 - self.beta1 ** (step + 1))
        spread = math.sqrt(1 - self.beta2 ** (step + 1))
        keep = 1 - rate * self.decay
        new, later = {}, {}
        for name, value in params.items():
            grad = grads[name]
            mean = self.beta1 * moments[f"mean.{name}"] + (1 - self.beta1) * grad
            square = self.beta2 * moments[f"square.{name}"] + (1 - self.beta2) * grad * grad
            new[name] = keep * value - pace * mean / (np.sqrt(square) / spread + self.epsilon)
            later[f"mean.{name}"], later[f"square.{name}"] = mean, square
        return new, later


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with classical momentum; `momentum=0` is plain descent."""

    momentum: float = 0.9

    def start(self, params: Arrays) -> dict[str, np.ndarray]:
        return {f"velocity.{name}": np.zeros_like(value) for name, value in params.items()}

    def update(self, params: Arrays, grads: Arrays, moments: Arrays, step: int, rate: float
               ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        velocity = {f"velocity.{name}": self.momentum * moments[f"velocity.{name}"] + grads[name]
                    for name in params}
        new = {name: value - rate * velocity[f"velocity.{name}"]
               for name, value in params.items()}
        return new, velocity


OPTIMISERS = {"adam": Adam, "sgd": SGD}


def global_norm(grads: Arrays) -> float:
    """The Euclidean norm of all gradients together, summed in float64."""
    return math.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in grads.values()))


def clip(grads: Arrays, limit: float) -> tuple[dict[str, np.ndarray], float]:
    """Gradients scaled so that their global norm is at most `limit`, and the norm before."""
    norm = global_norm(grads)
    if not norm > limit:
        return dict(grads), norm
    return {name: g * (limit / norm) for name, g in grads.items()}, norm
