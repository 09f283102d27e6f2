"""Every tolerance has teeth: an error just above it fails."""

import numpy as np
import pytest
from tolerances import ILL, TOLERANCES, WORST, assert_as_close, assert_close, error


@pytest.mark.parametrize(("dtype", "kind"), TOLERANCES)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_an_error_just_above_the_bound_fails(dtype, kind, scale):
    expected = scale * np.linspace(-1, 1, 5)
    allowed = TOLERANCES[dtype, kind] * max(1.0, scale)
    assert_close(expected + 0.9 * allowed, expected, kind, dtype)
    with pytest.raises(AssertionError, match="above"):
        assert_close(expected + 1.1 * allowed * np.eye(5)[2], expected, kind, dtype)


def test_bounds_are_small():
    exact = [bound for (_, kind), bound in TOLERANCES.items() if kind != "rounded"]
    assert max(exact) <= 1e-4
    assert TOLERANCES["bf16", "rounded"] < TOLERANCES["int8", "rounded"] < 0.1


@pytest.mark.parametrize(("actual", "expected"), [(np.nan, 1.0), (1.0, np.nan), (np.inf, -np.inf)])
def test_what_is_no_number_is_an_error(actual, expected):
    assert error(np.array([0.0, actual]), np.array([0.0, expected])) == np.inf
    assert error(np.array([0.0, expected]), np.array([0.0, expected])) == 0.0


@pytest.mark.parametrize("times", [0.0, 0.2, 0.3, 2.0, 1e6])
def test_only_what_is_ill_conditioned_is_excused_and_not_for_much(times):
    """``times``: how far a rounding moves the result, in units of the bound."""
    unit, zero = TOLERANCES["f32", "parity"], np.zeros(3)
    allowed = max(unit, min(ILL * times * unit, WORST))

    def close(off, dtype):
        moved = [zero, zero + times * unit]
        assert_as_close(zero + off, zero, lambda: moved, "parity", dtype)

    close(0.99 * allowed, "f32")
    for off, dtype in ((1.01 * allowed, "f32"), (1.01 * TOLERANCES["f64", "parity"], "f64")):
        with pytest.raises(AssertionError, match="above"):
            close(off, dtype)
