"""In which phase work is placed."""

from __future__ import annotations

import pytest

import rnngraph as rg

TEXT = """
cell C
input x[I]
state h[H]
param W[H, I], U[H, H] ~ normal(1)
param {gain}
n = W @ x
scaled = n * {first}
h' = tanh(U @ h + scaled * {second})
"""


@pytest.mark.parametrize("gradients", [False, True])
def test_a_window_on_a_parameter_is_nothing_to_wait_for(gradients):
    whole = TEXT.format(gain="p[H], q[H] = 1", first="p", second="q")
    pieces = TEXT.format(gain="p[2*H] = 1", first="p[0:H]", second="p[H:2*H]")
    found = [
        [(phase.kind, len(phase.kernels)) for procedure in _schedule(text, gradients).procedures
         for phase in procedure.phases if phase.kind != "once"]
        for text in (whole, pieces)
    ]  # fmt: skip
    assert found[0] == found[1]


def _schedule(text, gradients):
    compiled = rg.parse(text).compile(I=8, H=8)
    return compiled.stages(gradients=gradients, few_rows=True)["schedule"]
