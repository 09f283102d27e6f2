"""Copy memory: symbols are shown, then nothing, and after a sign they are to be said again.

    read    s s s   . . . . . .   ! . .
    say     . . .   . . . . . .   s s s

Hochreiter & Schmidhuber 1997; in this form Arjovsky, Shah & Bengio 2016, Unitary Evolution
Recurrent Neural Networks, section 5.1. Without a memory the blanks can be said, and the symbols
only guessed.
"""

from __future__ import annotations

import math

import numpy as np


def copying(
    rng: np.random.Generator, symbols: int, length: int, delay: int, rows: int
) -> dict[str, np.ndarray]:
    """Sequences of copy memory, time-major: ``length`` of so many symbols, kept over ``delay``.

    token and target int32 [delay + 2 * length, rows]; weight float32, all 1. Symbols are 0 to
    symbols - 1, the blank is ``symbols`` and the sign ``symbols + 1``. Raises ValueError unless
    all numbers are at least 1.
    """
    if min(symbols, length, delay, rows) < 1:
        raise ValueError("symbols, length, delay and rows of copy memory are at least 1")
    shown = rng.integers(0, symbols, (length, rows))
    token = np.full((delay + 2 * length, rows), symbols, np.int32)
    target = token.copy()
    token[:length], token[length + delay - 1] = shown, symbols + 1
    target[-length:] = shown
    # the answer begins one step after the sign
    return {"token": token, "target": target, "weight": np.ones(token.shape, np.float32)}


def memoryless(symbols: int, length: int, delay: int) -> float:
    """The cost of guessing, in nats a step."""
    return length * math.log(symbols) / (delay + 2 * length)
