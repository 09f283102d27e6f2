"""Parity with PyTorch: outputs, final states and all gradients, with packed sequences."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from command_line import Call, call
from peers import gradients_of_theirs
from tolerances import assert_close

import rnngraph as rg
from rnngraph.adapters import LAYOUTS, LayoutError, from_state, load_state, save_state
from rnngraph.adapters.spelling import places

__all__ = ["call"]  # a fixture

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.peers
torch.set_num_threads(1)  # small products: threads would only wait for each other

I, H, P, T, B = 5, 7, 4, 6, 3  # noqa: E741
LENGTHS = np.array([4, 6, 1])
PEERS = ["torch.LSTM", "torch.GRU", "torch.LSTM.proj", "torch.RNN"]

# layers, both directions, lengths: each peer takes the case that has everything; of the others
# (each costs a compilation) LSTM and GRU take turns, since none of them knows the cell
EVERYTHING = (2, True, True)
FULL = [case for case in product((1, 2), (False, True), (False, True)) if case != EVERYTHING]
CASES = [
    *((peer, *EVERYTHING, "f64") for peer in PEERS),
    *((PEERS[sum(case) % 2], *case, "f64") for case in FULL),
    ("torch.LSTM", 2, True, True, "f32"),
    ("torch.GRU", 1, False, False, "f32"),
]


def leaves(arrays: dict) -> dict:
    return {n: torch.tensor(a, dtype=torch.float64, requires_grad=True) for n, a in arrays.items()}


def module_of(peer: str, layers: int, both: bool, dtype: str):
    """Their module, its weights drawn."""
    kind, _, projected = peer.removeprefix("torch.").partition(".")
    torch.manual_seed(1)
    sizes = {"proj_size": P} if projected else {}
    real = {"f32": torch.float32, "f64": torch.float64}[dtype]
    return getattr(torch.nn, kind)(I, H, layers, bidirectional=both, dtype=real, **sizes)


def run_torch(module, x, states, lengths):
    """Outputs and final states, one tensor per kind of state."""
    states = states if len(states) > 1 else states[0]
    if lengths is not None:
        x = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    y, finals = module(x, states)
    if lengths is not None:
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, total_length=T)
    return y, finals if isinstance(finals, tuple) else (finals,)


@pytest.mark.parametrize(("peer", "layers", "both", "masked", "dtype"), CASES)
def test_outputs_and_gradients(peer, layers, both, masked, dtype):
    lengths = LENGTHS if masked else None
    rng, layout = np.random.default_rng(1), LAYOUTS[peer]
    cell = rg.load(layout.cell)
    cell = rg.stack(rg.bidirectional(cell) if both else cell, layers=layers)
    compiled = cell.compile(I=I, H=H, dtype=dtype, **({"P": P} if "P" in cell.sizes else {}))
    module = module_of(peer, layers, both, dtype)
    params = load_state(compiled, module.state_dict(), layout)
    module = module.double()  # whose weights f32 holds: only the arithmetic is more exact
    x = rng.normal(size=(T, B, I)).astype(params[next(iter(params))].dtype)
    first = {name: rng.normal(size=(B, *s.leaf.shape)).astype(x.dtype)
             for name, s in compiled.graph.states.items()}  # fmt: skip
    y, state, pullback = compiled.vjp(params, x, first, lengths=lengths)
    dy = rng.normal(size=y.shape).astype(x.dtype)
    dstate = {name: rng.normal(size=v.shape).astype(x.dtype) for name, v in state.items()}
    grads = pullback(dy, dstate)

    begin, given, order = leaves(first), leaves({"x": x}), places(compiled.graph.params)
    kinds = [name for name in ("h", "c") if order[0].ours(name) in first]
    starts = tuple(torch.stack([begin[p.ours(name)] for p in order]) for name in kinds)
    expected, finals = run_torch(module, given["x"], starts, lengths)
    ends = {p.ours(name): finals[k][i] for k, name in enumerate(kinds)
            for i, p in enumerate(order)}  # fmt: skip
    total = (expected * torch.tensor(dy)).sum()
    total = total + sum((ends[name] * torch.tensor(dstate[name])).sum() for name in ends)
    total.backward()

    assert_close(y, expected.detach().numpy(), "parity", dtype, "outputs")
    assert set(ends) == set(state)
    for name, end in ends.items():
        assert_close(state[name], end.detach().numpy(), "parity", dtype, f"state {name}")
    of_theirs = gradients_of_theirs(compiled, layout, grads.params)
    weights = dict(module.named_parameters())
    for found, tensors in ((grads.inputs, given), (grads.state, begin), (of_theirs, weights)):
        assert set(found) == set(tensors)
        for name, tensor in tensors.items():
            assert_close(found[name], tensor.grad.numpy(), "parity", dtype, f"d {name}")


@pytest.mark.parametrize("peer", PEERS)
def test_outputs_keep_their_bits_there_and_back(peer):
    """Once theirs -> ours has added two biases nothing changes any more; GRU's inner one stays."""
    module, again = module_of(peer, 2, True, "f32"), module_of(peer, 2, True, "f32")
    for name, parameter in module.named_parameters():
        if name.startswith("bias_hh"):
            parameter.data[: 2 * H if peer == "torch.GRU" else None] = 0
    compiled, params = from_state(module.state_dict(), peer)
    state = save_state(compiled, params, peer)
    again.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    x = torch.randn(T, B, I)
    assert torch.equal(module(x)[0], again(x)[0])


def test_bfloat16_and_modules_without_biases_are_read():
    module = torch.nn.GRU(I, H, bias=False).bfloat16()
    compiled, params = from_state(module.state_dict(), "torch.GRU")
    assert compiled.dtype == "f32"
    assert np.array_equal(params["W_h"], module.weight_ih_l0[2 * H :].float().detach().numpy())
    with pytest.raises(LayoutError, match="expected real numbers"):
        from_state({"weight_ih_l0": torch.ones(3, dtype=torch.int64)}, "torch.GRU")


def test_a_file_of_tensors_is_imported_and_nothing_in_it_is_run(call: Call):
    module = torch.nn.LSTM(I, H)
    torch.save(module.state_dict(), "state.pt")
    torch.save(module, "module.pt")
    Path("none.pt").write_text("nothing of the kind")
    words = ("--from", "torch.LSTM", "-o", "out.npz")
    for name in ("module.pt", "none.pt"):
        answer = call("weights", "import", name, *words)
        assert answer.code == 1 and f"'{name}' is no file of tensors alone" in answer.err
        assert not Path("out.npz").exists()
    assert call("weights", "import", "state.pt", *words).code == 0
    with np.load("out.npz") as found:
        _, params = from_state(module.state_dict(), "torch.LSTM")
        assert all(np.array_equal(found[name], params[name]) for name in params)
