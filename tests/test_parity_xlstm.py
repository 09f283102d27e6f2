"""Parity with the sLSTM and mLSTM cells of xlstm 2.0.6, by its functions in plain PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from peers import SEEDS, assert_parity, drawn

import rnngraph as rg

torch = pytest.importorskip("torch")
vanilla = pytest.importorskip("xlstm.blocks.slstm.src.vanilla")
backends = pytest.importorskip("xlstm.blocks.mlstm.backends")

pytestmark = pytest.mark.peers
torch.set_num_threads(1)  # small products: threads would only wait for each other

I, H = 5, 6  # noqa: E741
ORDER = "ifzo"  # of their gates
HEADS = (1, 2, 3)


def compile_with(name, heads):
    return rg.load(name).compile(I=I, H=H, dtype="f64", consts={"heads": heads})


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("heads", HEADS)
def test_slstm(heads, seed):
    compiled = compile_with("slstm", heads)
    params, given, first = drawn(compiled, seed)
    first["n"] = 0.5 + np.abs(first["n"])  # a normaliser is a sum of positive numbers

    def run(params, x, first):
        W = torch.cat([params[f"W_{gate}"] for gate in ORDER])
        R = torch.cat([params[f"R_{gate}"] for gate in ORDER], dim=1)
        b = torch.cat([params[f"b_{gate}"] for gate in ORDER])
        states = torch.stack([first[name] for name in "hcnm"])
        step = vanilla.slstm_pointwise_function_registry["slstm"]
        every, last, _ = vanilla.slstm_forward(x["x"] @ W.T, states, R, b, step)
        return every[0, 1:], dict(zip("hcnm", last, strict=True))

    assert_parity(compiled, (params, given, first), run)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("heads", HEADS)
def test_mlstm(heads, seed):
    compiled = compile_with("mlstm", heads)

    def run(params, x, first):
        C, n, m = first["C"].mT, first["n"][..., None], first["m"][..., None, None]
        outputs = []
        for step in x["x"]:
            q, k, v, o = (step @ params[f"W_{name}"].T + params[f"b_{name}"] for name in "qkvo")
            i, f = (step @ params[f"w_{name}"].T + params[f"b_{name}"] for name in "if")
            q, k, v = (a.reshape(len(step), heads, 1, H // heads) for a in (q, k, v))
            h, (C, n, m) = backends.recurrent_step_stabilized_simple(
                C, n, m, q, k, v, i[..., None, None], f[..., None, None], eps=0.0
            )
            outputs.append(torch.sigmoid(o) * h.reshape(len(step), H))
        return torch.stack(outputs), {"C": C.mT, "n": n[..., 0], "m": m[..., 0, 0]}

    assert_parity(compiled, drawn(compiled, seed), run)
