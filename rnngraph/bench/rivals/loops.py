"""Cells as a careful user of an array framework would write them: once, for torch and JAX alike.

All products of the inputs are taken out of the loop and gates share one product, which is the
best that a plain loop can do. ``np`` stands for the framework's few functions (`Framework`).
A peer must know its cells; nothing else in rnngraph does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy

from ...runtime.arrays import Array

Tensors = dict[str, Any]
Pack = Callable[[dict[str, Array]], dict[str, Array]]


class Framework(Protocol):
    """What a loop needs of a framework."""

    def affine(self, x: Any, weight: Any, bias: Any) -> Any:
        """``x @ weight.T + bias`` over all leading axes."""

    def plus_product(self, z: Any, h: Any, weight: Any) -> Any:
        """``z + h @ weight.T``."""

    def split(self, z: Any, parts: int) -> Sequence[Any]: ...
    def sigmoid(self, z: Any) -> Any: ...
    def tanh(self, z: Any) -> Any: ...
    def relu(self, z: Any) -> Any: ...
    def layer_norm(self, z: Any, gain: Any, bias: Any) -> Any: ...


@dataclass(frozen=True)
class Loop:
    """``prepare`` is done for all steps at once, ``step`` once a step; the first of the states
    is the output."""

    pack: Pack
    states: int
    prepare: Callable[[Framework, Tensors, Any], Any]
    step: Callable[[Framework, Tensors, tuple[Any, ...], Any], tuple[Any, ...]]


def project(np: Framework, p: Tensors, x: Any) -> Any:
    """Products of the inputs, with the bias."""
    return np.affine(x, p["W_x"], p["b"])


def joined(gates: str, units: str = "") -> Pack:
    """Weights on [h, x] of several gates as two matrices, and further vectors as they are."""

    def pack(p: dict[str, Array]) -> dict[str, Array]:
        whole = numpy.concatenate([p[f"W_{g}"] for g in gates])
        hidden = p[f"W_{gates[0]}"].shape[0]
        made = {"W_h": whole[:, :hidden], "W_x": whole[:, hidden:],
                "b": numpy.concatenate([p[f"b_{g}"] for g in gates])}  # fmt: skip
        return {**made, **{f"p_{u}": p[f"p_{u}"] for u in units}}

    return pack


def apart(gates: str) -> Pack:
    """Weights W on x and U on h of several gates, stacked."""

    def pack(p: dict[str, Array]) -> dict[str, Array]:
        made = {"W_x": [p[f"W_{g}"] for g in gates], "W_h": [p[f"U_{g}"] for g in gates],
                "b": [p[f"b_{g}"] for g in gates]}  # fmt: skip
        return {name: numpy.concatenate(parts) for name, parts in made.items()}

    return pack


def lstm(np: Framework, p: Tensors, state: tuple[Any, ...], z: Any) -> tuple[Any, ...]:
    h, c = state
    u, f, g, o = np.split(np.plus_product(z, h, p["W_h"]), 4)
    c = np.sigmoid(f) * c + np.sigmoid(u) * np.tanh(g)
    return np.sigmoid(o) * np.tanh(c), c


def gru(np: Framework, p: Tensors, state: tuple[Any, ...], z: Any) -> tuple[Any, ...]:
    (h,) = state
    inner = np.affine(h, p["W_h"], None)
    (a_r, a_z, a_g), (c_r, c_z, c_g) = np.split(z, 3), np.split(inner, 3)
    keep = np.sigmoid(a_z + c_z)
    g = np.tanh(a_g + np.sigmoid(a_r + c_r) * (c_g + p["c"]))
    return (keep * (h - g) + g,)


def gru_pack(p: dict[str, Array]) -> dict[str, Array]:
    return {**apart("rzh")(p), "c": p["c_h"]}


def rnn(np: Framework, p: Tensors, state: tuple[Any, ...], z: Any) -> tuple[Any, ...]:
    return (np.tanh(np.plus_product(z, state[0], p["W_h"])),)


def peephole_lstm(np: Framework, p: Tensors, state: tuple[Any, ...], z: Any) -> tuple[Any, ...]:
    h, c = state
    u, f, g, o = np.split(np.plus_product(z, h, p["W_h"]), 4)
    kept = np.sigmoid(f + p["p_f"] * c) * c
    c = kept + np.sigmoid(u + p["p_u"] * c) * np.tanh(g)
    return np.sigmoid(o + p["p_o"] * c) * np.tanh(c), c


def layernorm_prepare(np: Framework, p: Tensors, x: Any) -> Any:
    z = np.affine(x, p["W_x"], None)
    return np.layer_norm(z, p["gain_x"], p["bias_x"]) + p["b"]


def layernorm_lstm(np: Framework, p: Tensors, state: tuple[Any, ...], z: Any) -> tuple[Any, ...]:
    h, c = state
    inner = np.layer_norm(np.affine(h, p["W_h"], None), p["gain_h"], p["bias_h"])
    f, u, o, g = np.split(z + inner, 4)
    c = np.sigmoid(f) * c + np.sigmoid(u) * np.tanh(g)
    return np.sigmoid(o) * np.tanh(np.layer_norm(c, p["gain_c"], p["bias_c"])), c


def mgu_pack(p: dict[str, Array]) -> dict[str, Array]:
    made = joined("fh")(p)
    u_f, u_h = numpy.split(made.pop("W_h"), 2)
    return {**made, "U_f": u_f, "U_h": u_h}


def mgu(np: Framework, p: Tensors, state: tuple[Any, ...], z: Any) -> tuple[Any, ...]:
    (h,) = state
    z_f, z_h = np.split(z, 2)
    f = np.sigmoid(np.plus_product(z_f, h, p["U_f"]))
    g = np.tanh(np.plus_product(z_h, f * h, p["U_h"]))
    return (f * (g - h) + h,)


def min_gru_pack(p: dict[str, Array]) -> dict[str, Array]:
    return {"W_x": numpy.concatenate([p["W_z"], p["W_h"]]),
            "b": numpy.concatenate([p["b_z"], p["b_h"]])}  # fmt: skip


def min_gru_prepare(np: Framework, p: Tensors, x: Any) -> Any:
    z, g = np.split(project(np, p, x), 2)
    z = np.sigmoid(z)
    return 1 - z, z * g


def min_gru(np: Framework, p: Tensors, state: tuple[Any, ...], z: Any) -> tuple[Any, ...]:
    keep, new = z
    return (keep * state[0] + new,)


def ind_rnn(np: Framework, p: Tensors, state: tuple[Any, ...], z: Any) -> tuple[Any, ...]:
    return (np.relu(z + p["u"] * state[0]),)


def rnn_pack(p: dict[str, Array]) -> dict[str, Array]:
    return {"W_x": p["W"], "W_h": p["U"], "b": p["b"]}


def ind_rnn_pack(p: dict[str, Array]) -> dict[str, Array]:
    return {"W_x": p["W"], "u": p["u"], "b": p["b"]}


LOOPS: dict[str, Loop] = {
    "lstm": Loop(joined("ufgo"), 2, project, lstm),
    "gru_reset_after": Loop(gru_pack, 1, project, gru),
    "rnn": Loop(rnn_pack, 1, project, rnn),
    "peephole_lstm": Loop(joined("ufgo", "fuo"), 2, project, peephole_lstm),
    "layernorm_lstm": Loop(dict, 2, layernorm_prepare, layernorm_lstm),
    "mgu": Loop(mgu_pack, 1, project, mgu),
    "min_gru": Loop(min_gru_pack, 1, min_gru_prepare, min_gru),
    "ind_rnn": Loop(ind_rnn_pack, 1, project, ind_rnn),
}
