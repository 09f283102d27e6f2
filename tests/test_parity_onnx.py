"""Parity of memories that are matrices with ONNX's LinearAttention (opset 27), in f32."""

from __future__ import annotations

import numpy as np
import pytest
from peers import drawn
from tolerances import assert_close

import rnngraph as rg

helper = pytest.importorskip("onnx.helper")
reference = pytest.importorskip("onnx.reference")

pytestmark = pytest.mark.peers

HEADS, SEEDS = 2, (1, 2)
SIZES = {"I": 5, "H": 6, "R": 3, "P": 2, "V": 3}


def constant_decay(params, traced):
    """Of retention.cell: the same for every input."""
    gamma = 1 - 2.0 ** (-5 - np.arange(HEADS))
    return np.broadcast_to(np.log(gamma), (*traced["k"].shape[:2], HEADS))


# their rule; logarithm of the decay of heads or of keys; strength of writing
RULES = {
    "linear_attention": ("linear", None, None),
    "retention": ("gated", constant_decay, None),
    "gated_linear_attention": ("gated", lambda _, traced: np.log(traced["a"]), None),
    "delta_net": ("delta", None, "beta"),
    "gated_delta_net": ("gated_delta", lambda _, traced: np.log(traced["alpha"]), "beta"),
}


def by_batch(value):
    """[T, B, ...] as their [B, T, features] in f32."""
    value = np.moveaxis(value, 0, 1)
    return np.ascontiguousarray(value.reshape(*value.shape[:2], -1), np.float32)


def of_theirs(rule, given):
    """Output and state of a graph of one node."""
    names = ["query", "key", "value", "past_state", "decay", "beta"]
    inputs = [name if given.get(name) is not None else "" for name in names]
    node = helper.make_node("LinearAttention", inputs, ["y", "S"], update_rule=rule, scale=1.0,
                            q_num_heads=HEADS, kv_num_heads=HEADS)  # fmt: skip
    infos = [helper.make_tensor_value_info(name, 1, None) for name in filter(None, inputs)]
    ends = [helper.make_tensor_value_info(name, 1, None) for name in ("y", "S")]
    graph = helper.make_graph([node], "attention", infos, ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 27)])
    run = reference.ReferenceEvaluator(model).run
    return run(None, {name: given[name] for name in filter(None, inputs)})


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", RULES)
def test_linear_attention(name, seed):
    rule, decay, beta = RULES[name]
    loaded = rg.load(name)
    sizes = {size: SIZES[size] for size in loaded.sizes}
    compiled = loaded.compile(**sizes, dtype="f64", consts={"heads": HEADS})
    params, x, first = drawn(compiled, seed)
    y, ends = compiled.run(params, x, first)
    traced = compiled.trace(params, x, first)
    if name == "linear_attention":  # whose normaliser theirs leaves out
        sums = (traced["q"] * traced["z"]).sum(-1)
        y = y * np.repeat(sums, y.shape[-1] // HEADS, axis=-1)
    output, state = of_theirs(rule, {
        "query": by_batch(traced["q"]),
        "key": by_batch(traced["k"]),
        "value": by_batch(traced["v"]),
        "past_state": np.float32(first["S"]).swapaxes(-1, -2).copy(),
        "decay": by_batch(decay(params, traced)) if decay else None,
        "beta": by_batch(traced[beta]) if beta else None,
    })  # fmt: skip
    assert_close(by_batch(y), output, "parity", "f32", "outputs")
    assert_close(ends["S"].swapaxes(-1, -2), state, "parity", "f32", "memory")
