"""torchrecurrent: its layer for a cell, where it has one.

Its NAS adds in the content gate where the authors' code (and ours) multiplies, so it is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torchrecurrent

from ...runtime.arrays import Array
from .contender import Contender, Values
from .with_torch import from_module

if TYPE_CHECKING:
    from ..rows import Problem

Both = tuple[Sequence[Array], Sequence[Array], Sequence[Array]]


@dataclass(frozen=True)
class Layer:
    """A class of torchrecurrent; ``gates`` gives W on x, U on h and b by gate, in its order;
    ``more`` its further parameters."""

    name: str
    gates: Callable[[Values], Both]
    more: Mapping[str, Callable[[Values], Array]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def pack(self, p: Values, inner: float = 1.0) -> Values:
        """``inner`` scales the biases it has twice: 1 for gradients, 0 for parameters."""
        w, u, b = (np.concatenate(parts) if parts else None for parts in self.gates(p))
        made = {"weight_ih": w, "weight_hh": u, "bias_ih": b,
                "bias_hh": None if b is None else inner * b}  # fmt: skip
        made |= {name: of(p) for name, of in self.more.items()}
        return {f"cells.0.{k}": v for k, v in made.items() if v is not None}


def _joined(gates: str) -> Callable[[Values], Both]:
    """Weights on [h, x] of several gates."""

    def made(p: Values) -> Both:
        hidden = len(p[f"b_{gates[0]}"])
        whole = [p[f"W_{g}"] for g in gates]
        return [w[:, hidden:] for w in whole], [w[:, :hidden] for w in whole], [
            p[f"b_{g}"] for g in gates
        ]

    return made


def _apart(gates: str) -> Callable[[Values], Both]:
    """Weights W on x and U on h of several gates."""

    def made(p: Values) -> Both:
        w, u, b = ([p[f"{kind}_{g}"] for g in gates] for kind in "WUb")
        return w, u, b

    return made


def _multiplicative(p: Values) -> Both:
    bias = [np.zeros_like(p["b_u"]), *(p[f"b_{g}"] for g in "ufgo")]
    return [p[f"W_{g}"] for g in "mufgo"], [p["U_m"]], bias


class _Multiplicative(Layer):
    """Its biases are many: only those that ours has are compared."""

    def pack(self, p: Values, inner: float = 1.0) -> Values:
        made = super().pack(p, inner)
        outer, hidden = made["cells.0.bias_ih"], len(p["b_u"])
        made["cells.0.weight_mh"] = np.concatenate([p[f"U_{g}"] for g in "ufgo"])
        made["cells.0.bias_mh"] = inner * outer[hidden:]
        made["cells.0.bias_hh"] = 0 * outer[:hidden]
        if inner:
            del made["cells.0.bias_hh"], made["cells.0.bias_ih"]
        return made


LAYERS: dict[str, Layer] = {
    "peephole_lstm": Layer("PeepholeLSTM", _joined("ufgo"), {
        "weight_ph": lambda p: np.concatenate([p[f"p_{g}"] for g in "ufo"])}),
    "mgu": Layer("MGU", _joined("fh")),
    "ug_rnn": Layer("UGRNN", _apart("cg")),
    "li_gru": Layer("LiGRU", _apart("zh")),
    "multiplicative_lstm": _Multiplicative("MultiplicativeLSTM", _multiplicative),
    "ind_rnn": Layer("IndRNN", lambda p: ([p["W"]], [], [p["b"]]), {"vector_u": lambda p: p["u"]},
                     {"nonlinearity": "relu"}),
}  # fmt: skip


def rivals(problem: Problem, threads: int) -> list[Contender]:
    """torchrecurrent's layer for the row's cell."""
    layer = LAYERS.get(problem.row.cell)
    if layer is None or problem.row.layers > 1:
        return []
    torch.set_num_threads(threads)
    make = getattr(torchrecurrent, layer.name)
    module = make(problem.x.shape[-1], problem.dy.shape[-1], **layer.options)
    return [from_module("torchrecurrent", problem, module, layer)]
