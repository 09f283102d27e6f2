"""Stacks, bidirectional and residual cells: one graph each, right in values and gradients."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from compiled_cells import assert_gradients, assert_runs
from tolerances import assert_close

import rnngraph as rg
from rnngraph.verify import verify

T, B = 4, 3
LSTM, GRU = rg.load("lstm"), rg.load("gru")
PROJECTED = rg.load("lstm_projection")
CONSTANTS = rg.parse("cell C\nconst k = 0.5, n = 2\ninput x[I]\nstate h[n*H]\n"
                     "param U[n*H, I]\nh' = k * h + U @ x")  # fmt: skip
CONTEXT = rg.parse(
    "cell V\ninput x[I], z[I]\ncontext v[H]\nstate h[H]\nparam U[H, I]\n"
    "h' = tanh(h * v + U @ (x * z))\noutput y = h'\noutput loss = sum(h')"
)
MODEL = rg.parse("cell M\ninput token: int\nparam E[V, H]\nstate h[H]\nh' = 0.5 * h + E[token]")

ARRANGED = {
    "stack": lambda: rg.stack(LSTM, GRU),
    "layers": lambda: rg.stack(LSTM, layers=3),
    "apart": lambda: rg.stack(LSTM, LSTM, shared=False),
    "projection": lambda: rg.stack(PROJECTED, layers=2),
    "bidirectional": lambda: rg.bidirectional(GRU),
    "tower": lambda: rg.stack(rg.bidirectional(LSTM), rg.bidirectional(LSTM)),
    "both ways around a stack": lambda: rg.bidirectional(rg.stack(GRU, GRU)),
    "residual": lambda: rg.residual(LSTM),
    "residual stack": lambda: rg.stack(GRU, rg.residual(GRU), rg.residual(rg.stack(GRU, GRU))),
    "constants": lambda: rg.stack(CONSTANTS, CONSTANTS),
    "contexts": lambda: rg.stack(rg.bidirectional(CONTEXT), GRU),
    "tokens": lambda: rg.stack(MODEL, LSTM),
}


@pytest.mark.parametrize("name", ARRANGED)
def test_values_and_gradients(name):
    cell = ARRANGED[name]()
    verify(cell.graph)
    sizes = {size: 3 + place for place, size in enumerate(cell.sizes)}
    compiled = cell.compile(**sizes, dtype="f64")
    assert_gradients(compiled, T, B)
    assert_gradients(compiled, 0, 2)
    if name in ("tower", "residual stack"):
        assert_runs(compiled, T, B)


def test_a_stack_is_its_layers_one_after_the_other():
    whole = rg.stack(LSTM, GRU).compile(I=3, H=4, dtype="f64")
    layers = [LSTM.compile(I=3, H=4, dtype="f64"), GRU.compile(I=4, H=4, dtype="f64")]
    params = whole.init(0)
    x = np.random.default_rng(0).normal(size=(T, B, 3))
    y, state = whole.run(params, x)
    trace, value = whole.trace(params, x), x
    for place, layer in enumerate(layers):
        prefix = f"layer{place}."
        own = {k.removeprefix(prefix): v for k, v in params.items() if k.startswith(prefix)}
        gates = layer.trace(own, value)
        value, end = layer.run(own, value)
        for k in end:
            assert_close(state[prefix + k], end[k], "parity")
        for k in gates:
            assert_close(trace[prefix + k], gates[k], "parity")
    assert_close(y, value, "parity")


def test_both_directions_are_the_cell_and_the_cell_reversed():
    whole = rg.bidirectional(GRU).compile(I=3, H=4, dtype="f64")
    one = GRU.compile(I=3, H=4, dtype="f64")
    params = whole.init(0)
    x = np.random.default_rng(0).normal(size=(T, B, 3))
    y, state = whole.run(params, x)
    for way, half in (("forward.", y[..., :4]), ("backward.", y[..., 4:])):
        own = {k.removeprefix(way): v for k, v in params.items() if k.startswith(way)}
        expected, end = one.run(own, x, reverse=way == "backward.")
        assert_close(half, expected, "parity")
        assert_close(state[way + "h"], end["h"], "parity")


def test_a_residual_adds_its_input():
    whole = rg.residual(LSTM).compile(H=4, dtype="f64")
    one = LSTM.compile(I=4, H=4, dtype="f64")
    params = one.init(0)
    x = np.random.default_rng(0).normal(size=(T, B, 4))
    assert list(whole.graph.outputs) == ["y"]
    assert_close(whole.run(params, x)[0], x + one.run(params, x)[0], "parity")


# --- names -------------------------------------------------------------------------------------


def test_names():
    graph = rg.stack(LSTM, GRU).graph
    assert list(graph.inputs) == ["x"] and list(graph.outputs) == ["h"]
    assert list(graph.states) == ["layer0.h", "layer0.c", "layer1.h"]
    assert {"layer0.W_f", "layer1.U_z"} < set(graph.params)
    assert {"layer0.f", "layer1.z"} < set(graph.names)
    assert graph.names["layer0.f"].label == "forget gate"
    assert graph.title == "LSTM, then GRU"
    assert rg.stack(LSTM, layers=2).name == "2-layer LSTM"
    both = rg.bidirectional(LSTM).graph
    assert list(both.inputs) == ["x"] and list(both.outputs) == ["h"]
    assert list(both.states) == ["forward.h", "forward.c", "backward.h", "backward.c"]
    assert both.title == "bidirectional LSTM"


def test_one_layer_is_the_cell_itself():
    assert rg.stack(LSTM) is LSTM
    assert rg.stack(LSTM, layers=1) is LSTM


def test_further_inputs_contexts_and_outputs():
    graph = rg.stack(CONTEXT, CONTEXT).graph
    assert list(graph.inputs) == ["x", "z", "layer1.z"]
    assert list(graph.contexts) == ["layer0.v", "layer1.v"]
    assert list(graph.outputs) == ["layer0.loss", "y", "loss"]
    both = rg.bidirectional(CONTEXT).graph
    assert list(both.inputs) == ["x", "z"] and list(both.contexts) == ["v"]
    assert list(both.outputs) == ["y", "forward.loss", "backward.loss"]


def test_initial_values_are_those_of_the_cells():
    params = rg.stack(LSTM, LSTM).compile(I=3, H=4).init(0)
    assert (params["layer1.b_f"] == 1).all() and not params["layer1.b_u"].any()
    assert np.abs(params["layer1.W_f"]).max() <= 0.5
    assert not np.array_equal(params["layer0.W_f"][:, :4], params["layer1.W_f"][:, :4])


# --- sizes -------------------------------------------------------------------------------------


def test_sizes():
    assert rg.stack(LSTM, LSTM).sizes == ["I", "H"]
    assert rg.stack(LSTM, LSTM, shared=False).sizes == ["I", "H0", "H1"]
    assert rg.stack(PROJECTED, layers=2).sizes == ["I", "H", "P"]
    assert rg.residual(LSTM).sizes == ["H"]
    assert rg.stack(LSTM, LSTM.bind(I=5, H=4)).sizes == ["I"]


def shapes(cell: rg.Cell, **sizes: int) -> dict[str, list[int]]:
    return {k: list(v.shape) for k, v in cell.compile(**sizes).graph.params.items()}


def test_a_layer_reads_what_the_one_below_gives():
    assert shapes(rg.stack(LSTM, LSTM), I=3, H=4)["layer1.W_f"] == [4, 8]
    apart = shapes(rg.stack(LSTM, LSTM, shared=False), I=3, H0=4, H1=5)
    assert apart["layer0.W_f"] == [4, 7] and apart["layer1.W_f"] == [5, 9]
    both = rg.bidirectional(LSTM)
    assert shapes(rg.stack(both, both), I=3, H=4)["layer1.forward.W_f"] == [4, 12]
    assert shapes(rg.stack(PROJECTED, layers=2), I=3, H=4, P=2)["layer1.W_f"] == [4, 4]
    residual = shapes(rg.stack(both, rg.residual(GRU)), I=3, H=4)
    assert residual["layer1.W_z"] == [8, 8]
    assert shapes(rg.stack(LSTM, LSTM.bind(I=5, H=4)), I=3)["layer0.W_f"] == [5, 8]


def test_sizes_that_follow_may_be_given_if_they_agree():
    assert rg.residual(LSTM).compile(I=4, H=4).parameter_count
    with pytest.raises(ValueError, match=r"size I of 'residual LSTM' must be H = 4, not 3"):
        rg.residual(LSTM).compile(I=3, H=4)


def test_constants():
    cell = rg.stack(CONSTANTS, LSTM)
    assert cell.consts == ("k", "n")
    assert shapes(cell, I=3, H=4)["layer1.W_f"] == [4, 12]
    larger = cell.compile(I=3, H=4, consts={"n": 3})
    assert larger.graph.params["layer1.W_f"].shape == (4, 16)


@pytest.mark.parametrize(("build", "message"), [
    (rg.stack, "at least one cell"),
    (lambda: rg.stack(LSTM, layers=0), "layers must be a positive integer, not 0"),
    (lambda: rg.stack(LSTM, layers=10**6), "layers must be at most 256, not 1000000"),
    (lambda: rg.stack(LSTM.bind(I=3, H=4), LSTM.bind(I=3, H=4)),
     r"output 'h' \[4\] of LSTM does not fit input 'x' \[3\] of LSTM"),
    (lambda: rg.residual(LSTM.bind(I=3, H=4)), r"output 'h' \[4\] .* input 'x' \[3\]"),
    (lambda: rg.stack(LSTM, MODEL), "M has no real input"),
    (lambda: rg.stack(LSTM, GRU).compile(I=3), "'LSTM, then GRU' needs H"),
    (lambda: rg.stack(LSTM, GRU).compile(I=3, H=4, K=5), "has no size 'K'"),
    (lambda: rg.stack(LSTM, GRU).compile(I=3, H=4, consts={"q": 1}), "has no constant 'q'"),
])  # fmt: skip
def test_what_cannot_be_arranged(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("arrange", [rg.stack, rg.bidirectional, rg.residual])
@pytest.mark.parametrize("thing", ["lstm", [LSTM, GRU], 3])
def test_only_cells_can_be_arranged(arrange, thing):
    with pytest.raises(TypeError, match=f"{arrange.__name__} takes cells"):
        arrange(thing)


# --- the rest of a cell ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARRANGED)
def test_print_and_draw(name):
    cell = ARRANGED[name]()
    assert f"graph {cell.name}" in str(cell)
    assert cell.diagram().source and cell.diagram("ops").source


@pytest.mark.parametrize("name", ["apart", "tower", "residual stack", "constants"])
def test_copies_compile_alike(name):
    cell = ARRANGED[name]()
    sizes = {size: 3 + place for place, size in enumerate(cell.sizes)}
    for twin in (pickle.loads(pickle.dumps(cell)), copy.deepcopy(cell)):
        assert str(twin) == str(cell) and twin.sizes == cell.sizes
        assert str(twin.compile(**sizes).graph) == str(cell.compile(**sizes).graph)
