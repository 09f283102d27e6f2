"""A call that is replayed answers as one that is not: replays remember where things lie, never
what they hold."""

from __future__ import annotations

import numpy as np
import pytest

import rnngraph as rg
from rnngraph.runtime.arrays import ArgumentError

T, B, I, H = 4, 2, 3, 5  # noqa: E741


@pytest.fixture
def cell():
    return rg.load("lstm").compile(I=I, H=H)


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(T, B, I)).astype(np.float32)


def fresh(compiled, params, x, state=None):
    """What a call gives that cannot be a replay."""
    return compiled.run({k: v.copy() for k, v in params.items()}, x.copy(), state)[0]


@pytest.mark.parametrize("order", ["given first", "given later"])
def test_states_are_not_remembered(cell, x, order):
    params = cell.init(0)
    state = {name: np.ones((B, H), np.float32) for name in cell.graph.states}
    calls = [state, None, state, None]
    for given in calls if order == "given first" else calls[1:]:
        assert np.array_equal(cell.run(params, x, given)[0], fresh(cell, params, x, given))


def test_a_learned_first_state_is_read_again(x):
    text = "cell C\ninput x[I]\nstate h[I] = first\nparam first[I] = 1\nh' = tanh(h + x)"
    compiled = rg.parse(text).compile(I=I)
    params = compiled.init(0)
    for _ in range(3):
        params["first"] += 1
        assert np.array_equal(compiled.run(params, x)[0], fresh(compiled, params, x))


def test_parameters_changed_in_place_are_read_again(cell, x):
    params = cell.init(0)
    for _ in range(3):
        params["W_f"] *= 2
        assert np.array_equal(cell.run(params, x)[0], fresh(cell, params, x))


def test_parameters_reshaped_in_place_are_looked_at_again(cell, x):
    params = cell.init(0)
    cell.run(params, x)
    params["W_f"].shape = (H + I, H)
    with pytest.raises(ArgumentError, match="'W_f' has shape"):
        cell.run(params, x)


def test_parameters_moved_in_memory_are_found_again(cell, x):
    params = cell.init(0)
    params["W_f"] = np.array(params["W_f"])
    cell.run(params, x)
    params["W_f"].resize((1 << 10, H + I), refcheck=False)
    with pytest.raises(ArgumentError, match="'W_f' has shape"):
        cell.run(params, x)
    params["W_f"].resize((H, H + I), refcheck=False)
    assert np.array_equal(cell.run(params, x)[0], fresh(cell, params, x))


def test_a_pullback_used_again_begins_where_the_first_did():
    """States whose past no gradient needs are kept in a ring, which a run goes over."""
    text = """
cell Mixed
input x[I]
state s[], h[H], S[H, K]
param W[H, I], k[K], P[K]
s' = 0.9 * s + mean(h)
S' = 0.5 * S + outer(h, k)
h' = tanh(W @ x + S @ P + s)
output long = norm(h')
output most = max(S', axis=0)
"""
    compiled = rg.parse(text).compile(I=I, H=H, K=2, dtype="f64")
    params = {k: v + 0.1 for k, v in compiled.init(0).items()}
    rng = np.random.default_rng(1)
    x = rng.normal(size=(T, B, I))
    state = {k: rng.normal(size=(B, *v.leaf.shape)) for k, v in compiled.graph.states.items()}
    y, _, pullback = compiled.vjp(params, x, state)
    first, *later = (pullback({k: np.ones_like(v) for k, v in y.items()}) for _ in range(3))
    for again in later:
        for name, value in first.params.items():
            assert np.array_equal(value, again.params[name]), name
