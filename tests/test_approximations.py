"""Elementary functions in lane verbs: error in ulp against extended precision, and the edges.

Every function runs compiled, on each instruction set this machine has. In f32 the whole range of
floats is covered by test_every_float.py; here both precisions meet NumPy's 80-bit functions, which
are worked out by other formulas in another library.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from lane_kernels import AVAILABLE, DTYPES, mapped, ulps

from rnngraph.backends.llvm.target import host, named
from rnngraph.ops import approximations
from rnngraph.ops.lanes import Lanes, Real, Vector

REALS: tuple[Real, ...] = ("f32", "f64")
INF, NAN = float("inf"), float("nan")

# The largest error allowed, in ulp; what is promised of the first four is 2.5.
TOLERANCE = {
    "exp": 1.05, "tanh": 2.45, "sigmoid": 2.41, "log": 0.9,
    "expm1": 2.2, "log1p": 1.6, "sin": 2.5, "cos": 2.5,
}  # fmt: skip


def wide_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(x) / (1 + np.exp(x)))


WIDE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp, "expm1": np.expm1, "tanh": np.tanh, "log": np.log, "log1p": np.log1p,
    "sin": np.sin, "cos": np.cos, "sigmoid": wide_sigmoid,
}  # fmt: skip

needs_wide = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 60, reason="long double is no wider than double here"
)


def samples(name: str, real: Real) -> np.ndarray:
    """Points of every scale in the domain, denser where the function bends."""
    rng, n, info = np.random.default_rng(3), 60_000, np.finfo(DTYPES[real])
    edge = info.maxexp * 0.6931
    scales = 2.0 ** rng.uniform(info.minexp - info.nmant, 3, n)
    if name == "log":
        every = 2.0 ** rng.uniform(info.minexp - info.nmant, info.maxexp - 1e-3, 2 * n)
        parts = [every, rng.uniform(0.5, 2, 2 * n), rng.uniform(0.99, 1.01, n)]
    elif name == "log1p":
        tiny = -(2.0 ** rng.uniform(-info.nmant - 9, -0.01, n))
        parts = [scales, tiny, 2.0 ** rng.uniform(-9, edge, n), rng.uniform(-0.5, 2, 2 * n)]
    elif name in ("sin", "cos"):
        near_roots = np.arange(-6000, 6000) * (np.pi / 2)
        parts = [scales, -scales, rng.uniform(-8, 8, n), rng.uniform(-1e4, 1e4, n), near_roots]
    else:
        parts = [scales, -scales, rng.uniform(-1.1, 1.1, 2 * n), rng.uniform(-25, 25, n)]
        parts.append(rng.uniform(-1.1 * edge, 1.02 * edge, n))
    return np.concatenate(parts).astype(DTYPES[real])


def error(name: str, real: Real, got: np.ndarray, x: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(np.max(ulps(got, WIDE[name](x.astype(np.longdouble)))))


@needs_wide
@pytest.mark.parametrize("target", AVAILABLE)
@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize("name", TOLERANCE)
def test_error_in_ulp(name: str, real: Real, target: str) -> None:
    x = samples(name, real)
    got = mapped(getattr(approximations, name), real, named(target))(x)
    assert error(name, real, got, x) <= TOLERANCE[name]


@needs_wide
@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize("name", TOLERANCE)
def test_an_error_above_the_tolerance_is_seen(name: str, real: Real) -> None:
    x = samples(name, real)
    got = mapped(getattr(approximations, name), real, host())(x)
    steps = int(np.ceil(TOLERANCE[name] + 0.51))
    middle = np.flatnonzero(np.isfinite(got) & (np.abs(got) > 0.01))[len(x) // 4]
    for _ in range(steps):
        got[middle] = np.nextafter(got[middle], got.dtype.type(INF))
    assert error(name, real, got, x) > TOLERANCE[name]


EDGES: dict[str, list[tuple[float, float]]] = {
    "exp": [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (1e4, INF), (-1e4, 0.0)],
    "expm1": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1.0), (1e4, INF), (-1e4, -1.0)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (1e4, 1.0), (-1e4, -1.0)],
    "sigmoid": [(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (1e4, 1.0), (-1e4, 0.0)],
    "log": [(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-INF, NAN), (-1.0, NAN)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (INF, INF), (-2.0, NAN), (-INF, NAN)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)],
    "cos": [(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN)],
    "sign": [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (-1e-30, -1.0), (7.0, 1.0)],
}


def same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Equal, the sign of zero included, or both NaN."""
    return ((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))


@pytest.mark.parametrize("target", AVAILABLE)
@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize("name", EDGES)
def test_infinities_zeros_and_nan(name: str, real: Real, target: str) -> None:
    x, want = np.array([*EDGES[name], (NAN, NAN)], dtype=DTYPES[real]).T
    got = mapped(getattr(approximations, name), real, named(target))(x)
    assert same(got, want).all(), dict(zip(x.tolist(), got.tolist(), strict=True))


@pytest.mark.parametrize("target", AVAILABLE)
@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize("name", ["expm1", "tanh", "log1p", "sin"])
def test_what_is_the_identity_near_zero_keeps_the_smallest_numbers(
    name: str, real: Real, target: str
) -> None:
    info = np.finfo(DTYPES[real])
    tiny = np.array([1, 2, 3, 5, 1001]) * info.smallest_subnormal
    x = np.concatenate([tiny, -tiny, [info.tiny, -info.tiny]]).astype(DTYPES[real])
    got = mapped(getattr(approximations, name), real, named(target))(x)
    assert np.array_equal(got, x)


@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_waves_of_huge_arguments_stay_within_one(name: str, real: Real) -> None:
    x = np.exp(np.linspace(9.3, np.finfo(DTYPES[real]).maxexp * 0.693, 5000)).astype(DTYPES[real])
    for target in AVAILABLE:
        got = mapped(getattr(approximations, name), real, named(target))(x)
        assert (np.abs(got) <= 1).all()


@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize("name", TOLERANCE)
def test_the_vector_width_does_not_change_a_bit(name: str, real: Real) -> None:
    x, target = samples(name, real)[::7], host()
    whole = mapped(getattr(approximations, name), real, target)(x)
    for width in (1, 2, 4):
        part = mapped(getattr(approximations, name), real, target, width)(x)
        assert same(whole, part).all()


@pytest.mark.parametrize("target", AVAILABLE)
@pytest.mark.parametrize("real", REALS)
def test_power_has_the_edges_of_c99(real: Real, target: str) -> None:
    numbers = [0.0, 1.0, 2.0, 3.0, 0.5, 2.5, 1e30, INF]
    grid = np.array([*numbers, *(-n for n in numbers), NAN], dtype=DTYPES[real])
    a, p = (m.ravel() for m in np.meshgrid(grid, grid))
    got = mapped(approximations.power, real, named(target), arity=2)(a, p)
    with np.errstate(all="ignore"):
        want = np.power(a, p)
    near = np.isclose(got, want, rtol=200 * np.finfo(grid.dtype).eps, atol=0)
    wrong = ~(same(got, want) | (near & (np.signbit(got) == np.signbit(want))))
    assert not wrong.any(), list(zip(a[wrong], p[wrong], got[wrong], want[wrong], strict=True))


@needs_wide
@pytest.mark.parametrize("target", AVAILABLE)
@pytest.mark.parametrize("real", REALS)
def test_power_is_as_accurate_as_it_says(real: Real, target: str) -> None:
    rng, dtype = np.random.default_rng(4), DTYPES[real]
    a = (10.0 ** rng.uniform(-4, 4, 50_000)).astype(dtype)
    p = rng.uniform(-6, 6, 50_000).astype(dtype)
    got = mapped(approximations.power, real, named(target), arity=2)(a, p)
    wide = a.astype(np.longdouble), p.astype(np.longdouble)
    allowed = 2 + 2 * np.abs(wide[1] * np.log(wide[0])).astype(float)
    assert (ulps(got, wide[0] ** wide[1]) <= allowed).all()


@pytest.mark.parametrize("target", AVAILABLE)
@pytest.mark.parametrize("real", REALS)
def test_mod_has_the_sign_and_range_of_its_second_operand(real: Real, target: str) -> None:
    rng, dtype = np.random.default_rng(5), DTYPES[real]
    x = rng.uniform(-100, 100, 20_000).astype(dtype)
    y = (rng.choice([-1, 1], x.size) * rng.uniform(0.1, 9, x.size)).astype(dtype)
    x[:200], y[:200] = rng.integers(-50, 50, 200), rng.integers(1, 9, 200)
    got = mapped(approximations.mod, real, named(target), arity=2)(x, y)
    want = np.mod(x, y)
    # Just below a multiple the remainder may come out on either side of the seam.
    around = np.minimum(np.abs(got - want), np.abs(np.abs(got - want) - np.abs(y)))
    assert (around <= 100 * np.finfo(dtype).eps).all()
    assert (got * np.sign(y) >= 0).all() and (np.abs(got) < np.abs(y)).all()


def test_mod_of_zero_is_nan() -> None:
    got = mapped(approximations.mod, "f32", host(), arity=2)(np.ones(3), np.zeros(3))
    assert np.isnan(got).all()


@pytest.mark.parametrize("real", REALS)
def test_a_wrong_formula_fails_the_measure(real: Real) -> None:
    def textbook(b: Lanes, x: Vector) -> Vector:
        one, two = b.const(1.0), b.const(2.0)
        return b.sub(one, b.div(two, b.add(approximations.exp(b, b.mul(two, x)), one)))

    x = samples("tanh", real)
    assert error("tanh", real, mapped(textbook, real, host())(x), x) > 1000
