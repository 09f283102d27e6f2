"""What cells are trained on: a model around the cell, batches, and a score beside its baseline.

    Problem ::= name, title, loss and accuracy in words, baseline
                model(cell, width)         the cell between what the task reads and what it wants
                batch(step, rows)          a pure function of the step
                score(model, params)       on held-out sequences

The baseline is what is reached without remembering what the task wants remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import ClassVar, Protocol

import numpy as np

from ..cell import Cell
from ..tasks.adding import MEMORYLESS, adding
from ..tasks.agreement import Agreement, Batches, Sentences
from ..tasks.copying import copying, memoryless
from ..tasks.vocabulary import vocabulary
from ..train.language_model import language_model, regression
from ..train.loop import LOGITS, LOSS, TARGET, WEIGHT, Arrays, Model

HELD_OUT = 512  # sequences of a score
EMBEDDING = 16


@dataclass(frozen=True)
class Score:
    """Mean loss, and the share of right answers."""

    loss: float
    accuracy: float


class Problem(Protocol):
    """A task for any cell; see this module's text."""

    name: ClassVar[str]
    title: ClassVar[str]
    loss: ClassVar[str]
    accuracy: ClassVar[str]
    describe: ClassVar[str]

    @property
    def baseline(self) -> Score:
        """What is reached without memory."""

    def model(self, cell: Cell, width: int) -> Cell:
        """The model around a cell. Raises ValueError, with the reason, where there is none."""

    def batch(self, step: int, rows: int) -> Arrays:
        """The sequences of a step."""

    def score(self, model: Model, params: Arrays) -> Score:
        """How good parameters are on held-out sequences."""


@dataclass(frozen=True)
class Adding:
    """Two marked numbers of so many are to be added."""

    steps: int = 20
    seed: int = 0
    name: ClassVar[str] = "adding"
    title: ClassVar[str] = "adding problem"
    loss: ClassVar[str] = "mean squared error"
    accuracy: ClassVar[str] = "share of sums within 0.04"
    describe: ClassVar[str] = (
        "20 numbers of [0, 1), two of which are marked; wanted is their sum, at the end "
        "(Hochreiter & Schmidhuber 1997). Without memory: always to answer 1."
    )

    @property
    def baseline(self) -> Score:
        """Always to answer 1."""
        return Score(MEMORYLESS, 1 - (1 - 0.04) ** 2)

    def model(self, cell: Cell, width: int) -> Cell:
        """A regression from two numbers a step to one."""
        return regression(cell, 2, embedding=EMBEDDING, hidden=width)

    def batch(self, step: int, rows: int) -> Arrays:
        """New sequences at every step."""
        return adding(np.random.default_rng([self.seed, step]), self.steps, rows)

    def score(self, model: Model, params: Arrays) -> Score:
        """On sequences of another seed."""
        batch = adding(np.random.default_rng([self.seed, 0, 1]), self.steps, HELD_OUT)
        y, _ = model.run(params, batch, outputs=(LOSS, "value"))
        near = np.abs(y["value"][-1] - batch[TARGET][-1]) < 0.04
        return Score(_mean(y, batch), float(near.mean()))


@dataclass(frozen=True)
class Copying:
    """Symbols are to be said again after a delay."""

    symbols: int = 8
    length: int = 3
    delay: int = 10
    seed: int = 0
    name: ClassVar[str] = "copying"
    title: ClassVar[str] = "copy memory"
    loss: ClassVar[str] = "nats a step"
    accuracy: ClassVar[str] = "share of symbols right"
    describe: ClassVar[str] = (
        "3 of 8 symbols, then nothing for 10 steps, then the symbols are to be said again "
        "(Arjovsky, Shah & Bengio 2016). Without memory of symbols: to say the blanks, and guess "
        "when the symbols are due."
    )

    @property
    def baseline(self) -> Score:
        """To say the blanks, and to guess the symbols."""
        return Score(memoryless(self.symbols, self.length, self.delay), 1 / self.symbols)

    def model(self, cell: Cell, width: int) -> Cell:
        """A language model of the symbols, the blank and the sign."""
        return language_model(cell, self.symbols + 2, embedding=EMBEDDING, hidden=width)

    def batch(self, step: int, rows: int) -> Arrays:
        """New sequences at every step."""
        return self._drawn([self.seed, step], rows)

    def score(self, model: Model, params: Arrays) -> Score:
        """On sequences of another seed."""
        batch = self._drawn([self.seed, 0, 1], HELD_OUT)
        y, _ = model.run(params, batch, outputs=(LOSS, LOGITS))
        said = y[LOGITS][-self.length :].argmax(-1)
        return Score(_mean(y, batch), float((said == batch[TARGET][-self.length :]).mean()))

    def _drawn(self, seed: list[int], rows: int) -> Arrays:
        rng = np.random.default_rng(seed)
        return copying(rng, self.symbols, self.length, self.delay, rows)


@dataclass(frozen=True)
class NumberAgreement:
    """The verb of a sentence has the number of its subject, whatever stands between them."""

    size: int = 20_000
    seed: int = 0
    name: ClassVar[str] = "agreement"
    title: ClassVar[str] = "number agreement"
    loss: ClassVar[str] = "nats a word"
    accuracy: ClassVar[str] = "share of verbs right"
    describe: ClassVar[str] = (
        "the next word of sentences in which the verb agrees with a subject that other nouns part "
        "it from (the task of `rnngraph demo`). Without memory: to know how frequent words are, "
        "and guess the number."
    )

    @cached_property
    def baseline(self) -> Score:
        """To know how frequent the words are, and to guess the number."""
        count = np.bincount(self._train.inputs[TARGET].ravel(), self._train.inputs[WEIGHT].ravel(),
                            len(vocabulary())) + 1  # fmt: skip
        held_out = self._held_out.inputs
        nats = -np.log(count / count.sum())[held_out[TARGET]] * held_out[WEIGHT]
        return Score(float(nats.sum() / held_out[WEIGHT].sum()), 0.5)

    def model(self, cell: Cell, width: int) -> Cell:
        """A language model of the words."""
        return language_model(cell, len(vocabulary()), embedding=EMBEDDING, hidden=width)

    def batch(self, step: int, rows: int) -> Arrays:
        """Sentences of a shuffled passage through those that training has."""
        return Batches(self._train, rows, self.seed).at(step).inputs

    def score(self, model: Model, params: Arrays) -> Score:
        """On sentences that training lacks."""
        sentences = self._held_out
        y, _ = model.run(params, sentences.inputs, outputs=(LOSS, LOGITS))
        return Score(_mean(y, sentences.inputs), float(sentences.right(y[LOGITS]).mean()))

    @property
    def _train(self) -> Sentences:
        return _sentences(self.seed, self.size).train

    @property
    def _held_out(self) -> Sentences:
        return _sentences(self.seed, self.size).validation


@cache
def _sentences(seed: int, size: int) -> Agreement:
    return Agreement(seed, size=size)


def _mean(y: Mapping[str, np.ndarray], batch: Arrays) -> float:
    return float(y[LOSS].sum(dtype=np.float64) / batch[WEIGHT].sum(dtype=np.float64))


PROBLEMS: Mapping[str, Problem] = {p.name: p for p in (Adding(), Copying(), NumberAgreement())}

__all__ = ["PROBLEMS", "Adding", "Copying", "NumberAgreement", "Problem", "Score"]
