"""Noise: drawn by seed, name, row, step and element, and by nothing else; its mean without."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import assert_close

import rnngraph as rg
from rnngraph.graph import Graph, Init, Varies
from rnngraph.runtime.arrays import ArgumentError
from rnngraph.runtime.noise import LAWS, drawn

TEXT = """
cell Noisy
input x[I]
state h[H]
const keep = 0.8
noise z[H] ~ bernoulli(keep) each step
noise v[H] ~ bernoulli(0.5) each sequence
noise e[H] ~ normal(0.1) each step
param W[H, H+I]
n = tanh(W @ [h * v / 0.5, x] + e)
h' = z * h + (1 - z) * n
"""
T, B, SIZES = 6, 4, {"I": 3, "H": 5}


@pytest.fixture(scope="module")
def noisy():
    compiled = rg.parse(TEXT).compile(**SIZES, dtype="f64")
    x = np.random.default_rng(0).normal(size=(T, B, 3))
    return compiled, compiled.init(0), x


def test_without_a_seed_noise_is_its_mean(noisy):
    compiled, params, x = noisy
    mean = TEXT.replace("noise", "# noise").replace("* v / 0.5", "").replace(" + e", "")
    plain = rg.parse(mean.replace("z", "keep")).compile(**SIZES, dtype="f64")
    assert_close(compiled.run(params, x)[0], plain.run(params, x)[0], "reordered")
    other = rg.parse(TEXT).compile(**SIZES, dtype="f64", consts={"keep": 0.3})
    assert not np.allclose(compiled.run(params, x)[0], other.run(params, x)[0])


def test_a_draw_depends_on_seed_row_and_step_alone(noisy):
    compiled, params, x = noisy
    y, state = compiled.run(params, x, seed=3)
    assert np.array_equal(y, compiled.run(params, x, seed=3)[0])
    assert not np.array_equal(y, compiled.run(params, x, seed=4)[0])
    assert np.array_equal(y[:, :2], compiled.run(params, x[:, :2], seed=3)[0])
    assert np.array_equal(y[:2], compiled.run(params, x[:2], seed=3)[0])
    first, between = compiled.run(params, x[:4], seed=3)
    rest, last = compiled.run(params, x[4:], between, seed=3, first_step=4)
    assert np.array_equal(np.concatenate([first, rest]), y)
    assert np.array_equal(last["h"], state["h"])


def test_every_way_to_run_draws_the_same(noisy):
    compiled, params, x = noisy
    y, _ = compiled.run(params, x, seed=3)
    swapped, _ = compiled.run(params, x.swapaxes(0, 1), seed=3, batch_first=True)
    assert np.array_equal(swapped.swapaxes(0, 1), y)
    assert np.array_equal(compiled.trace(params, x, seed=3)["h"], y)
    assert np.array_equal(compiled.vjp(params, x, seed=3)[0], y)
    assert_close(compiled.jvp(params, x, seed=3)[0], y, "parity")
    state, steps = None, []
    for t in range(T):
        out, state = compiled.step(params, x[t], state, seed=3, first_step=t)
        steps.append(out)
    assert_close(np.stack(steps), y, "parity")


def test_gradients_hold_the_drawn_values(noisy):
    compiled, params, x = noisy
    y, _, pullback = compiled.vjp(params, x, seed=3)
    grads, step = pullback(np.ones_like(y)), 1e-6
    direction = np.random.default_rng(1).normal(size=params["W"].shape)
    ahead, behind = (
        compiled.run({"W": params["W"] + s * direction}, x, seed=3)[0].sum() for s in (step, -step)
    )
    assert_close((grads.params["W"] * direction).sum(), (ahead - behind) / (2 * step), "difference")


def test_layers_and_directions_draw_apart():
    cell = rg.parse(TEXT)
    assert list(rg.stack(cell, layers=2).graph.noises) == [
        f"layer{i}.{n}" for i in (0, 1) for n in "zve"
    ]
    both = rg.bidirectional(cell)
    assert list(both.graph.inputs) == ["x"] and len(both.graph.noises) == 6
    compiled = both.compile(**SIZES)
    x = np.zeros((T, B, 3), np.float32)
    y, _ = compiled.run(compiled.init(0), x, seed=1)
    assert not np.array_equal(y[..., :5], y[::-1, :, 5:])


MOMENTS = {"bernoulli": ((0.3,), 0.3, 0.3 * 0.7), "normal": ((2.0,), 0.0, 4.0),
           "uniform": ((3.0,), 0.0, 3.0), "range": ((1.0, 3.0), 2.0, 1 / 3)}  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_laws(law, dtype):
    """Mean and variance within five deviations; rows, steps and elements are not correlated."""
    args, mean, variance = MOMENTS[law]
    graph = Graph()
    graph.noise("m", (10,), Init(law, args), Varies.STEP)
    m = drawn(graph, 5, 0, 40, 50, np.dtype(dtype))["m"]
    assert m.dtype == dtype and m.shape == (40, 50, 10)
    assert graph.noises["m"].mean == pytest.approx(mean)
    bound = 5 * (variance / m.size) ** 0.5
    assert abs(m.mean() - mean) < bound
    assert m.var() == pytest.approx(variance, rel=0.05)
    centred = (m - mean) / variance**0.5
    for axis in range(3):
        shifted = centred * np.roll(centred, 1, axis)
        assert abs(shifted.mean()) < 5 / m.size**0.5


def test_single_and_double_precision_draw_the_same():
    graph = Graph()
    graph.noise("m", (3, 2), Init("normal", (1.0,)), Varies.ROW)
    single, double = (drawn(graph, 1, 9, 4, 5, np.dtype(d))["m"] for d in (np.float32, np.float64))
    assert single.shape == (5, 3, 2) and np.array_equal(single, double.astype(np.float32))


@pytest.mark.parametrize("options", [{"seed": -1}, {"seed": 1.5}, {"seed": True},
                                     {"seed": 1, "first_step": -1}])  # fmt: skip
def test_wrong_seeds(noisy, options):
    compiled, params, x = noisy
    with pytest.raises(ArgumentError, match="must be an integer of 0 or more"):
        compiled.run(params, x, **options)
