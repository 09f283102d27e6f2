"""Parity with every cell of torchrecurrent: outputs, final states, gradients of everything."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from layouts import block, gathered, scattered
from tolerances import assert_close
from torchrecurrent_table import ENTRIES, Entry

import rnngraph as rg
from rnngraph import library
from rnngraph.compiled import Compiled

torch = pytest.importorskip("torch")
package = pytest.importorskip("torchrecurrent")

pytestmark = pytest.mark.peers
torch.set_num_threads(1)  # small products: threads would only wait for each other

I, H, T, B = 5, 6, 4, 3  # noqa: E741
SEEDS = (1, 2, 3)
NAMES = [name.removesuffix("Cell") for name in package.__all__ if name.endswith("Cell")]


@cache
def compiled(name: str) -> Compiled:
    entry = ENTRIES[name]
    folder = Path(__file__).parent if "/" in entry.cell else library.cells_folder()
    cell = rg.load(folder / f"{entry.cell}.cell")
    consts = {ours: value for ours, (_, value) in entry.consts.items()}
    sizes = {"H": H} if entry.square else {"H": H, "I": I}
    return cell.compile(**sizes, consts=consts, dtype="f64")


def module_of(name: str, seed: int):
    """A cell of theirs with all parameters drawn, but for those that the table fixes."""
    entry, rng = ENTRIES[name], np.random.default_rng(seed)
    arguments = {theirs: value for theirs, value in entry.consts.values() if theirs}
    width = H if entry.square else I
    module = getattr(package, f"{name}Cell")(width, H, **arguments, **entry.arguments).double()
    for key, parameter in module.named_parameters():
        if entry.fixed.get(key) != "const":
            parameter.data = torch.tensor(0.5 * rng.normal(size=parameter.shape))
    fix(entry, {key: p.data.numpy() for key, p in module.named_parameters()})
    return module


def fix(entry: Entry, arrays) -> None:
    for text, value in entry.fixed.items():
        if value != "const":
            block(arrays, text, H)[...] = np.eye(H) if value == "identity" else 0


def run(module, entry: Entry, x, begin):
    """Outputs, and final states by our names."""
    line = [begin[name] for name in entry.line]
    states, outputs = tuple(begin[name] for name in entry.states), []
    for step in x:
        given = states if len(states) > 1 else states[0]
        result = module(step, given, line[0]) if line else module(step, given)
        y, after = result if decoupled(module) else (None, result)
        line = [*line[1:], states[0]] if line else line
        states = after if isinstance(after, tuple) else (after,)
        outputs.append(states[0] if y is None else y)
    ends = dict(zip(entry.states, states, strict=True)) | dict(zip(entry.line, line, strict=True))
    return torch.stack(outputs), ends


def decoupled(module) -> bool:
    """Whether it returns an output beside its states."""
    return any(base.__name__.startswith("Decoupled") for base in type(module).__mro__)


def leaves(arrays) -> dict:
    return {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}


def test_the_table_has_every_cell_of_the_package():
    assert set(ENTRIES) == set(NAMES)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NAMES)
def test_outputs_and_gradients(name, seed):
    entry, rng = ENTRIES[name], np.random.default_rng(seed)
    module = module_of(name, seed)
    theirs = {key: p.detach().numpy() for key, p in module.named_parameters()}
    graph = compiled(name).graph
    ours = gathered(entry.params, theirs, H)
    ours = {key: array.reshape(graph.params[key].shape) for key, array in ours.items()}
    x = rng.normal(size=(T, B, H if entry.square else I))
    first = {key: rng.normal(size=(B, *s.leaf.shape)) for key, s in graph.states.items()}
    y, ends, pullback = compiled(name).vjp(ours, x, first)
    dy = rng.normal(size=y.shape)
    dends = {key: rng.normal(size=value.shape) for key, value in ends.items()}
    grads = pullback(dy, dends)

    given, begin = leaves({"x": x}), leaves(first)
    expected, finals = run(module, entry, given["x"], begin)
    total = (expected * torch.tensor(dy)).sum()
    total = total + sum((finals[key] * torch.tensor(d)).sum() for key, d in dends.items())
    total.backward()

    exact = entry.exact
    assert_close(y, expected.detach().numpy(), "parity", exact, "outputs")
    for key, value in finals.items():
        assert_close(ends[key], value.detach().numpy(), "parity", exact, f"state {key}")
    for found, tensors in ((grads.inputs, given), (grads.state, begin)):
        assert set(found) == set(tensors)
        for key, tensor in tensors.items():
            assert_close(found[key], tensor.grad.numpy(), "parity", exact, f"d {key}")
    assert set(grads.params) == set(entry.params)
    assert_parameters(module, entry, scattered(entry.params, grads.params, theirs, H))


def assert_parameters(module, entry: Entry, found) -> None:
    """Every number of theirs is a part of ours or fixed, and has the gradient that ours says."""
    fixed = {key: np.zeros(array.shape, bool) for key, array in found.items()}
    for text in entry.fixed:
        block(fixed, text, H)[...] = True
    for key, parameter in module.named_parameters():
        assert np.array_equal(np.isnan(found[key]), fixed[key]), f"{key} is not all in the table"
        free = ~fixed[key]
        grad = parameter.grad.numpy()[free]
        assert_close(found[key][free], grad, "parity", entry.exact, f"d {key}")
