"""PyTorch: its own module where it has one for the cell, else the derived loop in eager mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from ...runtime.arrays import Array
from .contender import Contender, Values, layers
from .packing import Packing
from .program import NoProgram, derive
from .spelling import Language, Loop, spell

if TYPE_CHECKING:
    from ..rows import Problem


def rivals(problem: Problem, threads: int) -> list[Contender]:
    """torch's contenders for a row, set to as many threads."""
    torch.set_num_threads(threads)
    if problem.row.cell in MODULES:
        return [_module(problem, MODULES[problem.row.cell])]
    try:
        return [derived(problem, "torch eager", directly)]
    except NoProgram:
        return []


# --- modules -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Module:
    """A module of torch.nn; its parameters are those of gates W (on x), U (on h), b and c."""

    name: str
    make: Callable[..., torch.nn.Module]
    gates: Callable[[Values], tuple[Sequence[Array], Sequence[Array], Sequence[Array], Array]]

    def pack(self, p: Values, inner: float = 1.0) -> Values:
        """``inner`` scales the biases that torch has twice: 1 for gradients, 0 for parameters."""
        made: Values = {}
        for number, of in enumerate(layers(p)):
            w, u, b, own = self.gates(of)
            doubled = np.concatenate(b)[: sum(map(len, b)) - len(own)]
            made |= {
                f"weight_ih_l{number}": np.concatenate(w),
                f"weight_hh_l{number}": np.concatenate(u),
                f"bias_ih_l{number}": np.concatenate(b),
                f"bias_hh_l{number}": np.concatenate([inner * doubled, own]),
            }
        return made


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


class Packs(Protocol):
    """Takes our parameters to a module's; ``inner`` scales biases that the module has twice:
    1 for gradients, 0 for parameters."""

    def pack(self, p: Values, inner: float = 1.0) -> Values: ...


def _module(problem: Problem, kind: Module) -> Contender:
    sizes = problem.x.shape[-1], problem.dy.shape[-1], problem.row.layers
    return from_module(f"torch {kind.name}", problem, kind.make(*sizes), kind)


def from_module(name: str, problem: Problem, module: torch.nn.Module, kind: Packs) -> Contender:
    """A contender that is a module with the row's parameters."""
    packed = kind.pack(problem.params, inner=0.0)
    module.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in packed.items()})
    parameters = dict(module.named_parameters())
    return _contender(name, problem, parameters, lambda x: module(x)[0], kind.pack)


# --- the derived loop ----------------------------------------------------------------------


def _frame(loop: Loop) -> list[str]:
    order = "reversed(steps)" if loop.backwards else "steps"
    body = "\n".join(loop.body)
    lines = [f"{name}_t = {name}.t()" for name in loop.parameters if f"{name}_t)" in body]
    lines += [f"steps = list(zip({', '.join(f'{name}.unbind()' for name in loop.reads)}))"]
    lines += [f"all_{name} = []" for name in loop.writes]
    lines += [f"for {_names(loop.reads)} in {order}:", *(f"    {line}" for line in loop.body)]
    lines += [f"    all_{name}.append({name})" for name in loop.writes]
    lines += [f"    {_names(loop.states)} = {_names(loop.nexts)}"]
    turned = "[::-1]" if loop.backwards else ""
    written = _names([f"np.stack(all_{name}{turned})" for name in loop.writes])
    given = (loop.parameters, "p"), (loop.reads, "z"), (loop.states, "s")
    unpacked = [f"{_names(names)} = {what}" for names, what in given if names]
    return [f"def {loop.name}(p, z, s):",
            *(f"    {line}" for line in [*unpacked, *lines]),
            f"    return {written}, {_names(loop.states)}"]  # fmt: skip


def _names(names: Sequence[str]) -> str:
    return f"({''.join(f'{name}, ' for name in names)})"


HEADER = """\
import torch as np
import torch.nn.functional as F


def layer_norm(x, n, gain, bias, eps):
    return F.layer_norm(x, (n,), gain, bias, eps)


def extreme(of, limit, a, b):
    if isinstance(b, float):
        return limit(a, b)
    return limit(b, a) if isinstance(a, float) else of(a, b)

"""
LANGUAGE = Language(
    templates={
        "sigmoid": "np.sigmoid({0})", "relu": "np.relu({0})", "rsqrt": "np.rsqrt({0})",
        "stop_gradient": "{0}.detach()", "lerp": "np.lerp({0}, {1}, {2})",
        "addcmul": "np.addcmul({0}, {1}, {2})", "split": "{0}.split({widths}, -1)",
        "linear": "F.linear({1}, {2}, {0})", "plus_product": "np.addmm({0}, {1}, {2}_t)",
        "maximum": "extreme(np.maximum, np.clamp_min, {0}, {1})",
        "minimum": "extreme(np.minimum, np.clamp_max, {0}, {1})",
    },
    header=HEADER, transposes=False, loop=_frame,
)  # fmt: skip


def derived(problem: Problem, name: str, over: Callable[..., Any]) -> Contender:
    """A contender from the program that is derived from the row's cell. Raises NoProgram."""
    program = derive(problem.compiled.graph)
    packing = Packing(program, columns=False)
    made: dict[str, Any] = {}
    exec(spell(program, packing, LANGUAGE), made)
    tensors = {
        name: torch.from_numpy(value.copy()).requires_grad_()
        for name, value in packing(problem.params).items()
    }
    apply = partial(_apply, made["program"], list(tensors.values()), over)
    return _contender(name, problem, tensors, apply, packing)


def _apply(program: Any, p: Sequence[Any], over: Callable[..., Any], x: Any) -> Any:
    return program(p, x, over)


def directly(loop: Callable[..., Any], p: Any, z: Any, s: Any) -> Any:
    """Runs a loop as it is."""
    return loop(p, z, s)


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
