"""ONNX Runtime: its LSTM, GRU and RNN operators, forward only (it trains none of them)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from ...runtime.arrays import Array
from .contender import Contender, Values, layers

if TYPE_CHECKING:
    from ..rows import Problem

# our cell -> (operator, gates in the operator's order, attributes)
OPERATORS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "lstm": ("LSTM", "uofg", {}),
    "gru_reset_after": ("GRU", "zrh", {"linear_before_reset": 1}),
    "rnn": ("RNN", "", {}),
}


def rivals(problem: Problem, threads: int) -> list[Contender]:
    """ONNX Runtime's contender for a row, if it has the operator; weights are packed by its
    session, once."""
    if problem.row.training or problem.row.cell not in OPERATORS:
        return []
    session = _session(_model(problem), threads)

    def forward() -> Any:
        return session.run(None, {"x": problem.x})[0]

    def values(result: Any) -> Values:
        return {"y": result}

    return [Contender("onnxruntime", forward, values, dict)]


def _session(model: Any, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _model(problem: Problem) -> Any:
    operator, gates, attributes = OPERATORS[problem.row.cell]
    nodes, constants, below = [], [numpy_helper.from_array(np.array([1]), "directions")], "x"
    for k, of in enumerate(layers(problem.params)):
        weights = zip("WRB", _weights(of, gates, problem.row.hidden), strict=True)
        constants += [numpy_helper.from_array(np.ascontiguousarray(v[None]), f"{name}{k}")
                      for name, v in weights]  # fmt: skip
        inputs = [below, f"W{k}", f"R{k}", f"B{k}"]
        hidden = problem.row.hidden
        nodes += [
            helper.make_node(operator, inputs, [f"y{k}"], hidden_size=hidden, **attributes),
            helper.make_node("Squeeze", [f"y{k}", "directions"], [f"x{k}"]),
        ]
        below = f"x{k}"
    entry = helper.make_tensor_value_info("x", TensorProto.FLOAT, problem.x.shape)
    result = helper.make_tensor_value_info(below, TensorProto.FLOAT, problem.dy.shape)
    graph = helper.make_graph(nodes, operator, [entry], [result], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


def _weights(p: Values, gates: str, hidden: int) -> tuple[Array, Array, Array]:
    """W on x, R on h, and both biases, gates stacked."""
    if not gates:
        return p["W"], p["U"], np.concatenate([p["b"], np.zeros_like(p["b"])])
    join = np.concatenate
    bias = join([p[f"b_{g}"] for g in gates])
    inner = join([p.get(f"c_{g}", np.zeros_like(p[f"b_{g}"])) for g in gates])
    if f"U_{gates[0]}" in p:
        w, r = (join([p[f"{kind}_{g}"] for g in gates]) for kind in "WU")
    else:
        whole = join([p[f"W_{g}"] for g in gates])
        w, r = whole[:, hidden:], whole[:, :hidden]
    return w, r, join([bias, inner])
