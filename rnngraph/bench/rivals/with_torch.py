"""PyTorch: its own modules where it has one for the cell, and the plain loop in eager mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from ...runtime.arrays import Array
from .contender import Contender, Values
from .loops import LOOPS, Loop

if TYPE_CHECKING:
    from ..rows import Problem


def rivals(problem: Problem, threads: int) -> list[Contender]:
    """torch's contenders for a row, set to as many threads."""
    torch.set_num_threads(threads)
    made = []
    if problem.row.cell in MODULES:
        made.append(_module(problem, MODULES[problem.row.cell]))
    elif problem.row.cell in LOOPS:
        made.append(_eager(problem, LOOPS[problem.row.cell]))
    return made


# --- modules -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Module:
    """A module of torch.nn; its parameters are those of gates W (on x), U (on h), b and c."""

    name: str
    make: Callable[..., torch.nn.Module]
    gates: Callable[[Values], tuple[Sequence[Array], Sequence[Array], Sequence[Array], Array]]

    def pack(self, p: Values, inner: float = 1.0) -> Values:
        """``inner`` scales the biases that torch has twice: 1 for gradients, 0 for parameters."""
        w, u, b, own = self.gates(p)
        doubled = np.concatenate(b)[: sum(map(len, b)) - len(own)]
        return {
            "weight_ih_l0": np.concatenate(w),
            "weight_hh_l0": np.concatenate(u),
            "bias_ih_l0": np.concatenate(b),
            "bias_hh_l0": np.concatenate([inner * doubled, own]),
        }


def _lstm_gates(p: Values) -> tuple[Sequence[Array], Sequence[Array], Sequence[Array], Array]:
    hidden = len(p["b_f"])
    both = [p[f"W_{g}"] for g in "ufgo"]
    bias = [p[f"b_{g}"] for g in "ufgo"]
    return [w[:, hidden:] for w in both], [w[:, :hidden] for w in both], bias, bias[0][:0]


def _gru_gates(p: Values) -> tuple[Sequence[Array], Sequence[Array], Sequence[Array], Array]:
    w, u, b = ([p[f"{kind}_{g}"] for g in "rzh"] for kind in "WUb")
    return w, u, b, p["c_h"]


def _rnn_gates(p: Values) -> tuple[Sequence[Array], Sequence[Array], Sequence[Array], Array]:
    return [p["W"]], [p["U"]], [p["b"]], p["b"][:0]


MODULES = {
    "lstm": Module("nn.LSTM", torch.nn.LSTM, _lstm_gates),
    "gru_reset_after": Module("nn.GRU", torch.nn.GRU, _gru_gates),
    "rnn": Module("nn.RNN", torch.nn.RNN, _rnn_gates),
}


def _module(problem: Problem, kind: Module) -> Contender:
    module = kind.make(problem.x.shape[-1], problem.dy.shape[-1])
    packed = kind.pack(problem.params, inner=0.0)
    module.load_state_dict({k: torch.from_numpy(v) for k, v in packed.items()})
    parameters = dict(module.named_parameters())
    return _contender(f"torch {kind.name}", problem, parameters, lambda x: module(x)[0], kind.pack)


# --- the plain loop ------------------------------------------------------------------------


class _Framework:
    """`loops.Framework` in torch's terms."""

    sigmoid, tanh, relu = torch.sigmoid, torch.tanh, torch.relu
    affine = staticmethod(functional.linear)

    @staticmethod
    def plus_product(z: Any, h: Any, weight: Any) -> Any:
        return torch.addmm(z, h, weight.t())

    @staticmethod
    def split(z: Any, parts: int) -> Sequence[Any]:
        pieces: Sequence[Any] = torch.chunk(z, parts, dim=-1)
        return pieces

    @staticmethod
    def layer_norm(z: Any, gain: Any, bias: Any) -> Any:
        return functional.layer_norm(z, gain.shape, gain, bias)


def _eager(problem: Problem, loop: Loop) -> Contender:
    p = {
        name: torch.from_numpy(np.ascontiguousarray(value)).requires_grad_()
        for name, value in loop.pack(problem.params).items()
    }
    return _contender("torch eager", problem, p, partial(_run, loop, p), loop.pack)


def _run(loop: Loop, p: dict[str, Any], x: Any) -> Any:
    z = loop.prepare(_Framework, p, x)
    several = isinstance(z, tuple)
    steps = zip(*(part.unbind() for part in z), strict=True) if several else z.unbind()
    state = (x.new_zeros(x.shape[1:]),) * loop.states  # as many units as inputs
    outputs = []
    for z_t in steps:
        state = loop.step(_Framework, p, state, z_t)
        outputs.append(state[0])
    return torch.stack(outputs)


# --- both ----------------------------------------------------------------------------------


def _contender(
    name: str,
    problem: Problem,
    parameters: dict[str, Any],
    apply: Callable[[Any], Any],
    pack: Callable[[Values], Values],
) -> Contender:
    x, dy = torch.from_numpy(problem.x), torch.from_numpy(problem.dy)

    def forward() -> Any:
        with torch.inference_mode():
            return apply(x), None

    def train() -> Any:
        entry = x.detach().requires_grad_()
        y = apply(entry)
        return y, torch.autograd.grad(y, [entry, *parameters.values()], dy)

    def values(result: Any) -> Values:
        y, gradients = result
        named = dict(zip(["x", *parameters], gradients or (), strict=False))
        return {k: v.detach().numpy() for k, v in {"y": y, **named}.items()}

    return Contender(name, train if problem.row.training else forward, values, pack)
