"""Initialisers: what is drawn lies where it should, and fills it."""

from __future__ import annotations

import numpy as np
import pytest

import rnngraph as rg
from rnngraph.runtime.draw import KINDS

N = 4000
# initialiser -> what is uniform between the bounds
UNIFORM = {
    "uniform(0.5)": (lambda v: v, -0.5, 0.5),
    "range(0.25, 2)": (lambda v: v, 0.25, 2),
    "range(-3, -1)": (lambda v: v, -3, -1),
    "log_range(1, 99)": (np.exp, 1, 99),
}


def drawn(init: str) -> np.ndarray:
    cell = rg.parse(f"cell C\nparam p[H] ~ {init}\ninput x[]\nstate h[] = 0\n"
                    "h' = 0.5 * h + x * sum(p)")  # fmt: skip
    return cell.compile(H=N, dtype="f64").init(0)["p"]


@pytest.mark.parametrize("init", UNIFORM)
def test_uniform_between_its_bounds(init):
    of, low, high = UNIFORM[init]
    values = np.sort((of(drawn(init)) - low) / (high - low))
    assert values[0] >= 0 and values[-1] <= 1
    even = (np.arange(N) + 0.5) / N
    assert np.abs(values - even).max() < 1.9 / np.sqrt(N)  # Kolmogorov-Smirnov, far beyond 0.1%


def test_the_language_and_the_run_time_know_the_same_initialisers():
    from rnngraph.check.declare import INITS

    assert set(INITS) - {"zeros", "ones"} == set(KINDS)


@pytest.mark.parametrize(("init", "message"), [
    ("range(2, 1)", "two numbers, the smaller one first"),
    ("uniform(1, 2)", "takes 1 number, 2 given"),
    ("log_range(1)", "takes 2 numbers, 1 given"),
    ("log_range(0, 1)", "two positive numbers"),
])  # fmt: skip
def test_bounds_that_cannot_be(init, message):
    with pytest.raises(rg.CellError, match=message):
        drawn(init)
