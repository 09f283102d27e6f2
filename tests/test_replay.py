"""A call that is replayed answers as one that is not: replays remember where things lie, never
what they hold."""

from __future__ import annotations

import numpy as np
import pytest

import rnngraph as rg
from rnngraph.runtime.arrays import ArgumentError

T, B, I, H = 4, 2, 3, 5


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
