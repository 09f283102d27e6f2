"""Retention, horizon, Lyapunov exponents and fixed points: where they are known, and for models of
every kind against differences, the NumPy reference, or what the cell itself comes to."""

from functools import reduce

import numpy as np
import pytest
from inspected import KINDS, Apart, B, T, flat, model, sentences
from test_routes import MATRIX, ROWS, STEPS, H, compiled, drawn, reference
from tolerances import assert_close

import rnngraph as rg
from rnngraph.inspect import fixed_points, horizon, lyapunov, retention
from rnngraph.inspect.horizon import step_jacobians
from rnngraph.runtime.arrays import ArgumentError

LEAK = "cell Leak\ninput x[]\nstate s[]\nconst a = 0.7\ns' = a * s + x"
TURN = "cell Turn\ninput x[]\nstate s[H]\nparam W[H, H]\ns' = W @ s + x"


@pytest.mark.parametrize(("name", "state", "gate"), [
    ("lstm", "c", "f"), ("gru", "h", "z"),
])  # fmt: skip
def test_retention_is_the_gate(name, state, gate):
    made = compiled(name)
    params, x, _, _ = drawn(made)
    found = retention(made, params, x)
    expected = reference(made, params, x, trace=[gate]).values[gate]
    assert found.diagonal == dict.fromkeys(made.graph.states, True)
    assert_close(found.rho[state], expected, "reordered")
    assert_close(found.half_life[state], np.log(0.5) / np.log(expected), "reordered")
    if name != "gru":
        assert not found.rho["h"].any() and not found.half_life["h"].any()


@pytest.mark.parametrize("kind", KINDS)
def test_retention_is_what_is_left_where_gates_are_held(kind):
    compiled, params = model(kind)
    found = retention(compiled, params, sentences())
    apart = Apart(compiled, params, sentences())
    carry, first = apart.slopes(apart.held), 0
    for name, rho in found.rho.items():
        size = apart.old[name][0].size
        own = carry[:, first : first + size, first : first + size]
        assert_close(rho.reshape(T * B, size), np.einsum("ruu->ru", own), "difference", what=name)
        assert_close(own * (1 - np.eye(size)), 0 * own, "difference", what=name)
        assert found.diagonal[name]
        first += size


@pytest.mark.parametrize("kind", KINDS)
def test_half_is_left_after_a_half_life(kind):
    compiled, params = model(kind)
    found = retention(compiled, params, sentences())
    for name, rho in found.rho.items():
        life, kept = found.half_life[name], np.abs(rho)
        some = (kept > 0) & (kept < 1)
        assert_close(kept[some] ** life[some], np.full(some.sum(), 0.5), "reordered", what=name)
        assert not life[kept == 0].any() and np.isinf(life[kept >= 1]).all()
    assert any(rho.any() for rho in found.rho.values())


def test_a_carry_that_mixes_units_is_not_diagonal():
    made = compiled(TURN)
    W = np.random.default_rng(0).normal(size=(H, H))
    found = retention(made, {"W": W}, np.zeros((STEPS, ROWS)), lengths=[STEPS, 2, STEPS, 1])
    assert found.diagonal == {"s": False} and "not diagonal" in str(found)
    assert_close(found.rho["s"][:, 0], np.tile(np.diag(W), (STEPS, 1)), "reordered")
    assert np.isnan(found.rho["s"][2:, 1]).all() and not np.isnan(found.rho["s"][:1]).any()


def test_jacobians_are_differences():
    made = compiled(MATRIX)
    params, x, _, _ = drawn(made)
    found = step_jacobians(made, params, x)[3]
    old = reference(made, params, {"x": x["x"][:3]}).finals
    n = sum(a[0].size for a in old.values())
    assert found.shape == (ROWS, n, n)
    direction = np.random.default_rng(0).normal(size=(ROWS, n))
    steps = np.cumsum([a[0].size for a in old.values()])[:-1]
    parts = {s: p.reshape(old[s].shape)
             for s, p in zip(old, np.split(direction, steps, axis=1), strict=True)}  # fmt: skip
    ends = [reference(made, params, {"x": x["x"][3:4]},
                      {s: old[s] + e * parts[s] for s in old}).finals
            for e in (1e-6, -1e-6)]  # fmt: skip
    moved = np.hstack([((ends[0][s] - ends[1][s]) / 2e-6).reshape(ROWS, -1) for s in old])
    assert_close(np.einsum("bij,bj->bi", found, direction), moved, "difference")


@pytest.mark.parametrize("kind", KINDS)
def test_every_jacobian_is_the_references(kind):
    compiled, params = model(kind)
    apart = Apart(compiled, params, sentences())
    expected, found = apart.slopes(apart.reference), step_jacobians(compiled, params, sentences())
    assert_close(found, expected.reshape(T, B, *expected.shape[1:]), "difference", what=kind)


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


@pytest.mark.parametrize("kind", KINDS)
def test_the_horizon_is_of_products_of_jacobians(kind):
    compiled, params = model(kind)
    found = horizon(compiled, params, sentences())
    every = step_jacobians(compiled, params, sentences())
    for k in range(1, T + 1):
        over = [reduce(np.matmul, every[t : t + k][::-1]) for t in range(T - k + 1)]
        expected = np.median(np.sqrt((np.array(over) ** 2).mean(-1).sum(-1)))
        assert_close(found.norms[k - 1], expected, "reordered", what=f"{k} steps")
    below = [k for k, norm in enumerate(found.norms, 1) if norm < 0.5]
    assert found.steps == (below[0] if below else None)


@pytest.mark.parametrize("skip", [0, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_exponents_are_of_the_edges_of_a_volume(kind, skip):
    compiled, params = model(kind)
    found = lyapunov(compiled, params, sentences(), skip=skip).exponents
    every = step_jacobians(compiled, params, sentences())
    expected = [edges(every[:, row], skip) for row in range(B)]
    assert_close(found, expected, "reordered", what=kind)
    volumes = np.linalg.slogdet(every[skip:])[1].mean(0)
    assert_close(found.sum(1), volumes, "reordered", what=kind)


def edges(jacobians, skip):
    """How fast the edges of a cube grow, the fastest first: by Gram and Schmidt's method, in longer
    numbers, and twice, so that what is left of an edge is at right angles to the others."""
    turned = np.eye(jacobians.shape[-1], dtype=np.longdouble)
    total = np.zeros(len(turned))
    for t, jacobian in enumerate(jacobians):
        turned = jacobian @ turned
        for i, edge in enumerate(turned.T):
            for j in [*range(i), *range(i)]:
                edge -= (turned[:, j] @ edge) * turned[:, j]
            length = np.sqrt(edge @ edge)
            edge /= length
            total[i] += np.log(length) if t >= skip else 0
    return -np.sort(-total / (len(jacobians) - skip))


AT = {"token": 3, "target": 0, "weight": 1.0}


def small(kind, at):
    """A model of smaller weights, which comes to rest under some words; its fixed points under one
    from the states of some sentences, with a small speed; and steps from these states under it."""
    compiled, params = model(kind)
    params = {name: 0.75 * array for name, array in params.items()}
    found = fixed_points(compiled, params, sentences(), at, starts=T * B, tolerance=1e-24)
    apart = Apart(compiled, params, sentences())
    apart.x = {name: np.full((1, T * B), value) for name, value in at.items()}
    return found, apart


@pytest.mark.parametrize("word", [3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_states_from_which_a_cell_comes_to_rest_lead_to_fixed_points(kind, word):
    found, apart = small(kind, {**AT, "token": word})
    held = flat(apart.reference(range(len(found)), found.states))
    assert_close(held, flat(found.states), "reordered", what=kind)
    ends, rests = late(apart)
    assert found.starts == T * B and rests.sum() <= found.found.sum() <= T * B
    # a search may lead elsewhere than the cell goes, but not often
    gaps = np.linalg.norm(ends[rests][:, None] - flat(found.states)[found.stable], axis=2)
    assert (gaps.min(1, initial=np.inf) < 1e-6).mean() > 0.9 if rests.any() else not len(found)


def late(apart):
    """Where thousands of steps of one input take each state, and whether it rests there."""
    x = {name: np.repeat(array, 8000, 0) for name, array in apart.x.items()}
    ends = apart.compiled.run(apart.params, x, apart.old, outputs=["loss"])[1]
    moved = flat(apart.reference(range(T * B), ends)) - flat(ends)
    return flat(ends), np.abs(moved).max(1) < 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_time_constants_are_of_the_modes_at_a_fixed_point(kind):
    found, apart = small(kind, AT)
    apart.old = found.states
    expected = apart.slopes(apart.reference)
    assert_close(found.jacobians, expected, "difference", what=kind)
    sizes = -np.sort(-np.abs(np.linalg.eigvals(expected)), axis=1)
    assert (found.stable == (sizes < 1).all(1)).all() and found.stable.any()
    a_step = np.exp(np.where(sizes < 1, -1, 1) / found.time_constants)
    assert_close(a_step, sizes, "difference", what=kind)


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
    held = reference(made, params, {"x": np.zeros((1, len(found), 3))}, found.states).finals["h"]
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
