"""Parity with the continuous-time cells of ncps 1.0.1."""

from __future__ import annotations

import pytest
from peers import SEEDS, assert_parity, drawn

import rnngraph as rg

torch = pytest.importorskip("torch")
package = pytest.importorskip("ncps.torch")
wirings = pytest.importorskip("ncps.wirings")

pytestmark = pytest.mark.peers
torch.set_num_threads(1)  # small products: threads would only wait for each other

I, H, WIDTH = 5, 6, 7  # noqa: E741
# our letter for their heads, by mode
HEADS = {"ff1": "g", "ff2": "f", "time_a": "a", "time_b": "t"}
MODES = {"cfc": ("default", HEADS), "cfc_no_gate": ("no_gate", HEADS),
         "cfc_pure": ("pure", {"ff1": "f"})}  # fmt: skip
NEURONS = {"gleak": "leak", "vleak": "rest", "cm": "capacity"}
SYNAPSES = ("w", "mu", "sigma")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", MODES)
def test_closed_form(name, seed):
    mode, heads = MODES[name]
    compiled = rg.load(name).compile(I=I, H=H, B=WIDTH, dtype="f64")
    module = package.CfCCell(I, H, mode, backbone_units=WIDTH, backbone_layers=1)

    def run(params, x, first):
        weights = {"backbone.0.weight": params["W"], "backbone.0.bias": params["b"]}
        weights |= {f"{theirs}.weight": params[f"W_{ours}"] for theirs, ours in heads.items()}
        weights |= {f"{theirs}.bias": params[f"b_{ours}"] for theirs, ours in heads.items()}
        if mode == "pure":
            weights |= {key: params[key][None] for key in ("w_tau", "A")}
        assert set(weights) == {key for key, _ in module.named_parameters()}
        h, outputs = first["h"], []
        for step, gap in zip(x["x"], x["gap"], strict=True):
            h, _ = torch.func.functional_call(module, weights, (step, h, gap[:, None]))
            outputs.append(h)
        return torch.stack(outputs), {"h": h}

    assert_parity(compiled, drawn(compiled, seed), run)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("substeps", [1, 6])
def test_liquid_time_constants(substeps, seed):
    compiled = rg.load("ltc").compile(I=I, H=H, dtype="f64", consts={"substeps": substeps})
    wiring = wirings.FullyConnected(H)
    module = package.LTCCell(wiring, I, input_mapping=None, output_mapping=None, epsilon=0.0,
                             ode_unfolds=substeps, implicit_param_constraints=True)  # fmt: skip

    def run(params, x, first):
        weights = {theirs: params[ours] for theirs, ours in NEURONS.items()}
        for prefix, ours in (("", "v"), ("sensory_", "x")):
            weights |= {prefix + key: params[f"{key}_{ours}"] for key in SYNAPSES}
            weights[f"{prefix}erev"] = 2 * params[f"polarity_{ours}"] - 1
            weights[f"{prefix}sparsity_mask"] = torch.ones_like(params[f"w_{ours}"])
        assert set(weights) == set(module._params)
        module._params = weights  # it reads its parameters there
        h, outputs = first["h"], []
        for step, gap in zip(x["x"], x["gap"], strict=True):
            h, _ = module(step, h, gap[:, None])
            outputs.append(h)
        return torch.stack(outputs), {"h": h}

    assert_parity(compiled, drawn(compiled, seed), run)
