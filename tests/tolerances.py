"""THE table of tolerances: how far a result may lie from what it is compared with.

A bound is relative to the largest expected magnitude, but at least absolute: an error is allowed
up to ``bound * max(1, |expected|)``. tests/test_tolerances.py shows that each has teeth.
"""

from __future__ import annotations

import numpy as np

TOLERANCES = {
    # the same sums in another order, or the same formula in another form
    ("f64", "reordered"): 1e-11,
    ("f32", "reordered"): 1e-4,
    # compiled code, or another framework, against the reference
    ("f64", "parity"): 1e-12,
    ("f32", "parity"): 2e-6,
    # narrow weights against exact ones, over a few steps
    ("bf16", "rounded"): 3e-2,
    ("int8", "rounded"): 8e-2,
    # central differences with a step of 1e-6, of a value and of a gradient
    ("f64", "difference"): 2e-7,
    ("f64", "second difference"): 2e-6,
}


def error(actual: np.ndarray, expected: np.ndarray) -> float:
    """The error in units of the bounds; infinite where only one of them is a number."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    if not actual.size:
        return 0.0
    plain = np.isfinite(expected)
    if not np.array_equal(actual[~plain], expected[~plain], equal_nan=True):
        return np.inf
    if not plain.any():
        return 0.0
    worst = np.abs(actual[plain] - expected[plain]).max()
    return float(worst / max(1.0, np.abs(expected[plain]).max())) if worst == worst else np.inf


def assert_close(actual, expected, kind: str, dtype: str = "f64", what: str = "") -> None:
    """Fail where the error is above the table's bound for ``dtype`` and ``kind``."""
    found, bound = error(actual, expected), TOLERANCES[dtype, kind]
    assert found <= bound, f"{what}: error {found:.2e} above {bound:.0e} ({dtype} {kind})"


# where a rounding of every value on the way moves the exact result beyond the bound, code may be
# off by so many times as much, if that is not far
ILL, WORST = 4, 1e-3


def assert_as_close(actual, expected, moved, kind: str, dtype: str, what: str = "") -> None:
    """Like ``assert_close``, but for what is ill-conditioned in f32: ``moved()`` gives the exact
    results where every value on the way is off by a rounding."""
    bound = TOLERANCES[dtype, kind]
    if dtype == "f32" and error(actual, expected) > bound:
        bound = max(bound, min(ILL * max(error(other, expected) for other in moved()), WORST))
    found = error(actual, expected)
    assert found <= bound, f"{what}: error {found:.2e} above {bound:.0e} ({dtype} {kind})"
