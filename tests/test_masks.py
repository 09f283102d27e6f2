"""lengths, reset, reverse and batch_first: what they mean, in both directions, with gradients.

The meaning is spelled by running every sequence alone, without masks; gradients come from it by
finite differences, and from the oracle on the masked graph.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from tolerances import assert_close

import rnngraph as rg
from rnngraph.backends.reference import evaluate
from rnngraph.compile import Request, stages
from rnngraph.compiled import Compiled
from rnngraph.passes.gradient import gradient
from rnngraph.passes.mask import ENDS, INSIDE, STARTS, reverse, with_lengths, with_reset
from rnngraph.verify import verify

T, B = 6, 5
SIZES = {"I": 3, "H": 4}
LENGTHS = np.array([4, 6, 0, 1, 6])
RESET = np.zeros((T, B))
RESET[2, 0] = RESET[1, 1] = RESET[4, 1] = RESET[0, 2] = RESET[5, 3] = RESET[3, 3] = 1
LEARNED = """
cell Learned
input x[I]
param h_0[H] ~ normal(1)
state h[H] = h_0, p[I]
param W[H, H+2*I] ~ normal(0.5)
h' = tanh(W @ [h, x, p])
p' = x
output y = h'
"""


def arrangement(name: str) -> rg.Cell:
    lstm, learned = rg.load("lstm"), rg.parse(LEARNED)
    return {
        "lstm": lambda: lstm,
        "learned": lambda: learned,
        "min_gru": lambda: rg.load("min_gru"),
        "stack": lambda: rg.stack(lstm, rg.load("gru")),
        "both": lambda: rg.bidirectional(learned),
        "tower": lambda: rg.stack(rg.bidirectional(lstm), rg.bidirectional(learned)),
    }[name]()


NAMES = ["lstm", "learned", "min_gru", "stack", "both", "tower"]


@pytest.fixture(scope="module")
def compiled():
    made: dict[str, Compiled] = {}

    def get(name: str) -> Compiled:
        if name not in made:
            made[name] = arrangement(name).compile(**SIZES, dtype="f64")
        return made[name]

    return get


def drawn(c: Compiled, seed: int = 0):
    rng = np.random.default_rng(seed)
    params = {k: v + 0.1 * rng.normal(size=v.shape) for k, v in c.init(0).items()}
    x = rng.normal(size=(T, B, SIZES["I"]))
    state = {k: rng.normal(size=(B, *s.leaf.shape)) for k, s in c.graph.states.items()}
    return params, x, state


def row(state, b):
    return {name: value[b : b + 1] for name, value in state.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_padded_sequence_is_the_sequence_alone(compiled, name):
    c = compiled(name)
    params, x, state = drawn(c)
    y, last = c.run(params, x, state, lengths=LENGTHS)
    for b, n in enumerate(LENGTHS):
        alone, end = c.run(params, x[:n, b : b + 1], row(state, b))
        assert_close(y[:n, b], alone[:, 0], "parity")
        assert not y[n:, b].any()
        for k in end:
            assert_close(last[k][b], end[k][0], "parity", what=k)


@pytest.mark.parametrize("name", ["lstm", "learned", "both", "tower"])
def test_a_reset_is_a_new_sequence(compiled, name):
    c = compiled(name)
    params, x, _ = drawn(c)
    y, _ = c.run(params, x, reset=RESET)
    for b in range(B):
        edges = sorted({0, T, *np.flatnonzero(RESET[:, b])})
        parts = [c.run(params, x[i:j, b : b + 1])[0] for i, j in pairwise(edges)]
        assert_close(y[:, b], np.concatenate(parts)[:, 0], "parity")


@pytest.mark.parametrize("name", ["lstm", "learned", "stack"])
def test_reverse_is_the_reversed_sequence(compiled, name):
    c = compiled(name)
    params, x, state = drawn(c)
    y, last = c.run(params, x, state, reverse=True)
    expected, end = c.run(params, x[::-1], state)
    assert np.array_equal(y, expected[::-1])
    assert all(np.array_equal(last[k], end[k]) for k in end)


@pytest.mark.parametrize("name", ["learned", "tower"])
def test_padding_never_matters(compiled, name):
    """Whatever lies there, even NaN: not for results, not for gradients."""
    c = compiled(name)
    params, x, state = drawn(c)
    spoilt = np.where(np.arange(T)[:, None, None] < LENGTHS[:, None], x, np.nan)
    results = []
    for given in (x, spoilt):
        y, last, pullback = c.vjp(params, given, state, lengths=LENGTHS)
        grads = pullback(np.ones_like(y))
        results.append([y, *last.values(), *grads.params.values(), grads.inputs["x"]])
    for clean, other in zip(*results, strict=True):
        assert np.array_equal(clean, other)
    assert not results[0][-1][np.isnan(spoilt)].any()


def test_integers_may_be_padded_with_anything():
    c = rg.parse("cell E\ninput k: int\nparam E[V, H]\nstate h[H]\nh' = 0.5 * h + E[k]").compile(
        V=4, H=3, dtype="f64"
    )
    k = np.array([[0, 3], [2, -1], [1, 99]])
    y, _, pullback = c.vjp(c.init(0), k, lengths=[3, 1])
    expected, _ = c.run(c.init(0), np.where(k == 99, 0, np.maximum(k, 0)), lengths=[3, 1])
    assert np.array_equal(y, expected)
    assert pullback(np.ones_like(y)).params["E"][3].any()
    with pytest.raises(rg.ArgumentError, match=r"'k' holds 99, expected integers from 0 to 3"):
        c.run(c.init(0), np.maximum(k, 0))


OPTIONS = {
    "lengths": {"lengths": LENGTHS},
    "reset": {"reset": RESET},
    "everything": {"lengths": LENGTHS, "reset": RESET, "reverse": True},
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", ["learned", "tower"])
def test_gradients(compiled, name, options):
    """Of everything, by a central difference along a random direction."""
    c, options = compiled(name), OPTIONS[options]
    params, x, state = drawn(c)
    if name == "learned":
        state = {"p": state["p"]}  # and h begins as learned
    rng = np.random.default_rng(1)
    y, last, pullback = c.vjp(params, x, state, **options)
    dy = rng.normal(size=y.shape)
    dlast = {k: rng.normal(size=v.shape) for k, v in last.items()}
    grads = pullback(dy, dlast)
    move = {k: rng.normal(size=v.shape) for k, v in params.items()}
    move_x = rng.normal(size=x.shape)
    move_s = {k: rng.normal(size=v.shape) for k, v in state.items()}

    def at(step):
        y, last = c.run({k: v + step * move[k] for k, v in params.items()}, x + step * move_x,
                        {k: v + step * move_s[k] for k, v in state.items()}, **options)  # fmt: skip
        return (y * dy).sum() + sum((last[k] * dlast[k]).sum() for k in last)

    along = sum((grads.params[k] * move[k]).sum() for k in move)
    along += (grads.inputs["x"] * move_x).sum()
    along += sum((grads.state[k] * move_s[k]).sum() for k in move_s)
    assert_close(along, (at(1e-6) - at(-1e-6)) / 2e-6, "difference")


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", ["learned", "tower"])
def test_the_oracle_agrees(compiled, name, options):
    """The masked graph is an ordinary graph, and so is its gradient."""
    c, options = compiled(name), OPTIONS[options]
    params, x, state = drawn(c)
    request = Request(tuple(c.graph.outputs), **dict.fromkeys(options, True))
    masked = verify(stages(c.graph, request)["masked"])
    ends = np.zeros_like(RESET)
    ends[:-1] = RESET[1:]
    inside = np.arange(T)[:, None] < LENGTHS
    given = {**params, "x": x, INSIDE: inside.astype(float), STARTS: RESET, ENDS: ends}
    (out,) = c.graph.outputs
    dy = np.random.default_rng(2).normal(size=evaluate(masked, given, T, B).outputs[out].shape)
    want = evaluate(gradient(masked, list(params)), {**given, f"dout({out})": dy}, T, B, state)
    y, last, pullback = c.vjp(params, x, state, **options)
    assert_close(y, want.outputs[out], "parity")
    grads = pullback(dy)
    for k in params:
        assert_close(grads.params[k], want.outputs[f"d({k})"], "parity", what=f"d {k}")
    for k in last:
        assert_close(last[k], want.finals[k], "parity", what=k)
        assert_close(grads.state[k], want.finals[f"d({k})"], "parity", what=f"d state {k}")


@pytest.mark.parametrize("options", [{}, OPTIONS["lengths"], OPTIONS["reset"]])
def test_batch_first(compiled, options):
    c = compiled("learned")
    params, x, state = drawn(c)
    dy = np.random.default_rng(3).normal(size=(T, B, SIZES["H"]))
    y, last, pullback = c.vjp(params, x, state, **options)
    grads, trace = pullback(dy), c.trace(params, x, state, **options)
    if "reset" in options:
        options = {"reset": RESET.T}
    turned = c.vjp(params, x.swapaxes(0, 1), state, batch_first=True, **options)
    assert np.array_equal(turned[0], y.swapaxes(0, 1))
    assert all(np.array_equal(turned[1][k], last[k]) for k in last)
    found = turned[2](dy.swapaxes(0, 1))
    assert np.array_equal(found.inputs["x"], grads.inputs["x"].swapaxes(0, 1))
    assert all(np.array_equal(found.params[k], grads.params[k]) for k in params)
    traced = c.trace(params, x.swapaxes(0, 1), state, batch_first=True, **options)
    assert all(np.array_equal(traced[k], trace[k].swapaxes(0, 1)) for k in trace)


@pytest.mark.parametrize(("steps", "rows"), [(0, 3), (3, 0), (0, 0), (1, 1)])
@pytest.mark.parametrize("name", ["learned", "tower"])
def test_nothing_at_all(compiled, name, steps, rows):
    c = compiled(name)
    params, x, state = drawn(c)
    x, state = x[:steps, :rows], {k: v[:rows] for k, v in state.items()}
    masks = {"lengths": np.minimum(LENGTHS[:rows], steps), "reset": RESET[:steps, :rows]}
    y, last, pullback = c.vjp(params, x, state, **masks)
    grads = pullback(np.ones_like(y), last)
    assert y.shape[:2] == (steps, rows)
    for k in state:
        assert last[k].shape == grads.state[k].shape == state[k].shape
        if not steps:
            assert np.array_equal(last[k], state[k])
            assert np.array_equal(grads.state[k], state[k])
    if not steps or not rows:
        assert not any(value.any() for value in grads.params.values())


def test_masks_and_cells_share_no_names():
    graph = rg.parse("cell M\ninput running[], reset[], lengths[]\nstate h[]\n"
                     "h' = h * running + reset + lengths").graph  # fmt: skip
    verify(with_lengths(with_reset(reverse(graph))))


@pytest.mark.parametrize(("options", "message"), [
    ({"lengths": [1, 2]}, r"'lengths' has shape \[2\], expected \[5\]"),
    ({"lengths": [1, 2, 3, 4, 7]}, r"'lengths' holds 7, expected 0 to 6"),
    ({"lengths": [1, 2, 3, 4, -1]}, r"'lengths' holds -1, expected 0 to 6"),
    ({"lengths": [1.5] * 5}, r"'lengths' holds float64, expected integers"),
    ({"reset": np.zeros((B, T))}, r"'reset' has shape \[5, 6\], expected \[6, 5\]"),
])  # fmt: skip
def test_wrong_masks(compiled, options, message):
    c = compiled("lstm")
    params, x, state = drawn(c)
    with pytest.raises(rg.ArgumentError, match=message):
        c.run(params, x, state, **options)
