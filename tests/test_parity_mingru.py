"""Parity with minGRU-pytorch 0.2.1: step by step, and with its parallel scan in log space."""

from __future__ import annotations

import numpy as np
import pytest
from peers import SEEDS, assert_parity, drawn
from tolerances import assert_close

import rnngraph as rg

torch = pytest.importorskip("torch")
package = pytest.importorskip("minGRU_pytorch.minGRU")
lstm = pytest.importorskip("minGRU_pytorch.minLSTM")

pytestmark = pytest.mark.peers
torch.set_num_threads(1)  # small products: threads would only wait for each other

I, H = 5, 6  # noqa: E741
# their class, its one product, and our names in its order
CELLS = {
    "min_gru_positive": (package.minGRU, "to_hidden_and_gate", "hz"),
    "min_lstm_positive": (lstm.minLSTM, "to_hidden_and_f_i_gate", "hfi"),
}


def module_of(name):
    """Theirs, with biases, and with an input of another width than the state."""
    make, product, order = CELLS[name]
    module = make(H)
    setattr(module, product, torch.nn.Linear(I, len(order) * H))

    def call(params, *given):
        weights = {
            f"{product}.weight": torch.cat([params[f"W_{gate}"] for gate in order]),
            f"{product}.bias": torch.cat([params[f"b_{gate}"] for gate in order]),
        }
        return torch.func.functional_call(module, weights, given)

    return call


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CELLS)
def test_step_by_step(name, seed):
    call = module_of(name)

    def run(params, x, first):
        h, outputs = first["h"][:, None], []
        for step in x["x"]:
            h = call(params, step[:, None], h)
            outputs.append(h[:, 0])
        return torch.stack(outputs), {"h": h[:, 0]}

    compiled = rg.load(name).compile(I=I, H=H, dtype="f64")
    assert_parity(compiled, drawn(compiled, seed), run)


@pytest.mark.parametrize("name", CELLS)
def test_at_once_in_log_space(name):
    compiled = rg.load(name).compile(I=I, H=H, dtype="f64")
    params, x, _ = drawn(compiled, 1)
    y, _ = compiled.run(params, x)
    given = torch.tensor(np.moveaxis(x["x"], 0, 1))
    with torch.no_grad():
        expected = module_of(name)({k: torch.tensor(v) for k, v in params.items()}, given)
    assert_close(y, np.moveaxis(expected.numpy(), 0, 1), "parity", what="outputs")
