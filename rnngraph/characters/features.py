"""What a unit may follow in a text, character by character, and the unit that follows it best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..train.loop import Array
from .brackets import PAIRS

QUOTES = "\"“”"


@dataclass(frozen=True)
class Follower:
    """The unit whose value goes best with a feature: their correlation, and where it is."""

    feature: str
    name: str
    unit: int
    correlation: float


def features(text: str) -> dict[str, Array]:
    """Features by name, float [n]: what holds just after each character was read."""
    letters = np.array([c.isalnum() or c == "_" for c in text])
    return {
        "position in the line": _since(np.array([c == "\n" for c in text])),
        "inside quotes": _quoted(text),
        "depth of brackets": _depth(text),
        "position in the word": _since(~letters),
        "capital letter": np.array([c.isupper() for c in text], float),
    }


def followers(found: Mapping[str, Array], traced: Mapping[str, Array]) -> list[Follower]:
    """For each feature that varies, the unit with the greatest correlation by size.

    traced: values [n, units] by name.
    """
    best = []
    for feature, wanted in found.items():
        if wanted.std() == 0:
            continue
        candidates = [_closest(feature, wanted, name, v) for name, v in traced.items()]
        if candidates:
            best.append(max(candidates, key=lambda one: abs(one.correlation)))
    return best


def _closest(feature: str, wanted: Array, name: str, values: Array) -> Follower:
    a = wanted - wanted.mean()
    b = values.astype(np.float64) - values.mean(0, dtype=np.float64)
    size = np.sqrt((a @ a) * (b * b).sum(0))
    r = np.divide(a @ b, size, out=np.zeros(b.shape[1]), where=size > 0)
    unit = int(np.abs(r).argmax())
    return Follower(feature, name, unit, float(r[unit]))


def _since(event: Array) -> Array:
    """How many characters ago the event was, 0 where it is."""
    places = np.arange(len(event))
    last = np.maximum.accumulate(np.where(event, places, -1))
    return (places - last).astype(float)


def _quoted(text: str) -> Array:
    """1 from an opening quotation mark to the character before the closing one."""
    inside = np.zeros(len(text))
    is_open = False
    for at, character in enumerate(text):
        if character in QUOTES:
            is_open = character == "“" or (character == '"' and not is_open)
        elif character == "\n" and text[at - 1:at] == "\n":
            is_open = False  # a mark that was never closed ends with its paragraph
        inside[at] = is_open
    return inside


def _depth(text: str) -> Array:
    """How many brackets are open."""
    closing = {c: o for c, o in PAIRS.items() if c not in QUOTES}
    step = [(c in closing.values()) - (c in closing) for c in text]
    depth = np.cumsum(step)
    return (depth - np.minimum(np.minimum.accumulate(depth), 0)).astype(float)
