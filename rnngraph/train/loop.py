"""One training step, and what is true between two of them.

A `Moment` is everything that the next step depends on. It is never changed: `Trainer.advance`
makes the next one, so an interrupted training still holds the last finished step whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .optimisers import Adam, Optimiser, clip
from .rates import Rate

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]
LOGITS, LOSS = "logits", "loss"
TOKEN, TARGET, WEIGHT = "token", "target", "weight"


def reading(token: Array) -> Arrays:
    """Inputs of a language model that only reads tokens, int [T, B]: nothing is to be predicted."""
    return {TOKEN: token, TARGET: np.zeros_like(token), WEIGHT: np.zeros(token.shape, np.float32)}


class Model(Protocol):
    """A compiled language model: inputs token, target, weight; outputs logits, loss."""

    def init(self, seed: int = 0) -> Arrays:
        """New parameters."""

    def run(self, params: Arrays, x: Arrays, state: Arrays | None = None, *,
            outputs: Iterable[str] | None = None) -> tuple[Arrays, Arrays]:
        """Outputs (all, or those named) and final state."""

    def vjp(self, params: Arrays, x: Arrays, state: Arrays | None = None, *,
            outputs: Iterable[str] | None = None, wrt: Iterable[str] | None = None,
            **options: Any) -> tuple[Arrays, Arrays, Callable[[Arrays], Any]]:
        """Outputs, final state, and the pullback to gradients (all, or those `wrt` names)."""


class Diverged(ArithmeticError):
    """The loss or a gradient is no longer a number; the last checkpoint is still good."""


@dataclass(frozen=True)
class Moment:
    """Parameters, the optimiser's moments, the carried state (empty: fresh), finished steps."""

    params: Arrays
    moments: Arrays
    carried: Arrays = field(default_factory=dict)
    step: int = 0


@dataclass(frozen=True)
class Trainer:
    """Trains a model with an optimiser, a learning rate by step, and a limit on the gradient.

    ``checkpoint_every``: steps between the states that are kept for the gradient (None: all).
    ``seed``: the model's noise is drawn, anew at each step; without it noise is its mean.
    """

    model: Model
    rate: Rate
    optimiser: Optimiser = field(default_factory=Adam)
    limit: float = 1.0
    seed: int | None = None
    checkpoint_every: int | None = None

    def start(self, seed: int) -> Moment:
        params = dict(self.model.init(seed=seed))
        return Moment(params, self.optimiser.start(params))

    def advance(self, moment: Moment, batch: Mapping[str, Array], *, carry: bool = False
                ) -> tuple[Moment, float]:
        """The moment after one step on a batch, and the batch's mean loss in nats a token.

        batch: token and target int32 [T, B], weight float32 [T, B]. With `carry` the state goes
        on from the batch before (truncated back-propagation through time).
        Raises Diverged if the loss or the gradient is not finite.
        """
        dtype = next(iter(moment.params.values())).dtype
        tokens = max(float(batch[WEIGHT].sum(dtype=np.float64)), 1.0)
        inputs = {**batch, WEIGHT: batch[WEIGHT].astype(dtype) / dtype.type(tokens)}
        state = moment.carried if carry and moment.carried else None
        y, carried, pullback = self.model.vjp(
            moment.params, inputs, state, outputs=(LOSS,), wrt=tuple(moment.params),
            **self._options(moment.step))
        loss = float(y[LOSS].sum(dtype=np.float64))
        grads, norm = clip(pullback({LOSS: np.ones_like(y[LOSS])}).params, self.limit)
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise Diverged(f"step {moment.step + 1}: loss {loss}, gradient norm {norm}; "
                           "a smaller learning rate or a tighter clip may help")
        params, moments = self.optimiser.update(
            moment.params, grads, moment.moments, moment.step, self.rate(moment.step))
        return Moment(params, moments, dict(carried) if carry else {}, moment.step + 1), loss

    def _options(self, step: int) -> dict[str, int]:
        every = {"checkpoint_every": self.checkpoint_every} if self.checkpoint_every else {}
        return {**every, **self._noise(step)}

    def _noise(self, step: int) -> dict[str, int]:
        """The option that draws this step's noise."""
        if self.seed is None:
            return {}
        return {"seed": int(np.random.SeedSequence([self.seed, step]).generate_state(1)[0])}
