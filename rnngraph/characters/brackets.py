"""Closing brackets: how sure a model is of them, by the distance to where they were opened.

Karpathy, Johnson & Fei-Fei 2015, section 4.3. A bracket inside a string or a comment counts like
any other; one that was never opened is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..train.loop import Array
from .errors import RIGHT

PAIRS = {"}": "{", ")": "(", "]": "[", "”": "“"}
EDGES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


@dataclass(frozen=True)
class Closings:
    """Closing brackets of one kind whose distance is in [low, high): how many, the share that got
    at least 1/2, and the mean probability, of each model by its name."""

    bracket: str
    low: int
    high: int
    count: int
    right: Mapping[str, float]
    mean: Mapping[str, float]


def distances(text: str, closing: str) -> tuple[Array, Array]:
    """Places of a closing bracket, and the distance of each to its opening one: int [k], [k]."""
    opening, opened = PAIRS[closing], list[int]()
    places, back = list[int](), list[int]()
    for at, character in enumerate(text):
        if character == opening:
            opened.append(at)
        elif character == closing and opened:
            places.append(at)
            back.append(at - opened.pop())
    return np.array(places, int), np.array(back, int)


def closings(text: str, models: Mapping[str, Array]) -> list[Closings]:
    """Accuracy by kind and distance, from what each model gave the characters of ``text``."""
    found = []
    for closing in PAIRS:
        places, back = distances(text, closing)
        for low, high in pairwise(EDGES):
            at = places[(back >= low) & (back < high)]
            if len(at):
                found.append(Closings(
                    closing, low, high, len(at),
                    {name: float((p[at] >= RIGHT).mean()) for name, p in models.items()},
                    {name: float(p[at].mean()) for name, p in models.items()}))
    return found
