"""What kinds of errors a model makes: layers taken off by oracles, one after the other.

An error is a character that was given a probability below 1/2. Each oracle puts right the errors
that better knowledge of one kind would have avoided, and what is left goes to the next; the order
is that of Karpathy, Johnson & Fei-Fei 2015 (section 4.4): an n-gram model, a memory of the last n
characters, rare words, the beginnings of words, punctuation, and a little more confidence.
What exactly the last three take is told beside each function below.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..train.loop import Array

RIGHT = 0.5  # the least probability that is no error
NEARLY = 0.4
MEMORY = (100, 500, 1000, 5000)  # characters back
RARE = (0, 1, 2, 3, 4, 5)  # times in the training text
NGRAMS = 9
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Layer:
    """The errors that one oracle puts right and none before it: how many, and as a share of all."""

    oracle: str
    detail: str
    errors: int
    share: float


@dataclass(frozen=True)
class Onion:
    """All layers; characters and errors are those of the whole text."""

    characters: int
    errors: int
    layers: tuple[Layer, ...]

    def by_oracle(self) -> dict[str, float]:
        """The share of each oracle, its details added up."""
        shares: dict[str, float] = {}
        for layer in self.layers:
            shares[layer.oracle] = shares.get(layer.oracle, 0.0) + layer.share
        return shares


def peel(text: str, p: Array, ngrams: Sequence[Array], trained_on: str) -> Onion:
    """Sort a model's errors on a text into layers.

    p [n]: what the model gave each character of ``text``; ngrams: the same of n-gram models of
    order 1, 2, ...; trained_on: the text that both learned from.
    """
    wrong = p < RIGHT
    total, left, layers = int(wrong.sum()), wrong.copy(), []
    for oracle, detail, right in _oracles(text, p, ngrams, trained_on):
        taken = int((left & right).sum())
        left &= ~right
        layers.append(Layer(oracle, detail, taken, taken / max(total, 1)))
    rest = int(left.sum())
    layers.append(Layer("the rest", "", rest, rest / max(total, 1)))
    return Onion(len(text), total, tuple(layers))


def _oracles(text: str, p: Array, ngrams: Sequence[Array], trained_on: str
             ) -> Iterator[tuple[str, str, Array]]:
    best = np.max([np.zeros(len(p)), *ngrams[:NGRAMS]], 0)
    yield "n-gram", f"right by an order up to {min(len(ngrams), NGRAMS)}", best >= RIGHT
    back, seen = distances(text), occurrences(text, trained_on)
    for n in MEMORY:
        yield "memory", f"the word came in the last {n:,} characters", back <= n
    for n in RARE:
        yield "rare words", f"the word comes {n} times in training", seen == n
    yield "word model", "first character of a word", beginnings(text)
    yield "punctuation", "neither letter nor digit", ~_in_words(text)
    yield "boost", f"given {NEARLY} to {RIGHT}", p >= NEARLY


def distances(text: str) -> Array:
    """For the characters of words, how far back the same word began (inf: never, or no word)."""
    back, last = np.full(len(text), np.inf), dict[str, int]()
    for word in WORD.finditer(text):
        if word[0] in last:
            back[word.start():word.end()] = word.start() - last[word[0]]
        last[word[0]] = word.start()
    return back


def occurrences(text: str, trained_on: str) -> Array:
    """For the characters of words, how often the word comes in another text; -1 elsewhere."""
    counts, found = Counter(WORD.findall(trained_on)), np.full(len(text), -1)
    for word in WORD.finditer(text):
        found[word.start():word.end()] = counts[word[0]]
    return found


def beginnings(text: str) -> Array:
    """Where words begin: which word comes next is for a model of words to know. bool [n]."""
    starts = np.zeros(len(text), bool)
    starts[[word.start() for word in WORD.finditer(text)]] = True
    return starts


def _in_words(text: str) -> Array:
    return occurrences(text, "") >= 0
