"""The Python face: what calls mean, what they refuse, and what they leave alone."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from language_cells import TWO
from tolerances import assert_close

import rnngraph as rg
from rnngraph.backends.reference import evaluate
from rnngraph.graph import Varies

T, B, I, H = 5, 3, 4, 6  # noqa: E741


@pytest.fixture(scope="module")
def lstm():
    return rg.load("lstm").compile(I=I, H=H)


@pytest.fixture(scope="module")
def two():
    return rg.parse(TWO).compile(I=I, H=H, V=7, dtype="f64")


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(T, B, I)).astype(np.float32)


def given_two():
    rng = np.random.default_rng(0)
    return {"x": rng.normal(size=(T, B, I)), "token": rng.integers(0, 7, (T, B)),
            "v": rng.normal(size=(B, H))}  # fmt: skip


# --- meaning -----------------------------------------------------------------------------------


def test_one_input_is_an_array_and_so_is_one_output(lstm, x):
    params = lstm.init(seed=0)
    y, state = lstm.run(params, x)
    assert y.shape == (T, B, H) and y.dtype == np.float32
    assert list(state) == ["h", "c"] and state["c"].shape == (B, H)
    assert np.array_equal(y[-1], state["h"])
    named, _ = lstm.run(params, {"x": x}, outputs=["h"])
    assert np.array_equal(named["h"], y)


def test_several_inputs_and_outputs_are_dicts(two):
    params, given = two.init(0), given_two()
    y, _ = two.run(params, given)
    want = evaluate(two.graph, {**params, **given}, T, B)
    assert list(y) == ["y", "loss"] and y["loss"].shape == (T, B)
    for name in y:
        assert_close(y[name], want.outputs[name], "parity")
    only, _ = two.run(params, given, outputs=["loss"])
    assert list(only) == ["loss"]
    _, _, pullback = two.vjp(params, given)
    grads = pullback({"loss": np.ones((T, B))})
    assert set(grads.inputs) == {"x"} and set(grads.contexts) == {"v"}
    assert set(grads.params) == {"E", "W"} and set(grads.state) == {"h"}


def test_steps_are_the_run(lstm, x):
    params = lstm.init(0)
    y, last = lstm.run(params, x)
    state = None
    for t in range(T):
        y_t, state = lstm.step(params, x[t], state)
        assert np.array_equal(y_t, y[t])
    assert all(np.array_equal(state[k], last[k]) for k in last)


def test_pieces_are_the_whole(lstm, x):
    params = lstm.init(0)
    y, last = lstm.run(params, x)
    first, state = lstm.run(params, x[:2])
    second, state = lstm.run(params, x[2:], state)
    assert np.array_equal(np.concatenate([first, second]), y)
    assert all(np.array_equal(state[k], last[k]) for k in last)


def test_trace_is_the_run_to_the_bit(lstm, x):
    params = lstm.init(0)
    y, last = lstm.run(params, x)
    trace = lstm.trace(params, x)
    assert set(trace) == {"f", "u", "o", "g", "h", "c"} == set(lstm.named)
    assert np.array_equal(trace["h"], y) and np.array_equal(trace["c"][-1], last["c"])
    assert list(lstm.trace(params, x, names=["f"])) == ["f"]
    assert np.array_equal(lstm.trace(params, x, names=["f"])["f"], trace["f"])


def test_missing_states_begin_as_the_cell_says(lstm, x):
    params = lstm.init(0)
    c = np.ones((B, H), np.float32)
    y, _ = lstm.run(params, x, {"c": c})
    expected, _ = lstm.run(params, x, {"c": c, "h": np.zeros((B, H), np.float32)})
    assert np.array_equal(y, expected)


def test_outputs_that_vary_less():
    graph = rg.parse("cell S\ninput x[H]\ncontext v[H]\nparam w[H]\nstate h[H]\n"
                     "h' = h + x\noutput a = h'\noutput b = 2 * v\noutput c = 3 * w")  # fmt: skip
    c = graph.compile(H=B, dtype="f64")  # as wide as there are rows: no axis tells itself apart
    assert [node.varies for node in c.graph.outputs.values()] == list(Varies)[::-1]
    v, w = np.arange(9.0).reshape(3, 3), np.arange(3.0)
    given = {"x": np.ones((B, B, B)), "v": v}
    for extra in ({}, {"batch_first": True}):
        y, _, pullback = c.vjp({"w": w}, given, **extra)
        assert np.array_equal(y["b"], 2 * v) and np.array_equal(y["c"], 3 * w)
        grads = pullback({"b": v, "c": w})
        assert np.array_equal(grads.contexts["v"], 2 * v)
        assert np.array_equal(grads.params["w"], 3 * w)
    y, _ = c.step({"w": w}, {"x": np.ones((B, B)), "v": v})
    assert np.array_equal(y["b"], 2 * v) and y["a"].shape == (B, B)


# --- gradients ---------------------------------------------------------------------------------


def test_a_pullback_can_be_used_again(lstm, x):
    params = lstm.init(0)
    y, _, pullback = lstm.vjp(params, x)
    dy = np.random.default_rng(1).normal(size=y.shape)
    first, zero, again = pullback(dy), pullback(0 * dy), pullback(dy)
    for k in params:
        assert np.array_equal(first.params[k], again.params[k])
        assert not zero.params[k].any()


def test_only_what_is_wanted_is_differentiated(lstm, x):
    params = lstm.init(0)
    y, _, pullback = lstm.vjp(params, x)
    every = pullback(np.ones_like(y))
    _, _, pullback = lstm.vjp(params, x, wrt=["W_f"])
    some = pullback(np.ones_like(y))
    assert list(some.params) == ["W_f"] and not some.inputs
    assert_close(some.params["W_f"], every.params["W_f"], "parity", "f32")


def test_outputs_of_vjp_cannot_be_changed_by_mistake(lstm, x):
    y, _, _ = lstm.vjp(lstm.init(0), x)
    with pytest.raises(ValueError, match="read-only"):
        y += 1


# --- arguments ---------------------------------------------------------------------------------


def test_what_fits_is_not_copied(lstm, x):
    params = lstm.init(0)
    call = lstm._arguments.call(params, x)
    assert call.given["x"] is x or np.shares_memory(call.given["x"], x)
    for name, value in params.items():
        assert np.shares_memory(call.given[name], value)


@pytest.mark.parametrize("make", [
    lambda x: x.astype(np.float64), lambda x: x.tolist(), np.asfortranarray,
    lambda x: np.repeat(x, 2, axis=1)[:, ::2], lambda x: x[::-1][::-1],
    lambda x: x.astype(x.dtype.newbyteorder()),
])  # fmt: skip
def test_other_layouts_and_types_are_converted(lstm, x, make):
    params = lstm.init(0)
    expected, _ = lstm.run(params, x)
    assert np.array_equal(lstm.run(params, make(x))[0], expected)
    other = {k: make(v) if v.ndim > 1 else v for k, v in params.items()}
    assert np.array_equal(lstm.run(other, x)[0], expected)


def test_arguments_are_not_changed(lstm, x):
    params, state = lstm.init(0), {"h": np.ones((B, H), np.float32)}
    kept = copy.deepcopy((params, x, state))
    y, _, pullback = lstm.vjp(params, x, state)
    pullback(np.ones_like(y))
    lstm.run(params, x, state)
    assert all(np.array_equal(params[k], kept[0][k]) for k in params)
    assert np.array_equal(x, kept[1]) and np.array_equal(state["h"], kept[2]["h"])


def test_results_are_the_callers_own(lstm, x):
    params = lstm.init(0)
    y, state = lstm.run(params, x)
    kept = y.copy(), state["h"].copy()
    lstm.run(params, 2 * x)
    lstm.run(params, x[:2])
    assert np.array_equal(y, kept[0]) and np.array_equal(state["h"], kept[1])
    y[:] = 0
    assert np.array_equal(state["h"], kept[1])


BAD_CALLS = [
    (lambda c, p, x: c.run(p, x[0]), r"'x' has shape \[3, 4\], expected \[T, B, 4\]"),
    (lambda c, p, x: c.run(p, x[..., :2]), r"'x' has shape \[5, 3, 2\], expected \[T, B, 4\]"),
    (lambda c, p, x: c.run(p, "text"), r"'x' holds <U4, expected numbers"),
    (lambda c, p, x: c.run(p, x.astype(complex)), r"'x' holds complex128, expected numbers"),
    (lambda c, p, x: c.run(p, [[1, 2], [3]]), r"'x' is not an array"),
    (lambda c, p, x: c.run(p, {"z": x}), r"unknown input 'z'; this cell has x"),
    (lambda c, p, x: c.run(p, {}), r"missing input 'x'"),
    (lambda c, p, x: c.run({}, x), r"missing parameter 'W_f'"),
    (lambda c, p, x: c.run({**p, "W": x}, x), r"unknown parameter 'W'; this cell has W_f, W_u"),
    (lambda c, p, x: c.run({**p, "b_f": p["b_f"][:2]}, x),
     r"'b_f' has shape \[2\], expected \[6\]"),
    (lambda c, p, x: c.run([], x), r"give parameters as a dict by name, not list"),
    (lambda c, p, x: c.run(p, x, p["b_f"]), r"give states as a dict by name, not ndarray"),
    (lambda c, p, x: c.run(p, x, {"k": x}), r"unknown state 'k'; this cell has h, c"),
    (lambda c, p, x: c.run(p, x, {"h": x}), r"'state h' has shape \[5, 3, 4\], expected \[3, 6\]"),
    (lambda c, p, x: c.run(p, x, outputs=["z"]), r"no output is named 'z'; this cell gives h"),
    (lambda c, p, x: c.trace(p, x, names=["z"]), r"no value is named 'z'; this cell names f, u"),
    (lambda c, p, x: c.vjp(p, x, wrt=["z"]), r"cannot differentiate to 'z'; choose from x, W_f"),
    (lambda c, p, x: c.vjp(p, x)[2](x),
     r"'cotangent of h' has shape \[5, 3, 4\], expected \[5, 3, 6\]"),
    (lambda c, p, x: c.vjp(p, x)[2]({"z": x}), r"no output is named 'z'; outputs are h"),
    (lambda c, p, x: c.vjp(p, x)[2]({}, {"z": x}), r"unknown state 'z'"),
    (lambda c, p, x: c.jvp(p, x, {"z": x}), r"unknown parameter 'z'"),
    (lambda c, p, x: c.run(p, x, length=[1]), r"unknown option 'length'; the options are lengths"),
    (lambda c, p, x: c.run(p, x, outputs=[]), r"no output is asked for; this cell gives h"),
    (lambda c, p, x: c.run(p, x, outputs="h"), r"give outputs as a list of names, not 'h'"),
    (lambda c, p, x: c.trace(p, x, names="fu"), r"give names as a list of names, not 'fu'"),
    (lambda c, p, x: c.vjp(p, x, wrt="W_f"), r"give wrt as a list of names, not 'W_f'"),
    (lambda c, p, x: c.run(p, x, steps=2.5), r"steps must be an integer of 0 or more, not 2.5"),
    (lambda c, p, x: c.run(p, x, rows=-1), r"rows must be an integer of 0 or more, not -1"),
    (lambda c, p, x: c.run(p, x, reset=np.full((T, B), 0.5)), r"'reset' holds 0.5, expected truth"),
    (lambda c, p, x: c.run(p, np.ma.masked_less(x, 0)), r"'x' has masked elements"),
    (lambda c, p, x: c.step(p, x), r"'x' has shape \[5, 3, 4\], expected \[B, 4\]"),
    (lambda c, p, x: c.step(p, [[1, 2], [3]]), r"'x' is not an array"),
    (lambda c, p, x: c.init(-1), r"seed must be an integer of 0 or more, not -1"),
    (lambda c, p, x: c.init(1.5), r"seed must be an integer of 0 or more, not 1.5"),
    (lambda c, p, x: c.jvp(p, x, dx=x[:2]),
     r"'direction of x' has shape \[2, 3, 4\], expected \[5, 3, 4\]"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), BAD_CALLS)
def test_errors_name_argument_expected_and_given(lstm, x, call, message):
    with pytest.raises(rg.ArgumentError, match=message):
        call(lstm, lstm.init(0), x)


@pytest.mark.parametrize(("change", "message"), [
    ({"token": np.full((T, B), 7)}, r"'token' holds 7, expected integers from 0 to 6"),
    ({"token": np.full((T, B), -1)}, r"'token' holds -1, expected integers from 0 to 6"),
    ({"token": np.zeros((T, B))}, r"'token' holds float64, expected integers"),
    ({"token": np.zeros((T, 2), int)}, r"'token' has 2 rows, expected 3"),
    ({"token": np.zeros((2, B), int)}, r"'token' has 2 steps, expected 5"),
    ({"v": np.zeros((2, H))}, r"'v' has 2 rows, expected 3"),
])  # fmt: skip
def test_errors_of_several_inputs(two, change, message):
    with pytest.raises(rg.ArgumentError, match=message):
        two.run(two.init(0), {**given_two(), **change})
    with pytest.raises(rg.ArgumentError, match="give a dict with x, token, v"):
        two.run(two.init(0), given_two()["x"])


@pytest.mark.parametrize(("build", "message"), [
    (lambda c: c.compile(I=3), r"'LSTM' needs H, as in compile\(I=64, H=64\)"),
    (lambda c: c.compile(I=3, H=0), "size H must be a positive integer, not 0"),
    (lambda c: c.compile(I=3, H=2.5), "size H must be a positive integer, not 2.5"),
    (lambda c: c.compile(I=3, H=4, consts=1), "consts must be a dict by name, not 1"),
    (lambda c: c.compile(I=3, H=4, dtype=[]), r"dtype must be 'f32' or 'f64', not \[\]"),
    (lambda c: c.compile(I=3, H=4, K=1), "'LSTM' has no size 'K'; its sizes are I, H"),
    (lambda c: c.compile(I=3, H=4, dtype="f16"), "dtype must be 'f32' or 'f64', not 'f16'"),
    (lambda c: c.compile(I=3, H=4, target="z80").llvm, "unknown target 'z80'"),
])  # fmt: skip
def test_wrong_compilations(build, message):
    with pytest.raises(ValueError, match=message):
        build(rg.load("lstm"))


def test_sizes_of_numpy_are_sizes():
    assert rg.load("lstm").compile(I=np.int64(3), H=np.uint8(4)).graph.params["W_f"].shape == (4, 7)


@pytest.mark.parametrize("given", [3, b"cell C", None])
def test_a_cells_text_is_text(given):
    with pytest.raises(TypeError, match="the text of a cell is a str, not"):
        rg.parse(given)


def test_a_folder_is_no_cell(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder, not a cell"):
        rg.load(tmp_path)


# --- threads and copies ------------------------------------------------------------------------


def test_many_threads_at_once():
    """One compiled cell, one pullback, first used by all threads together."""
    c = rg.load("lstm").compile(I=I, H=H)
    params = c.init(0)
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(1 + n % 7, 1 + n % 5, I)).astype(np.float32) for n in range(64)]

    def work(x):
        y, _, pullback = c.vjp(params, x)
        return c.run(params, x)[0], y, pullback(np.ones_like(y)).params["W_f"]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, inputs))
    for x, results in zip(inputs, found, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(results, work(x), strict=True))

    y, _, pullback = c.vjp(params, inputs[0])
    directions = [n * np.ones_like(y) for n in range(32)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda dy: pullback(dy).params["W_f"], directions))
    for n, gradient in enumerate(found):
        assert np.array_equal(gradient, pullback(directions[n]).params["W_f"])


def test_pickling(x):
    cell = rg.load("gru")
    twin = pickle.loads(pickle.dumps(cell))
    assert str(twin) == str(cell) and str(twin.graph) == str(cell.graph)
    compiled = copy.deepcopy(twin).compile(I=I, H=H)
    again = pickle.loads(pickle.dumps(compiled))
    params = compiled.init(3)
    assert np.array_equal(again.run(params, x)[0], compiled.run(params, x)[0])


def test_every_stage_prints(lstm):
    names = list(lstm.stages())
    assert names[0] == "graph" and names[-1] == "schedule"
    assert all(str(stage) for stage in lstm.stages(gradients=True).values())
    assert "define" in lstm.llvm and str(lstm.schedule) and lstm.assembly
    assert "LSTM" in repr(lstm) and lstm.parameter_count == 4 * H * (H + I) + 4 * H


def test_names_are_found_when_first_used():
    assert set(rg.__all__) <= set(dir(rg))
    assert all(getattr(rg, name) is not None for name in rg.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rg.nothing  # noqa: B018
