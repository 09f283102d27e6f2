"""The adding problem: two of many numbers are marked, and their sum is wanted at the end.

Hochreiter & Schmidhuber 1997, Long Short-Term Memory, experiment 4; numbers of [0, 1) as in Le,
Jaitly & Hinton 2015. Always to answer 1 costs 1/6.
"""

from __future__ import annotations

import numpy as np

MEMORYLESS = 1 / 6  # the variance of a sum of two numbers of [0, 1)


def adding(rng: np.random.Generator, steps: int, rows: int) -> dict[str, np.ndarray]:
    """Sequences of the adding problem, float32, time-major.

    signal [steps, rows, 2]: a number of [0, 1), and 1 at two steps, one in each half, else 0.
    target [steps, rows, 1]: the sum of the marked numbers. weight [steps, rows]: 1 at the last
    step, else 0. Raises ValueError for fewer than 2 steps.
    """
    if steps < 2:
        raise ValueError(f"the adding problem needs at least 2 steps, not {steps}")
    row, half = np.arange(rows), steps // 2
    signal = np.zeros((steps, rows, 2), np.float32)
    signal[..., 0] = rng.random((steps, rows), np.float32)
    marked = rng.integers(0, half, rows), rng.integers(half, steps, rows)
    for place in marked:
        signal[place, row, 1] = 1
    total = sum(signal[place, row, 0] for place in marked)
    weight = np.zeros((steps, rows), np.float32)
    weight[-1] = 1
    target = np.broadcast_to(total[None, :, None], (steps, rows, 1))
    return {"signal": signal, "target": np.ascontiguousarray(target), "weight": weight}
