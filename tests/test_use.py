"""Cells inside cells: one graph, the same as if the inner equations were written out."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_cells import assert_gradients, assert_runs

import rnngraph as rg
from rnngraph.source import CellError

LEAKY = """
cell Leaky
input  x[I]
state  h[H] = h_0
const  rate = 0.3
noise  m[H] ~ bernoulli(0.5) each step
param  W[H, I], h_0[H] ~ normal(1)
n = tanh(W @ x)   "candidate"
h' = h + rate * m * (n - h)
output h', n
"""
NESTED = """
cell Nested
input  x[I]
state  c[H]
use    leaky as a
use    leaky as b
param  U
y, n = a([x, c], rate=0.5)
s, r = b(y, h=n * c)
c' = tanh(U @ s + r)
"""
WRITTEN = """
cell Nested
input  x[I]
state  c[H] = 0, h[H] = h_0
noise  m[H] ~ bernoulli(0.5) each step
noise  k[H] ~ bernoulli(0.5) each step
param  U[H, H], W[H, I+H], V[H, H], h_0[H]
n = tanh(W @ [x, c])
h' = h + 0.5 * m * (n - h)
r = tanh(V @ h')
s = n * c + 0.3 * k * (r - n * c)
c' = tanh(U @ s + r)
"""
SIZES = {"I": 3, "H": 4}


@pytest.fixture
def nested(tmp_path):
    (tmp_path / "leaky.cell").write_text(LEAKY)
    path = tmp_path / "nested.cell"
    path.write_text(NESTED)
    return rg.load(path)


def test_names_and_sizes_are_the_outer_cells(nested):
    graph = nested.graph
    assert nested.sizes == ["I", "H"]
    assert list(graph.params) == ["U", "a.W", "a.h_0", "b.W", "b.h_0"]
    assert list(graph.states) == ["c", "a.h"] and list(graph.noises) == ["a.m", "b.m"]
    assert graph.states["a.h"].init == "a.h_0" and "b.n" in graph.names
    assert [str(d) for d in graph.params["a.W"].shape] == ["H", "H+I"]
    assert graph.names["a.n"].label == "candidate"


def test_it_is_the_graph_of_the_equations_written_out(nested):
    inner = nested.compile(**SIZES, dtype="f64")
    plain = rg.parse(WRITTEN).compile(**SIZES, dtype="f64")
    drawn = inner.init(3)
    params = {"U": drawn["U"], "W": drawn["a.W"], "V": drawn["b.W"], "h_0": drawn["a.h_0"]}
    x = np.random.default_rng(0).normal(size=(5, 2, 3))
    assert np.array_equal(inner.run(drawn, x)[0], plain.run(params, x)[0])


def test_runs_and_gradients(nested):
    compiled = nested.compile(**SIZES, dtype="f64")
    assert_runs(compiled, 4, 3)
    assert_gradients(compiled, 4, 3)


def test_inside_of_an_arrangement_and_of_another_cell(nested, tmp_path):
    assert "layer1.b.W" in rg.stack(nested, layers=2).graph.params
    outer = tmp_path / "outer.cell"
    outer.write_text("cell Outer\ninput x[K]\nuse nested as n\noutput y = n(x, H=2*K)\n")
    whole = rg.load(outer)
    assert whole.sizes == ["K"] and "n.a.W" in whole.graph.params
    assert_runs(whole.compile(K=2, dtype="f64"), 3, 2)


@pytest.mark.parametrize(("text", "message"), [
    ("use outer as a\nh' = a(x)", "cell 'outer' uses itself"),
    ("use ring as a\nh' = a(x)", "cell 'outer' uses itself"),
    ("use wrong as a\nh' = a(x)", "wrong.cell:3:6: 'y' is not defined"),
    ("use binary as a\nh' = a(x)", "is not UTF-8"),
    ("use leaky as a\nh' = tanh(a(x, H=I))", "this gives several values"),
    ("use leaky as a\nh' = a(x, rate=h)", "'rate' is a constant: give it a number"),
    ("use leaky as a\ny, n = a(x, W=h)", "'a' has no 'W' to give"),
    ("use leaky as a\nrepeat l in 0..2:\n    y, n = a(x, H=I)\nh' = y", "'a' is called twice"),
    ("use leaky as a\ny, n = a(x, H=-1)\nh' = x", "a size is at least 1"),
])  # fmt: skip
def test_mistakes(tmp_path, text, message):
    (tmp_path / "leaky.cell").write_text(LEAKY)
    (tmp_path / "ring.cell").write_text("cell R\ninput x[I]\nuse outer as o\noutput y = o(x)\n")
    (tmp_path / "wrong.cell").write_text("cell W\nstate h[H]\nh' = y\n")
    (tmp_path / "binary.cell").write_bytes(b"\xff\xfe")
    outer = tmp_path / "outer.cell"
    outer.write_text(f"cell Outer\ninput x[I]\nstate h[I]\n{text}\n")
    with pytest.raises(CellError) as caught:
        rg.load(outer)
    assert message in str(caught.value)
    assert "outer.cell:" in str(caught.value)
