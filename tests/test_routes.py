"""Routes add up to the change at every cut, for any cell, and are the derivatives that they say."""

import re

import numpy as np
import pytest
from tolerances import assert_close

import rnngraph as rg
from rnngraph.inspect import Decision
from rnngraph.inspect.routes import EARLIER, LATER, routes
from rnngraph.runtime.arrays import ArgumentError

STEPS, ROWS, H, WORDS = 6, 2, 5, 7

MODEL = """
cell Model
input  token: int, target: int
context topic[D]
state  h[H], c[H] = c_0
param  E[V, D] ~ normal(1), W[4*H, H+D] ~ uniform(0.9), b[4*H], c_0[H] ~ normal(0.5)
param  W_y[V, H] ~ normal(1), b_y[V] ~ normal(0.2)
x = E[token] + topic
f, u, o, g = split(W @ [h, x] + b, 4)
c' = sigmoid(f) * c + sigmoid(u) * tanh(g)
h' = sigmoid(o) * tanh(c')
output logits = W_y @ h' + b_y
output loss = cross_entropy(logits, target)
"""

# what an equation reads late, through another gate, and a memory that is a matrix
MATRIX = """
cell Matrix
input  x[I]
state  S[H, K], n[K]
param  W_k[K, I] ~ normal(0.5), W_v[H, I] ~ normal(0.5), W_g[K, H] ~ normal(0.5)
k = tanh(W_k @ x + W_g @ (S @ n))   "key"
S' = 0.9 * S + outer(W_v @ x, k) - outer(S @ k, k)
n' = 0.5 * n + k * sigmoid(k * n)
output y = S' @ prev(k, 2) + tanh(S @ k)
"""

STILL = """
cell Still
input  x[I]
state  h[H]
param  W[H, H+I], b[H], V[H, I] ~ normal(0.5)
h' = 0.8 * h + 0.1 * tanh(W @ [h, x] + b) + 0.1 * sin(h) * (V @ x)
"""


def compiled(text, dtype="f64", **sizes):
    cell = rg.load(text) if re.fullmatch(r"\w+", text) else rg.parse(text)
    every = {"I": 3, "H": H, "D": 4, "V": WORDS, "K": 3, **sizes}
    return cell.compile(dtype=dtype, **{size: every[size] for size in cell.sizes})


def drawn(made, seed=0):
    """Parameters, two calls that differ at step 1, and a decision at the last step."""
    rng = np.random.default_rng(seed)
    params = {n: a + 0.3 * rng.normal(size=a.shape) for n, a in made.init(1).items()}
    x = {n: rng.integers(0, WORDS, (STEPS, ROWS)) if leaf.dtype == "int" else
         rng.normal(size=(STEPS, ROWS, *leaf.shape)) for n, leaf in made.graph.inputs.items()}
    x |= {n: rng.normal(size=(ROWS, *leaf.shape)) for n, leaf in made.graph.contexts.items()}
    name, leaf = next(iter(made.graph.inputs.items()))
    other = {**x, name: x[name].copy()}
    other[name][1] = (x[name][1] + 1) % WORDS if leaf.dtype == "int" else -x[name][1]
    output, node = next(iter(made.graph.outputs.items()))
    weights = np.zeros((STEPS, ROWS, *node.shape))
    weights[-1] = rng.normal(size=(ROWS, *node.shape))
    return params, x, other, Decision(output, weights, "last step")


def change_of(made, params, x, other, decision, **options):
    y, y2 = (made.run(params, v, outputs=[decision.output], **options)[0] for v in (x, other))
    return decision.of(y2) - decision.of(y)


def stacked():
    return rg.stack(rg.load("gru"), rg.load("lstm")).compile(dtype="f64", I=3, H=H)


CASES = {
    **{name: name for name in ("lstm", "gru", "peephole_lstm", "lem")},
    "model": MODEL, "matrix": MATRIX, "still": STILL, "stack": stacked,
}  # fmt: skip


@pytest.mark.parametrize("title", CASES)
def test_every_cut_adds_up(title):
    case = CASES[title]
    made = case() if callable(case) else compiled(case)
    params, x, other, decision = drawn(made)
    found = routes(made, params, x, other, decision, tolerance=1e-12)
    change = change_of(made, params, x, other, decision)
    scale = np.abs(change).max()
    assert np.abs(change).min() > 1e-6 and (found.error <= 1e-10 * scale).all()
    assert_close(found.change / scale, change / scale, "reordered", what="change")
    for cut in range(STEPS):
        assert_close(found.values[cut].sum(0) / scale, change / scale, "reordered", what=f"{cut}")
    back = routes(made, params, other, x, decision, tolerance=1e-12)
    assert_close(back.values / scale, -found.values / scale, "reordered", what="the other way")
    for k, name in enumerate(found.names[:-2]):
        units = sum(a.reshape(STEPS, ROWS, -1).sum(2) for a in found.units[name].values())
        assert_close(units, found.values[:, k], "reordered", what=name)
    late = found.values[:, found.names.index(LATER)]
    assert not late[2:].any() and not found.values[:, found.names.index(EARLIER)].any()
    assert_close(late[:2] / scale, np.stack([change] * 2) / scale, "reordered", what="later")


def test_a_route_is_what_the_equation_reads():
    """Against an LSTM in NumPy whose gates read a hidden state each, which is moved a little."""
    made = compiled("lstm")
    params, x, _, decision = drawn(made)
    other = {"x": x["x"] + 1e-4 * (np.arange(STEPS) == 1)[:, None, None]}
    found = routes(made, params, x, other, decision)
    base, later = (lstm(params, v["x"]) for v in (x, other))
    for route in (*"fuog", "carry"):
        for cut in range(2, STEPS):
            moved = {s: later[s][cut - 1] - base[s][cut - 1] for s in "hc"}
            ends = [decision.of({"h": lstm(params, x["x"], route, cut, sign * moved["h"],
                                           sign * moved["c"])["h"]}) for sign in (0.5, -0.5)]
            part = found.values[cut, found.names.index(route)]
            assert np.allclose(ends[0] - ends[1], part, rtol=1e-2, atol=1e-8), (route, cut)


def lstm(params, x, route="", cut=-1, dh=0.0, dc=0.0):
    """h and c [T, B, H]; at step ``cut`` the old state is moved where ``route`` reads it."""
    h = c = np.zeros((ROWS, H))
    states = {"h": [], "c": []}
    for t, xt in enumerate(x):
        old = {k: h + (dh if (k, t) == (route, cut) else 0) for k in "fuog"}
        pre = {k: np.hstack([old[k], xt]) @ params[f"W_{k}"].T + params[f"b_{k}"] for k in "fuog"}
        f, u, o = (1 / (1 + np.exp(-pre[k])) for k in "fuo")
        c = f * (c + (dc if (route, t) == ("carry", cut) else 0)) + u * np.tanh(pre["g"])
        h = o * np.tanh(c)
        states["h"].append(h)
        states["c"].append(c)
    return {k: np.stack(v) for k, v in states.items()}


def test_lengths_and_decisions_at_several_steps():
    made = compiled("gru")
    params, x, other, _ = drawn(made)
    other = {"x": other["x"] + (np.arange(STEPS) == 3)[:, None, None]}
    weights = np.random.default_rng(3).normal(size=(STEPS, ROWS, H))
    lengths, decision = np.array([STEPS, 4]), Decision("h", weights)
    found = routes(made, params, x, other, decision, lengths=lengths)
    change = change_of(made, params, x, other, decision, lengths=lengths)
    assert_close(found.values.sum(1), np.stack([change] * STEPS), "reordered")
    early = found.values[:, found.names.index(EARLIER)]
    assert not early[:2].any() and early[2:].all()
    assert_close(early[4:, 1], found.change[[1, 1]], "reordered", what="a row that is over")


def test_a_state_at_the_beginning_and_f32():
    made = compiled("lstm")
    params, x, other, decision = drawn(made)
    state = {"h": np.full((ROWS, H), 0.3), "c": np.full((ROWS, H), -0.5)}
    found = routes(made, params, x, other, decision, state)
    change = (decision.of({"h": made.run(params, other, state)[0]})
              - decision.of({"h": made.run(params, x, state)[0]}))
    assert_close(found.change, change, "reordered")
    narrow = routes(made, params, x, other, decision, state, dtype="f32")
    assert narrow.points.max() < 200
    assert_close(narrow.values, found.values, "reordered", "f32")


def test_a_sharp_flip_takes_more_points():
    text = "cell Flip\ninput x[]\nstate h[]\nh' = 0.5 * h + sigmoid(40 * x - 15 * h)\n"
    made = rg.parse(text).compile(dtype="f64")
    x = np.zeros((4, 1))
    x[:2] = -2.0
    other = np.where(np.arange(4)[:, None] == 1, 2.0, x)
    decision = Decision("h", (np.arange(4) == 3)[:, None] * 1.0)
    found = routes(made, {}, x, other, decision)
    assert found.points[0] > 100 and found.error[0] < 1e-6 * abs(found.change[0])
    coarse = routes(made, {}, x, other, decision, limit=1)
    assert coarse.error[0] > 1e-6 * abs(coarse.change[0]) and coarse.points[0] == 40
    assert f"error {coarse.error[0]:.1e}, from 40 points" in str(coarse)


def test_the_table_names_words_and_routes():
    made = compiled("lstm")
    params, x, other, decision = drawn(made)
    found = routes(made, params, x, other, decision)
    words = ["the", "cat", "that", "slept", "was", "full"]
    lines = found.table(words, row=1).splitlines()
    assert lines[0].startswith("last step: ")
    assert lines[1].split()[:5] == ["before", "carry", "f", "u", "o"]
    assert [line.split()[0] for line in lines[2:-1]] == words
    for line in lines[2:-1]:
        assert abs(sum(map(float, line.split()[1:])) - 100) < 0.5


def test_refusals():
    made = compiled(MODEL)
    params, x, other, decision = drawn(made)
    with pytest.raises(ArgumentError, match="do not differ"):
        routes(made, params, x, x, decision)
    with pytest.raises(ArgumentError, match="no output is named 'p'"):
        routes(made, params, x, other, Decision("p", decision.weights))
    with pytest.raises(ArgumentError, match="weights are"):
        routes(made, params, x, other, Decision("logits", decision.weights[1:]))
    with pytest.raises(ValueError, match="'gather of target' reads a state"):
        loss = Decision("loss", np.ones((STEPS, ROWS)))
        routes(made, params, x, {**x, "target": (x["target"] + 1) % WORDS}, loss)
    with pytest.raises(ArgumentError, match="runs back in time"):
        both = rg.bidirectional(rg.load("rnn")).compile(I=3, H=H)
        routes(both, both.init(), x["token"], x["token"], Decision("h", decision.weights))
