"""Parity with PyTorch: outputs, final states and all gradients, with packed sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from tolerances import assert_close

import rnngraph as rg

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.peers
torch.set_num_threads(1)  # small products: threads would only wait for each other

I, H, P, T, B = 5, 7, 4, 6, 3  # noqa: E741
LENGTHS = np.array([4, 6, 1])
Weights = dict[str, object]


def lstm(ours: Weights) -> Weights:
    """torch's weights made of those of lstm.cell; torch orders its gates i, f, g, o."""
    whole = torch.cat([ours[f"W_{gate}"] for gate in "ufgo"])
    bias = torch.cat([ours[f"b_{gate}"] for gate in "ufgo"])
    fed_back = ours["width"]
    made = {"weight_hh": whole[:, :fed_back], "weight_ih": whole[:, fed_back:],
            "bias_ih": bias, "bias_hh": torch.zeros_like(bias)}  # fmt: skip
    return made | ({"weight_hr": ours["W_p"]} if "W_p" in ours else {})


def gru(ours: Weights) -> Weights:
    """Of gru_reset_after.cell; torch orders its gates r, z, n."""
    kinds = {"weight_ih": "W", "weight_hh": "U", "bias_ih": "b"}
    weights = {key: torch.cat([ours[f"{kind}_{gate}"] for gate in "rzh"])
               for key, kind in kinds.items()}  # fmt: skip
    zero = torch.zeros_like(ours["c_h"])
    return {**weights, "bias_hh": torch.cat([zero, zero, ours["c_h"]])}


def rnn(ours: Weights) -> Weights:
    return {"weight_ih": ours["W"], "weight_hh": ours["U"], "bias_ih": ours["b"],
            "bias_hh": torch.zeros_like(ours["b"])}  # fmt: skip


@dataclass(frozen=True)
class Peer:
    """A cell of the library and torch's module of the same equations."""

    cell: str
    module: str
    translate: Callable[[Weights], Weights]
    states: tuple[str, ...]
    projection: int = 0

    @property
    def width(self) -> int:
        return self.projection or H


PEERS = [
    Peer("lstm", "LSTM", lstm, ("h", "c")),
    Peer("gru_reset_after", "GRU", gru, ("h",)),
    Peer("lstm_projection", "LSTM", lstm, ("h", "c"), P),
    Peer("rnn", "RNN", rnn, ("h",)),
]
# layers, both directions, lengths: LSTM and GRU take every combination, the others (each case
# costs a compilation) the one that has everything
EVERYTHING = (2, True, True)
FULL = [case for case in product((1, 2), (False, True), (False, True)) if case != EVERYTHING]
CASES = [
    (peer, *case, dtype)
    for dtype in ("f64", "f32")
    for peer in PEERS
    for case in [EVERYTHING, *(FULL if peer in PEERS[:2] else [])]
]


def places(layers: int, both: bool) -> list[tuple[str, str]]:
    """(torch's suffix, our prefix) of every layer and direction, in torch's order of states."""
    ways = [("", "forward."), ("_reverse", "backward.")] if both else [("", "")]
    return [(f"_l{k}{suffix}", (f"layer{k}." if layers > 1 else "") + way)
            for k in range(layers) for suffix, way in ways]  # fmt: skip


def of_torch(peer: Peer, ours: Weights, layers: int, both: bool) -> Weights:
    """All of a module's parameters, made of ours."""
    made = {}
    for suffix, prefix in places(layers, both):
        own = {n.removeprefix(prefix): w for n, w in ours.items() if n.startswith(prefix)}
        translated = peer.translate({**own, "width": peer.width})
        made.update({name + suffix: weight for name, weight in translated.items()})
    return made


def leaves(arrays: dict) -> dict:
    return {n: torch.tensor(a, dtype=torch.float64, requires_grad=True) for n, a in arrays.items()}


def run_torch(module, weights, x, states, lengths):
    """Outputs and final states, one tensor per kind of state."""
    states = states if len(states) > 1 else states[0]
    if lengths is not None:
        x = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    y, finals = torch.func.functional_call(module, weights, (x, states))
    if lengths is not None:
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, total_length=T)
    return y, finals if isinstance(finals, tuple) else (finals,)


@pytest.mark.parametrize(("peer", "layers", "both", "masked", "dtype"), CASES,
                         ids=lambda v: getattr(v, "cell", str(v)))  # fmt: skip
def test_outputs_and_gradients(peer, layers, both, masked, dtype):
    lengths = LENGTHS if masked else None
    rng = np.random.default_rng(1)
    cell = rg.load(peer.cell)
    cell = rg.stack(rg.bidirectional(cell) if both else cell, layers=layers)
    compiled = cell.compile(I=I, H=H, dtype=dtype, **({"P": P} if peer.projection else {}))
    params = compiled.init(0)
    x = rng.normal(size=(T, B, I)).astype(params[next(iter(params))].dtype)
    first = {name: rng.normal(size=(B, *s.leaf.shape)).astype(x.dtype)
             for name, s in compiled.graph.states.items()}  # fmt: skip
    y, state, pullback = compiled.vjp(params, x, first, lengths=lengths)
    dy = rng.normal(size=y.shape).astype(x.dtype)
    dstate = {name: rng.normal(size=v.shape).astype(x.dtype) for name, v in state.items()}
    grads = pullback(dy, dstate)

    module = getattr(torch.nn, peer.module)(
        I, H, layers, bidirectional=both, dtype=torch.float64,
        **({"proj_size": P} if peer.projection else {}),
    )  # fmt: skip
    ours, begin, given = leaves(params), leaves(first), leaves({"x": x})
    order = [prefix for _, prefix in places(layers, both)]
    starts = tuple(torch.stack([begin[p + s] for p in order]) for s in peer.states)
    weights = of_torch(peer, ours, layers, both)
    expected, finals = run_torch(module, weights, given["x"], starts, lengths)
    ends = {p + s: finals[k][i] for k, s in enumerate(peer.states) for i, p in enumerate(order)}
    total = (expected * torch.tensor(dy)).sum()
    total = total + sum((ends[name] * torch.tensor(dstate[name])).sum() for name in ends)
    total.backward()

    assert_close(y, expected.detach().numpy(), "parity", dtype, "outputs")
    for name, end in ends.items():
        assert_close(state[name], end.detach().numpy(), "parity", dtype, f"state {name}")
    for found, tensors in ((grads.inputs, given), (grads.state, begin), (grads.params, ours)):
        assert set(found) == set(tensors)
        for name, tensor in tensors.items():
            assert_close(found[name], tensor.grad.numpy(), "parity", dtype, f"d {name}")
