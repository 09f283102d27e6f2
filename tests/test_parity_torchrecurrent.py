"""Parity with every cell of torchrecurrent: outputs, final states, gradients of everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from peers import gradients_of_theirs
from tolerances import assert_close
from torchrecurrent_table import LAYOUTS, RUNNING, Running

import rnngraph as rg
from rnngraph import library
from rnngraph.adapters import load_state
from rnngraph.adapters.layout import counts, fixed, parsed, window
from rnngraph.compiled import Compiled

torch = pytest.importorskip("torch")
package = pytest.importorskip("torchrecurrent")

pytestmark = pytest.mark.peers
torch.set_num_threads(1)  # small products: threads would only wait for each other

I, H, T, B, SEED = 5, 6, 4, 3, 1  # noqa: E741
NAMES = [name.removesuffix("Cell") for name in package.__all__ if name.endswith("Cell")]


def running(name: str) -> Running:
    return RUNNING.get(name, Running())


def compile_for(name: str) -> Compiled:
    cell, entry = LAYOUTS[name].cell, running(name)
    folder = Path(__file__).parent if "/" in cell else library.cells_folder()
    sizes = {"H": H} if entry.square else {"H": H, "I": I}
    return rg.load(folder / f"{cell}.cell").compile(**sizes, consts=entry.consts, dtype="f64")


def module_of(name: str):
    """A cell of theirs with all parameters drawn, but for those that the layout fixes."""
    layout, entry, rng = LAYOUTS[name], running(name), np.random.default_rng(SEED)
    given = {theirs: entry.consts[ours] for ours, theirs in layout.consts.items() if theirs}
    width = H if entry.square else I
    module = getattr(package, f"{name}Cell")(width, H, **given, **layout.arguments).double()
    for parameter in module.parameters():
        parameter.data = torch.tensor(0.5 * rng.normal(size=parameter.shape))
    arrays = {key: p.data.numpy() for key, p in module.named_parameters()}
    for text, value in layout.fixed.items():
        ((block,),) = parsed(text)
        part = window(arrays, block, counts(layout))
        part[...] = fixed(value, part.shape, entry.consts)
    return module


def run(module, entry: Running, x, begin):
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
    assert set(LAYOUTS) == set(NAMES)
    assert set(RUNNING) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_and_gradients(name):
    entry, layout, rng = running(name), LAYOUTS[name], np.random.default_rng(SEED)
    module, compiled = module_of(name), compile_for(name)
    ours = load_state(compiled, module.state_dict(), layout, consts=entry.consts)
    x = rng.normal(size=(T, B, H if entry.square else I))
    states = compiled.graph.states
    first = {key: rng.normal(size=(B, *s.leaf.shape)) for key, s in states.items()}
    y, ends, pullback = compiled.vjp(ours, x, first)
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
    found = gradients_of_theirs(compiled, layout, grads.params)
    assert set(found) == {key for key, _ in module.named_parameters()}
    for key, parameter in module.named_parameters():
        free = ~np.isnan(found[key])  # what the layout fixes has no gradient of ours
        assert_close(found[key][free], parameter.grad.numpy()[free], "parity", exact, f"d {key}")
