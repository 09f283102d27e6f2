"""Parity with cells of other packages: outputs, final states and all gradients, in f64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tolerances import assert_close

from rnngraph.adapters import Layout
from rnngraph.adapters.layout import transposed
from rnngraph.adapters.move import widths_at
from rnngraph.adapters.spelling import places
from rnngraph.compiled import Compiled

T, B = 4, 3
SEEDS = (1, 2, 3)
Arrays = dict[str, np.ndarray]


def drawn(compiled: Compiled, seed: int) -> tuple[Arrays, Arrays, Arrays]:
    """Parameters, inputs and first states; inputs that are scalars are times, so positive."""
    graph, rng = compiled.graph, np.random.default_rng(seed)
    params = {k: v + 0.3 * rng.normal(size=v.shape) for k, v in compiled.init(seed).items()}
    x = {k: rng.normal(size=(T, B, *leaf.shape)) for k, leaf in graph.inputs.items()}
    x = {k: v if v.ndim > 2 else np.abs(v) for k, v in x.items()}
    first = {k: rng.normal(size=(B, *s.leaf.shape)) for k, s in graph.states.items()}
    return params, x, first


def assert_parity(compiled: Compiled, drawn: tuple[Arrays, Arrays, Arrays], run: Callable) -> None:
    """``run`` makes outputs and final states of our parameters, inputs and states as tensors."""
    import torch

    y, ends, pullback = compiled.vjp(*drawn)
    rng = np.random.default_rng(0)
    dy = rng.normal(size=y.shape)
    dends = {key: rng.normal(size=value.shape) for key, value in ends.items()}
    grads = pullback(dy, dends)

    theirs = [{k: torch.tensor(v, requires_grad=True) for k, v in part.items()} for part in drawn]
    expected, finals = run(*theirs)
    assert set(finals) == set(ends)
    total = (expected * torch.tensor(dy)).sum()
    total = total + sum((finals[key] * torch.tensor(d)).sum() for key, d in dends.items())
    total.backward()

    assert_close(y, expected.detach().numpy(), "parity", what="outputs")
    for key, value in finals.items():
        assert_close(ends[key], value.detach().numpy(), "parity", what=f"state {key}")
    for found, tensors in zip((grads.params, grads.inputs, grads.state), theirs, strict=True):
        assert set(found) == set(tensors)
        for key, tensor in tensors.items():
            assert_close(found[key], tensor.grad.numpy(), "parity", what=f"d {key}")


def gradients_of_theirs(compiled: Compiled, layout: Layout, ours: Arrays) -> Arrays:
    """By the names of their state dict; NaN where the layout fixes a value."""
    made = {}
    for place in places(compiled.graph.params):
        own = {name: ours[place.ours(name)] for name in layout.params}
        found = transposed(layout, own, widths_at(compiled.graph, place))
        made |= {place.theirs(name, layout.spelling): array for name, array in found.items()}
    return made
