"""Weights move: every layout there and back, the layout language, and what users get wrong."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from command_line import Call, call
from hypothesis import given
from hypothesis import strategies as st

import rnngraph as rg
from rnngraph.adapters import LAYOUTS, Layout, LayoutError, from_state, load_state, save_state
from rnngraph.adapters.layout import gathered, scattered, transposed
from rnngraph.adapters.move import arranged
from rnngraph.compiled import Compiled
from rnngraph.train.checkpoint import Checkpoint, save

__all__ = ["call"]  # a fixture

SIZES = {"I": 5, "H": 6, "P": 4}
ODD = np.array([np.nan, -np.nan, -0.0, 0.0, np.inf, -np.inf, 5e-324, 1e-310])
LSTM, WEIGHTS = "torch.LSTM", "w.safetensors"


def consts_of(layout: Layout) -> dict[str, float]:
    return {name: 2 if name == "delay" else 0.75 for name in layout.consts}


def compiled_for(name: str, layers: int = 1, both: bool = False, dtype: str = "f64") -> Compiled:
    layout = LAYOUTS[name]
    cell = arranged(layout.cell, layers, both)
    sizes = {size: SIZES[size] for size in cell.sizes}
    return cell.compile(**sizes, consts=consts_of(layout), dtype=dtype)


def drawn(compiled: Compiled, seed: int = 1) -> dict[str, np.ndarray]:
    """Parameters with every odd number there is, so that a changed bit is seen."""
    rng = np.random.default_rng(seed)
    made = {}
    for name, leaf in compiled.graph.params.items():
        array = rng.normal(size=leaf.shape).astype(compiled.init(0)[name].dtype)
        array.flat[: ODD.size] = ODD[: array.size]
        made[name] = array
    return made


def assert_same_bits(found, expected) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name


def arrangements(name: str):
    """Layers and directions that a module of the layout can have."""
    many = LAYOUTS[name].spelling == "layers"
    return [(1, False), (2, False), (1, True), (2, True)] if many else [(1, False)]


# --- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYOUTS)
def test_ours_to_theirs_to_ours_keeps_every_bit(name: str) -> None:
    consts = consts_of(LAYOUTS[name])
    for layers, both in arrangements(name):
        compiled = compiled_for(name, layers, both, "f32" if both else "f64")
        params = drawn(compiled)
        theirs = save_state(compiled, params, name, prefix="net.", consts=consts)
        assert all(key.startswith("net.") for key in theirs)
        back = load_state(compiled, theirs, name, prefix="net.", consts=consts)
        assert_same_bits(back, params)


@pytest.mark.parametrize("name", [n for n in LAYOUTS if "+" not in str(LAYOUTS[n].params)])
def test_theirs_to_ours_to_theirs_keeps_every_bit_where_nothing_is_added(name: str) -> None:
    compiled, consts = compiled_for(name), consts_of(LAYOUTS[name])
    theirs = save_state(compiled, drawn(compiled), name, consts=consts)
    again = save_state(compiled, load_state(compiled, theirs, name, consts=consts), name,
                       consts=consts)  # fmt: skip
    assert_same_bits(again, theirs)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_arrays_tell_the_sizes(name: str) -> None:
    consts = consts_of(LAYOUTS[name])
    for layers, both in arrangements(name):
        compiled = compiled_for(name, layers, both)
        params = drawn(compiled)
        found, back = from_state(save_state(compiled, params, name, consts=consts), name,
                                 consts=consts)  # fmt: skip
        assert found.graph.title == compiled.graph.title and found.dtype == "f64"
        assert_same_bits(back, params)


def test_a_stack_of_cells_is_spelt_as_torchrecurrent_does() -> None:
    compiled = compiled_for("torchrecurrent.MGU", layers=2)
    theirs = save_state(compiled, drawn(compiled), "torchrecurrent.MGU")
    assert {name.rpartition(".")[0] for name in theirs} == {"cells.0", "cells.1"}
    found, back = from_state(theirs, "torchrecurrent.MGU")
    assert_same_bits(back, drawn(compiled))
    assert found.graph.title == compiled.graph.title


def test_a_cell_of_ones_own_will_do() -> None:
    relu = rg.parse(rg.load("rnn").text.replace("tanh(", "relu(")).compile(I=2, H=3)
    params = relu.init(1)
    assert_same_bits(load_state(relu, save_state(relu, params, "torch.RNN"), "torch.RNN"), params)


def test_a_module_without_biases_has_zeros() -> None:
    compiled = compiled_for(LSTM)
    state = save_state(compiled, compiled.init(1), LSTM)
    params = load_state(compiled, {k: v for k, v in state.items() if "bias" not in k}, LSTM)
    assert all(not array.any() for name, array in params.items() if name.startswith("b_"))
    assert_same_bits({"W_f": params["W_f"]}, {"W_f": compiled.init(1)["W_f"]})


# --- the language --------------------------------------------------------------------------------


@st.composite
def layouts(draw: st.DrawFn) -> tuple[Layout, dict[str, np.ndarray]]:
    """A layout and parameters of ours: vectors, sums of gates, and joined matrices."""
    count, summands = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    order = draw(st.permutations(range(count)))
    params = {f"b{k}": " + ".join(f"v{s}[{place}]" for s in range(summands))
              for k, place in enumerate(order)}  # fmt: skip
    params |= {f"W{k}": f"m[{place}]:h | n[{place}]" for k, place in enumerate(order)}
    h, wide = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    ours = {name: rng.choice(ODD, (h,) if name[0] == "b" else (h, h + wide)) for name in params}
    return Layout("any", params), ours


@given(layouts())
def test_scattering_is_undone_by_gathering(case) -> None:
    layout, ours = case
    assert_same_bits(gathered(layout, scattered(layout, ours, widths(ours), {})), ours)


@given(layouts())
def test_the_transpose_is_that_of_gathering(case) -> None:
    layout, ours = case
    ours = {name: np.arange(array.size, dtype=float).reshape(array.shape)
            for name, array in ours.items()}  # fmt: skip
    back = transposed(layout, ours, widths(ours))
    theirs = {name: 1.0 + np.arange(array.size).reshape(array.shape)
              for name, array in back.items()}  # fmt: skip
    made = gathered(layout, theirs)
    assert sum((ours[n] * made[n]).sum() for n in ours) == sum(
        (back[n] * theirs[n]).sum() for n in back
    )


def widths(ours) -> dict[str, int]:
    return {"h": len(next(iter(ours.values())))}


@pytest.mark.parametrize(
    "params, said",
    [
        ({"W": "weight ih"}, "'weight ih' is no block"),
        ({"W": "a +"}, "'' is no block"),
        ({"W": "a", "U": "a"}, "the array 'a' of 'x' is used twice"),
        ({"W": "a[0] + a[0]"}, "used twice"),
        ({"W": "a[0]", "U": "a"}, "used twice"),
        ({"W": "a", "U": "a[0]"}, "used twice"),
        ({"W": "a[1]"}, "nothing is made of a[0]"),
    ],
)
def test_a_layout_that_is_none_is_refused(params, said: str) -> None:
    with pytest.raises(LayoutError, match=r"'b \| c' of 'x' is fixed, but is no single block"):
        Layout("x", {"W": "a"}, {"b | c": "zero"})
    with pytest.raises(LayoutError, match=re.escape(said)):
        Layout("x", params)


# --- mistakes ------------------------------------------------------------------------------------


def changed(**arrays):
    """A state dict of an LSTM with some arrays replaced, or left out (None)."""
    compiled = compiled_for(LSTM, dtype="f32")
    state = save_state(compiled, compiled.init(1), LSTM) | arrays
    return compiled, {name: array for name, array in state.items() if array is not None}


@pytest.mark.parametrize(
    "arrays, said",
    [
        ({"weight_hh_l0": None}, "missing array 'weight_hh_l0' of shape [24, 6]"),
        ({"bias_hh_l0": None}, "missing array 'bias_hh_l0' of shape [24]"),
        ({"extra": np.zeros(3)}, "unexpected array 'extra' of shape [3]"),
        ({"weight_ih_l0": np.zeros((24, 4), "f4")},
         "'weight_ih_l0' has shape [24, 4], expected [24, 5]"),
        ({"bias_ih_l0": np.zeros(24)}, "'bias_ih_l0' holds float64, which float32 cannot"),
        ({"bias_ih_l0": np.zeros(24, int)}, "'bias_ih_l0' holds int64, expected real numbers"),
    ],
)  # fmt: skip
def test_an_array_that_does_not_fit_is_named(arrays, said: str) -> None:
    compiled, state = changed(**arrays)
    with pytest.raises(LayoutError, match=re.escape(said)):
        load_state(compiled, state, LSTM)


@pytest.mark.parametrize(
    "name, block, said",
    [
        ("torchrecurrent.CFN", "bias_ih", "'bias_ih[2]' must be 0"),
        ("torchrecurrent.MUT2", "weight_ih", "'weight_ih[1]' must be the identity"),
        ("torchrecurrent.JANET", "beta", "'beta' must be 0.75"),
    ],
)
def test_what_the_cell_has_not_is_refused(name: str, block: str, said: str) -> None:
    compiled, consts = compiled_for(name), consts_of(LAYOUTS[name])
    state = save_state(compiled, compiled.init(1), name, consts=consts)
    with pytest.raises(LayoutError, match=re.escape(said)):
        load_state(compiled, state | {block: state[block] + 1}, name, consts=consts)


def test_a_constant_that_is_kept_as_an_array_must_be_said() -> None:
    name = "torchrecurrent.JANET"
    compiled = compiled_for(name)
    state = save_state(compiled, compiled.init(1), name, consts={"beta": 0.75})
    with pytest.raises(LayoutError, match=r"'beta' is 0\.75, which is a constant of the cell"):
        load_state(compiled, state, name)
    with pytest.raises(LayoutError, match="needs the constant beta"):
        save_state(compiled, compiled.init(1), name)


def test_a_layout_of_ones_own_that_does_not_fit_is_refused() -> None:
    compiled, state = changed()
    params = load_state(compiled, state, LSTM)
    named = dict(LAYOUTS[LSTM].params)
    unsaid = Layout("lstm", {k: v.replace(":h", "") for k, v in named.items()}, spelling="layers")
    with pytest.raises(LayoutError, match="the width of 'weight_hh' must be said by a state: h, c"):
        save_state(compiled, params, unsaid)
    with pytest.raises(LayoutError, match="one direction only"):
        save_state(compiled_for(LSTM, both=True), {}, "torch.LSTMCell")


def test_other_mistakes_of_callers() -> None:
    compiled, state = changed()
    params = load_state(compiled, state, LSTM)
    for wrong, said in [
        (lambda: load_state(compiled, state, "torch.LSTN"), "did you mean 'torch.LSTM'?"),
        (lambda: load_state(compiled, state, "torch.GRU"), "the layout makes W_r"),
        (lambda: load_state(compiled, state, LSTM, prefix="a."), "no array begins with 'a.'"),
        (lambda: load_state(compiled, [1], LSTM), "a state dict is a dict by name, not list"),
        (lambda: from_state({"x": np.zeros(3)}, LSTM), "no array of the layout is there, but x"),
        (lambda: save_state(compiled, {}, LSTM), "missing parameter 'W_f'"),
        (lambda: save_state(compiled, params | {"b_f": np.zeros(2)}, LSTM),
         "'b_f' has shape [2], expected [6]"),
    ]:  # fmt: skip
        with pytest.raises(LayoutError, match=re.escape(said)):
            wrong()


# --- the command ---------------------------------------------------------------------------------


def test_import_and_export_keep_every_bit(call: Call) -> None:
    from safetensors.numpy import load_file, save_file

    compiled = compiled_for(LSTM, 2, True, "f32")
    params = drawn(compiled)
    save_file(save_state(compiled, params, LSTM, prefix="rnn."), WEIGHTS)
    prefix = ("--prefix", "rnn.")
    answer = call("weights", "import", WEIGHTS, "--from", LSTM, *prefix, "-o", "p.npz")
    assert answer.code == 0 and "wrote p.npz: 32 arrays" in answer.err
    with np.load("p.npz") as found:
        assert_same_bits(dict(found), params)
    answer = call("weights", "export", "p.npz", "--to", LSTM, *prefix, "-o", "b.safetensors")
    assert answer.code == 0
    assert_same_bits(load_file("b.safetensors"), load_file(WEIGHTS))


def test_a_checkpoint_is_exported_without_what_is_around_the_cell(call: Call) -> None:
    compiled = compiled_for(LSTM, dtype="f32")
    save("last.safetensors", Checkpoint(compiled.init(1) | {"W_y": np.zeros((2, 6), "f4")}))
    answer = call("weights", "export", "last.safetensors", "--to", LSTM, "-o", "out.npz")
    assert answer.code == 0 and "not exported from 'last.safetensors': W_y" in answer.err
    with np.load("out.npz") as found:
        assert_same_bits(load_state(compiled, dict(found), LSTM), compiled.init(1))


def test_layouts_are_listed(call: Call) -> None:
    answer = call("weights", "layouts")
    assert answer.code == 0
    assert all(re.search(rf"^{re.escape(name)} ", answer.out, re.MULTILINE) for name in LAYOUTS)
    assert "W_f = weight_hh[1]:h | weight_ih[1]" in call("weights", "layouts", LSTM).out


@pytest.mark.parametrize(
    "words, code, said",
    [
        (("weights", "import", "no.npz", "--from", LSTM, "-o", "out.npz"), 1, "no.npz"),
        (("weights", "import", WEIGHTS, "--from", "torch.GRU", "-o", "out.npz"), 1, "expected"),
        (("weights", "import", WEIGHTS, "--from", LSTM, "-o", "out.bin"), 1, "out.bin"),
        (("weights", "import", WEIGHTS, "--from", "torch.LST", "-o", "out.npz"), 2, "did you mean"),
        (("weights", "export", WEIGHTS, "--to", LSTM, "-o", "out.npz"), 1, "do not tell"),
        (("weights",), 2, "ACTION"),
    ],
)
def test_mistakes_write_nothing(words, code: int, said: str, call: Call) -> None:
    from safetensors.numpy import save_file

    save_file(changed()[1], WEIGHTS)
    answer = call(*words)
    assert answer.code == code, answer
    assert said in answer.err and "Traceback" not in answer.err
    assert not Path("out.npz").exists()
