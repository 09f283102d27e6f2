"""Retention, horizon, Lyapunov exponents and fixed points, where they are known."""

import numpy as np
import pytest
from test_routes import MATRIX, ROWS, STEPS, H, compiled, drawn
from tolerances import assert_close

import rnngraph as rg
from rnngraph.inspect import fixed_points, horizon, lyapunov, retention
from rnngraph.inspect.horizon import step_jacobians
from rnngraph.runtime.arrays import ArgumentError

LEAK = "cell Leak\ninput x[]\nstate s[]\nconst a = 0.7\ns' = a * s + x"
TURN = "cell Turn\ninput x[]\nstate s[H]\nparam W[H, H]\ns' = W @ s + x"


@pytest.mark.parametrize(("name", "state", "gate"), [
    ("lstm", "c", lambda v: v["f"]), ("gru", "h", lambda v: v["z"]),
    ("peephole_lstm", "c", lambda v: v["f"]),
])  # fmt: skip
def test_retention_is_the_gate(name, state, gate):
    made = compiled(name)
    params, x, _, _ = drawn(made)
    found = retention(made, params, x)
    expected = gate(made.trace(params, x))
    assert found.diagonal == dict.fromkeys(made.graph.states, True)
    assert_close(found.rho[state], expected, "reordered")
    assert_close(found.half_life[state], np.log(0.5) / np.log(expected), "reordered")
    if name != "gru":
        assert not found.rho["h"].any() and not found.half_life["h"].any()


def test_a_carry_that_mixes_units_is_not_diagonal():
    made = compiled(TURN)
    W = np.random.default_rng(0).normal(size=(H, H))
    found = retention(made, {"W": W}, np.zeros((STEPS, ROWS)), lengths=[STEPS, 2])
    assert found.diagonal == {"s": False} and "not diagonal" in str(found)
    assert_close(found.rho["s"][:, 0], np.tile(np.diag(W), (STEPS, 1)), "reordered")
    assert np.isnan(found.rho["s"][2:, 1]).all() and not np.isnan(found.rho["s"][:2]).any()


def test_jacobians_are_differences():
    made = compiled(MATRIX)
    params, x, _, _ = drawn(made)
    found = step_jacobians(made, params, x)[3]
    old = made.run(params, {"x": x["x"][:3]})[1]
    n = sum(a[0].size for a in old.values())
    assert found.shape == (ROWS, n, n)
    direction = np.random.default_rng(0).normal(size=(ROWS, n))
    steps = np.cumsum([a[0].size for a in old.values()])[:-1]
    parts = {s: p.reshape(old[s].shape)
             for s, p in zip(old, np.split(direction, steps, axis=1), strict=True)}  # fmt: skip
    ends = [made.run(params, {"x": x["x"][3:4]}, {s: old[s] + e * parts[s] for s in old})[1]
            for e in (1e-6, -1e-6)]  # fmt: skip
    moved = np.hstack([((ends[0][s] - ends[1][s]) / 2e-6).reshape(ROWS, -1) for s in old])
    assert_close(np.einsum("bij,bj->bi", found, direction), moved, "difference")


def test_a_leak_has_its_exponent_and_horizon():
    made = rg.parse(LEAK).compile(dtype="f64")
    x = np.ones((9, 1))
    assert_close(lyapunov(made, {}, x).exponents, np.full((1, 1), np.log(0.7)), "reordered")
    assert horizon(made, {}, x).steps == 2  # 0.49
    assert_close(horizon(made, {}, x).norms, 0.7 ** np.arange(1, 10), "reordered")
    assert horizon(made, {}, x[:1]).steps is None


def test_a_scaled_rotation_has_equal_exponents():
    made = compiled(TURN)
    W = 1.1 * np.linalg.qr(np.random.default_rng(0).normal(size=(H, H)))[0]
    found = lyapunov(made, {"W": W}, np.zeros((8, ROWS)), skip=2).exponents
    assert_close(found, np.full((ROWS, H), np.log(1.1)), "reordered")
    assert_close(horizon(made, {"W": W}, np.zeros((8, ROWS))).norms, 1.1 ** np.arange(1, 9),
                 "reordered")  # fmt: skip


def test_a_three_bit_flip_flop_has_eight_stable_points():
    """Three bits that pulses set, in a plain RNN of three pairs of units."""
    made = rg.load("rnn").compile(dtype="f64", I=3, H=6)
    pairs = np.kron(np.eye(3), np.ones((2, 2)))
    rng = np.random.default_rng(0)
    params = {"U": 0.9 * pairs + 0.02 * rng.normal(size=(6, 6)), "b": np.zeros(6),
              "W": 4 * np.kron(np.eye(3), np.ones((2, 1)))}  # fmt: skip
    pulses = rng.choice([-1.0, 0.0, 1.0], (40, 16, 3), p=[0.15, 0.7, 0.15])
    found = fixed_points(made, params, pulses, np.zeros(3), noise=0.3, starts=400,
                         tolerance=1e-26)  # fmt: skip
    h = found.states["h"][found.stable]
    assert len(h) == 8 and len({tuple(bits) for bits in np.sign(h[:, ::2])}) == 8
    assert (found.speed <= 1e-26).all() and found.found.sum() <= found.starts
    held = made.run(params, np.zeros((1, len(found), 3)), {"h": found.states["h"]})[1]["h"]
    assert_close(held, found.states["h"], "reordered")
    assert 8 < len(found) <= 27 and not found.stable.all()
    assert "8 of them stable" in str(found)


def test_a_time_constant():
    made = rg.parse(LEAK).compile(dtype="f64")
    found = fixed_points(made, {}, np.zeros((3, 2)), 0.6)
    assert_close(found.states["s"], [2.0], "reordered")
    assert_close(found.time_constants, [[-1 / np.log(0.7)]], "reordered")


def test_refusals():
    made = rg.parse(LEAK).compile(dtype="f64")
    with pytest.raises(ArgumentError, match="'x' has shape"):
        fixed_points(made, {}, np.zeros((3, 2)), np.zeros(2))
    with pytest.raises(ArgumentError, match="no state to begin with"):
        fixed_points(made, {}, np.zeros((0, 2)), 0.0)
    with pytest.raises(ArgumentError, match="skip must be"):
        lyapunov(made, {}, np.zeros((3, 2)), skip=3)
