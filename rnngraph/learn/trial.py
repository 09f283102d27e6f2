"""A trial: one cell on one problem, by every learning rate of a budget; the best is reported.

    Trial   ::= status, score beside its baseline, rate, Outcome*, what it was done with
    Outcome ::= rate, score | why it diverged

Nothing that went wrong is left out: a rate at which the loss was no number any more says so, and a
cell that a problem has no model for says why.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..cell import Cell
from ..train.loop import Diverged, Model, Trainer
from ..train.optimisers import Adam
from ..train.rates import cosine
from .inputs import with_one_input
from .problems import Problem

TRAINED, DIVERGED, LEFT_OUT = "trained", "diverged", "left out"
LAST = 0.1  # of the learning rate, at the end
CLIP = 1.0


@dataclass(frozen=True)
class Budget:
    """What every cell gets: units, rows of a batch, updates, learning rates and a seed."""

    width: int = 32
    rows: int = 32
    updates: int = 500
    rates: Sequence[float] = (0.03, 0.01)
    seed: int = 0

    @property
    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "rates": list(self.rates)}


@dataclass(frozen=True)
class Outcome:
    """What one learning rate led to; ``diverged`` says when and how, if it did."""

    rate: float
    loss: float | None = None
    accuracy: float | None = None
    diverged: str = ""


@dataclass(frozen=True)
class Trial:
    """The best outcome of a cell on a problem, beside the baseline of no memory.

    ``status`` is one of TRAINED, DIVERGED (at every rate) and LEFT_OUT (there is no model);
    ``reason`` says why it is not the first. ``seconds`` are those of all rates, compiling included.
    """

    status: str
    baseline_loss: float
    baseline_accuracy: float
    loss: float | None = None
    accuracy: float | None = None
    rate: float | None = None
    rates: Sequence[dict[str, Any]] = ()
    parameters: int = 0
    seconds: float = 0.0
    reason: str = ""
    budget: dict[str, Any] = field(default_factory=dict)


def trial(cell: Cell, problem: Problem, budget: Budget) -> Trial:
    """Train a cell on a problem. Raises nothing for what a cell or a rate cannot do: it is told."""
    common: dict[str, Any] = {"baseline_loss": problem.baseline.loss, "baseline_accuracy":
              problem.baseline.accuracy, "budget": budget.told}  # fmt: skip
    began = time.monotonic()
    try:
        model = problem.model(with_one_input(cell), budget.width).compile()
    except ValueError as error:
        return Trial(LEFT_OUT, reason=str(error), **common)
    tried = [_outcome(model, problem, budget, rate) for rate in budget.rates]
    found: dict[str, Any] = {
        "rates": [asdict(outcome) for outcome in tried],
        "parameters": sum(p.size for p in model.init(seed=budget.seed).values()),
        "seconds": round(time.monotonic() - began, 2),
        **common,
    }
    best = min(tried, key=lambda o: math.inf if o.loss is None else o.loss)
    if best.loss is None:
        return Trial(DIVERGED, reason=best.diverged, **found)
    return Trial(TRAINED, loss=best.loss, accuracy=best.accuracy, rate=best.rate, **found)


def _outcome(model: Model, problem: Problem, budget: Budget, rate: float) -> Outcome:
    trainer = Trainer(model, cosine(rate, LAST * rate, budget.updates), Adam(), CLIP, budget.seed)
    moment = trainer.start(budget.seed)
    try:
        while moment.step < budget.updates:
            moment, _ = trainer.advance(moment, problem.batch(moment.step, budget.rows))
    except Diverged as error:
        return Outcome(rate, diverged=str(error).split(";")[0])
    score = problem.score(model, moment.params)
    if not math.isfinite(score.loss):
        return Outcome(rate, diverged=f"held-out loss {score.loss}")
    return Outcome(rate, score.loss, score.accuracy)
