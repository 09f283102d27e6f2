"""Directional derivatives and Hessian-vector products of compiled cells."""

from __future__ import annotations

import numpy as np
import pytest
from language_cells import TWO
from tolerances import assert_close

import rnngraph as rg

T, B, I, H = 5, 3, 4, 6  # noqa: E741
LEARNED = """
cell Learned
input x[I]
param h_0[H] ~ normal(1)
state h[H] = h_0
param W[H, H+I]
h' = tanh(W @ [h, x])
output y = exp(h')
"""
DIRECTIONS = ["lstm", "layernorm_lstm", "two", "learned"]


@pytest.fixture(scope="module")
def directed():
    made = {"two": rg.parse(TWO).compile(I=I, H=H, V=7, dtype="f64"),
            "learned": rg.parse(LEARNED).compile(I=I, H=H, dtype="f64")}  # fmt: skip
    for name in ("lstm", "layernorm_lstm"):
        made[name] = rg.load(name).compile(I=I, H=H, dtype="f64")
    return made


def scene(c):
    rng = np.random.default_rng(4)
    params = {k: v + 0.1 * rng.normal(size=v.shape) for k, v in c.init(0).items()}
    given = {"x": rng.normal(size=(T, B, I))}
    if len(c.graph.inputs) > 1:
        given |= {"token": rng.integers(0, 7, (T, B)), "v": rng.normal(size=(B, H))}
    moves = {k: rng.normal(size=v.shape) for k, v in given.items() if v.dtype == float}
    return params, given, {k: rng.normal(size=v.shape) for k, v in params.items()}, moves


def moved(values, directions, step):
    return {k: v + step * directions[k] if k in directions else v for k, v in values.items()}


@pytest.mark.parametrize("name", DIRECTIONS)
def test_jvp_is_the_difference(directed, name):
    c = directed[name]
    params, given, dparams, dx = scene(c)
    y, dy, state, dstate = c.jvp(params, given, dparams, dx)
    plain, end = c.run(params, given)
    y, dy, plain = ({"": v} if not isinstance(v, dict) else v for v in (y, dy, plain))
    ahead, behind = (
        c.run(moved(params, dparams, s), moved(given, dx, s), outputs=c.graph.outputs)
        for s in (1e-6, -1e-6)
    )
    for key, found in zip(dy, ahead[0], strict=True):
        assert_close(y[key], plain[key], "parity")
        assert_close(dy[key], (ahead[0][found] - behind[0][found]) / 2e-6, "difference")
    for k in dstate:
        assert_close(state[k], end[k], "parity")
        assert_close(dstate[k], (ahead[1][k] - behind[1][k]) / 2e-6, "difference")


@pytest.mark.parametrize("name", DIRECTIONS)
def test_jvp_and_vjp_are_adjoint(directed, name):
    c = directed[name]
    params, given, dparams, dx = scene(c)
    rng = np.random.default_rng(5)
    outputs = c.graph.outputs
    y, _, pullback = c.vjp(params, given, outputs=outputs)
    _, push, _, _ = c.jvp(params, given, dparams, dx, outputs=outputs)
    dy = {k: rng.normal(size=v.shape) for k, v in y.items()}
    grads = pullback(dy)
    left = sum((push[k] * dy[k]).sum() for k in dy)
    right = sum((grads.params[k] * dparams[k]).sum() for k in dparams)
    right += sum(({**grads.inputs, **grads.contexts}[k] * dx[k]).sum() for k in dx)
    assert_close(left, right, "reordered")


@pytest.mark.parametrize("name", DIRECTIONS)
def test_hvp_is_the_difference_of_gradients(directed, name):
    c = directed[name]
    params, given, dparams, dx = scene(c)
    rng = np.random.default_rng(6)
    y, _ = c.run(params, given, outputs=c.graph.outputs)
    dy = {k: rng.normal(size=v.shape) for k, v in y.items()}
    grads, product = c.hvp(params, given, dy, dparams, dx, outputs=c.graph.outputs)

    def gradients(step):
        at, where = moved(params, dparams, step), moved(given, dx, step)
        return c.vjp(at, where, outputs=c.graph.outputs)[2](dy)

    here, ahead, behind = gradients(0.0), gradients(1e-6), gradients(-1e-6)
    for part in ("params", "inputs", "contexts", "state"):
        for k, found in getattr(product, part).items():
            assert_close(getattr(grads, part)[k], getattr(here, part)[k], "reordered")
            difference = (getattr(ahead, part)[k] - getattr(behind, part)[k]) / 2e-6
            assert_close(found, difference, "second difference", what=f"{part} {k}")


def test_a_hessian_is_symmetric(directed):
    c = directed["lstm"]
    params, given, u, _ = scene(c)
    v = scene(c)[2] | {k: np.cos(w) for k, w in u.items()}
    y, _ = c.run(params, given)
    left, right = (c.hvp(params, given, np.ones_like(y), d, wrt=list(params))[1] for d in (u, v))
    a = sum((left.params[k] * v[k]).sum() for k in v)
    b = sum((right.params[k] * u[k]).sum() for k in u)
    assert_close(a, b, "reordered")
