"""Learning rates as pure functions of the step number, so that a resumed run needs no memory."""

from __future__ import annotations

import math
from collections.abc import Callable

Rate = Callable[[int], float]


def constant(start: float, end: float, steps: int) -> Rate:
    """The same rate at every step (`end` and `steps` do not matter)."""
    return lambda step: start


def linear(start: float, end: float, steps: int) -> Rate:
    """From `start` at step 0 straight to `end` at step `steps`, and `end` from then on."""
    return lambda step: start + (end - start) * _share(step, steps)


def cosine(start: float, end: float, steps: int) -> Rate:
    """From `start` at step 0 along half a cosine to `end` at step `steps`, then `end`."""
    return lambda step: end + (start - end) * (1 + math.cos(math.pi * _share(step, steps))) / 2


RATES = {"constant": constant, "linear": linear, "cosine": cosine}


def _share(step: int, steps: int) -> float:
    return min(1.0, step / steps) if steps > 0 else 1.0
