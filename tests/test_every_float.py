"""The activations' error over every one of the 2**32 floats, against the same functions in f64.

The f64 functions are measured by test_approximations.py; their own error is a 2**-29th of what is
measured here. Half a minute to a minute in all: `pytest -m slow`.
"""

from __future__ import annotations

import pytest
from lane_kernels import AVAILABLE, worst

from rnngraph.backends.llvm.target import host, named
from rnngraph.ops import approximations
from rnngraph.ops.lanes import Lanes, Vector

# In ulp. The bound promised is 2.5 for each; these hold the functions to what they reach.
TOLERANCE = {"exp": 1.05, "tanh": 2.45, "sigmoid": 2.41, "log": 0.9, "expm1": 1.7, "log1p": 1.6}
EVERY = 1 << 32
PRIME = 1009


@pytest.mark.slow
@pytest.mark.parametrize("name", TOLERANCE)
def test_every_float(name: str) -> None:
    error = worst(getattr(approximations, name), host())(0, 1, EVERY)
    print(f"{name}: {error:.4f} ulp")
    assert error <= TOLERANCE[name]


@pytest.mark.parametrize("target", AVAILABLE)
@pytest.mark.parametrize("name", TOLERANCE)
def test_floats_spread_over_the_whole_range(name: str, target: str) -> None:
    error = worst(getattr(approximations, name), named(target))(7, PRIME, EVERY // PRIME // 64 * 64)
    assert error <= TOLERANCE[name]


def textbook_tanh(b: Lanes, x: Vector) -> Vector:
    """Cancels near 0."""
    one, two = b.const(1.0), b.const(2.0)
    return b.sub(one, b.div(two, b.add(approximations.exp(b, b.mul(two, x)), one)))


def textbook_sigmoid(b: Lanes, x: Vector) -> Vector:
    """Overflows before its result underflows."""
    one = b.const(1.0)
    return b.div(one, b.add(one, approximations.exp(b, b.neg(x))))


def no_nan(b: Lanes, x: Vector) -> Vector:
    """In f32 only, gives a number for NaN."""
    y = approximations.exp(b, x)
    return b.select(b.eq(x, x), y, b.const(0.0)) if b.real == "f32" else y


@pytest.mark.parametrize("wrong", [textbook_tanh, textbook_sigmoid, no_nan])
def test_the_measure_has_teeth(wrong: object) -> None:
    assert worst(wrong, host())(7, PRIME, EVERY // PRIME // 64 * 64) > 2.5  # type: ignore[arg-type]


def test_a_perturbation_just_above_the_tolerance_is_seen() -> None:
    def off(b: Lanes, x: Vector) -> Vector:
        y = approximations.log(b, x)
        return b.mul(y, b.const(1.0 + 2.0**-23)) if b.real == "f32" else y

    error = worst(off, host())(7, PRIME, EVERY // PRIME // 64 * 64)
    assert TOLERANCE["log"] < error < 4
