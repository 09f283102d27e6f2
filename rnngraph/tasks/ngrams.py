"""n-grams of characters with modified Kneser-Ney smoothing: the baseline of character models.

Chen & Goodman 1998, An Empirical Study of Smoothing Techniques for Language Modeling, section 3:
interpolated, with three discounts an order. Below the highest order an n-gram counts by how many
different characters came before it.

Written here because the packages are made for words: KenLM is compiled for orders up to 6 and
estimates with a separate program, NLTK smooths with one discount and keeps a Python object for
every n-gram. Here an order is a few sorted arrays, made from those of the order below; the orders
1 to 20 of three million characters take about a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
FALLBACK = np.array([0.0, 0.5, 1.0, 1.5])  # discounts where too few counts tell, as in KenLM
LEVELS = 3  # counts 1, 2, and 3 or more have discounts of their own
UNSEEN = -1


def kneser_ney(train: Array, text: Array, characters: int, order: int) -> Iterator[Array]:
    """The probability of every character of `text`, by the n-gram model of order 1, 2, ... `order`.

    train and text: ids below `characters`, int [n] and [m]. Gives float64 [m] for each order; the
    first characters of `text` have shorter contexts. Raises ValueError for an order below 1, an
    empty training text or ids out of range.
    """
    _check(train, text, characters, order)
    train, text = (np.asarray(ids, np.int64) for ids in (train, text))
    # what is known of the text left of each position: the number of its context in training
    seen, asked = np.zeros(len(train), np.int64), np.zeros(len(text), np.int64)
    lower = np.full(len(text), 1 / characters)
    below: _Order | None = None
    before = asked, asked
    for _ in range(order):
        here = _Order.of(train, seen, characters)
        found = here.find(asked, text)
        if below is not None:
            # the order below is now known by what came before each of its n-grams
            lower = below.smoothed(below.continuations(here), *before, lower)
        yield here.smoothed(here.counts, asked, found, lower)
        below, before = here, (asked, found)
        seen, asked = _next(here.numbers), _next(found)


def bits(probabilities: Array) -> float:
    """Mean bits a character."""
    return nats(probabilities) / float(np.log(2))


def nats(probabilities: Array) -> float:
    """Mean nats a character: the mean of -ln p."""
    return float(-np.log(probabilities).mean())


@dataclass(frozen=True)
class _Order:
    """All different n-grams of the training text, numbered in the order of `keys`.

    A key is context * characters + last character, where the context is the number of the n-1
    characters before among the n-grams of the order below. first: where each n-gram comes first;
    numbers: that of the n-gram which ends at each position (UNSEEN for the first n-1).
    """

    characters: int
    keys: Array
    counts: Array
    first: Array
    numbers: Array

    @classmethod
    def of(cls, train: Array, contexts: Array, characters: int) -> _Order:
        inside = contexts != UNSEEN
        places = np.flatnonzero(inside)
        keys, first, numbers, counts = np.unique(
            contexts[inside] * characters + train[inside],
            return_index=True, return_inverse=True, return_counts=True)
        everywhere = np.full(len(train), UNSEEN, np.int64)
        everywhere[inside] = numbers
        return cls(characters, keys, counts, places[first], everywhere)

    def find(self, contexts: Array, last: Array) -> Array:
        """Numbers of the n-grams that end at positions of another text, UNSEEN where they are."""
        if not len(self.keys):
            return np.full(len(last), UNSEEN, np.int64)
        wanted = np.where(contexts == UNSEEN, UNSEEN, contexts * self.characters + last)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[places] == wanted, places, UNSEEN)

    def continuations(self, longer: _Order) -> Array:
        """How many different characters come before each n-gram: int [n-grams]."""
        return np.bincount(self.numbers[longer.first], minlength=len(self.keys))

    def smoothed(self, counts: Array, contexts: Array, found: Array, lower: Array) -> Array:
        """The interpolated probability at each position, from that of the order below."""
        discounts = discounts_of(counts)
        kind = np.minimum(counts, LEVELS)
        context, size = self.keys // self.characters, int(self.keys.max(initial=0))
        size = size // self.characters + 1
        total = np.bincount(context, counts, size)
        freed = np.bincount(context, discounts[kind], size)  # what is left for the order below
        known = contexts != UNSEEN
        known[known] = contexts[known] < size
        known[known] = total[contexts[known]] > 0
        share = np.where(found == UNSEEN, 0.0, (counts - discounts[kind])[found])[known]
        at = contexts[known]
        p = lower.copy()
        p[known] = (share + freed[at] * lower[known]) / total[at]
        return p


def discounts_of(counts: Array) -> Array:
    """What is taken off counts 0, 1, 2, and 3 or more (Chen & Goodman, equation 26): float [4].

    Where counts of counts are 0 or give a discount that is not below the count itself, the
    constants 1/2, 1 and 3/2 are taken instead.
    """
    often = np.bincount(np.minimum(counts, 5), minlength=6).astype(float)
    if not often[1:5].all():
        return FALLBACK
    share = often[1] / (often[1] + 2 * often[2])
    found = np.array([0.0, *(k - (k + 1) * share * often[k + 1] / often[k] for k in (1, 2, 3))])
    fits = (found[1:] > 0).all() and (found[1:] <= [1, 2, 3]).all()
    return found if fits else FALLBACK


def _next(numbers: Array) -> Array:
    """The n-grams that end at each position are the contexts of the next; the first has none."""
    return np.concatenate([[UNSEEN], numbers[:-1]])


def _check(train: Array, text: Array, characters: int, order: int) -> None:
    if order < 1:
        raise ValueError(f"order is {order}; an n-gram has at least 1 character")
    if not len(train):
        raise ValueError("the training text is empty")
    for name, ids in (("train", train), ("text", text)):
        if len(ids) and not 0 <= np.min(ids) <= np.max(ids) < characters:
            raise ValueError(f"{name} has ids from {np.min(ids)} to {np.max(ids)}; they must be "
                             f"from 0 to {characters - 1}")
