"""Cells against transcriptions of their papers: outputs, final states and all gradients, in f64.

The transcriptions (tests/papers) were written without sight of the cell files. Gradients are
compared with their derivatives by a complex step, which are exact, one leaf at a time.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from papers.entry import Entry
from papers_table import ENTRIES
from tolerances import assert_close

import rnngraph as rg
from rnngraph import library
from rnngraph.adapters.table import PACKAGES
from rnngraph.compiled import Compiled
from rnngraph.graph import Varies
from rnngraph.runtime.noise import drawn

T, B, SEED = 3, 2, 7
SIZES = {"I": 3, "H": 4, "P": 3, "C": 2, "D": 3, "N": 3, "R": 2, "B": 5, "V": 2}
STEP = {False: 1e-30, True: 1e-6}  # complex, or half of a central difference
Arrays = dict[str, np.ndarray]
HERE = Path(__file__).parent
ADAPTERS = HERE.parent / "rnngraph" / "adapters"
PARITY = [*HERE.glob("test_parity_*.py"), *(ADAPTERS / f"{p}.py" for p in PACKAGES)]


@cache
def compiled(name: str) -> Compiled:
    cell, entry = rg.load(name), ENTRIES[name]
    sizes = {size: SIZES[size] for size in cell.sizes}
    return cell.compile(**sizes, consts=entry.consts, dtype="f64")


def leaves_of(name: str) -> dict[str, Arrays]:
    """Parameters, inputs with contexts and noises, and first states."""
    graph, entry, rng = compiled(name).graph, ENTRIES[name], np.random.default_rng(1)
    params = {k: v + 0.3 * rng.normal(size=v.shape) for k, v in compiled(name).init(1).items()}
    x = {k: rng.normal(size=(T, B, *leaf.shape)) for k, leaf in graph.inputs.items()}
    x = {k: v if v.ndim > 2 else np.abs(v) for k, v in x.items()}  # a scalar is a time
    x |= {k: rng.normal(size=(B, *leaf.shape)) for k, leaf in graph.contexts.items()}
    first = {k: rng.normal(size=(B, *s.leaf.shape)) for k, s in graph.states.items()}
    for part in (params, x, first):
        part |= {k: 0.1 + np.abs(v) for k, v in part.items() if k in entry.positive}
        part |= {k: np.float64(v > 0) for k, v in part.items() if k in entry.binary}
    return {"params": params, "x": x, "states": first}


def namespace(entry: Entry, params: Arrays, given: dict) -> SimpleNamespace:
    """The paper's parameters, made of ours."""
    names = SIZES | {name.replace(".", "_"): array for name, array in params.items()}
    made = {key: eval(text, {"np": np}, names) for key, text in entry.params.items()}
    inner = {k.removeprefix("inner."): v for k, v in made.items() if k.startswith("inner.")}
    outer = {k: v for k, v in made.items() if not k.startswith("inner.")}
    return SimpleNamespace(**outer, **given, inner=SimpleNamespace(**inner))


def transcribed(
    name: str, leaves: dict[str, Arrays], **given: object
) -> tuple[np.ndarray, Arrays]:
    """Outputs [T, B, ...] and final states, row by row and step by step."""
    entry, graph = ENTRIES[name], compiled(name).graph
    p = namespace(entry, leaves["params"], entry.given | given)
    each = {*graph.inputs, *(k for k, n in graph.noises.items() if n.leaf.varies is Varies.STEP)}
    rows, finals = [], []
    for row in range(B):
        states, outputs = [leaves["states"][k][row] for k in entry.states], []
        for t in range(T):
            now = [leaves["x"][k][t, row] if k in each else leaves["x"][k][row]
                   for k in entry.inputs]  # fmt: skip
            y, *states = entry.step(p, *now, *states)
            outputs.append(y)
        rows.append(outputs)
        finals.append(states)
    ends = {k: np.stack([f[i] for f in finals]) for i, k in enumerate(entry.states)}
    return np.moveaxis(np.array(rows), 0, 1), ends


def slope(name: str, leaves: dict[str, Arrays], part: str, leaf: str, v, dy, dends) -> float:
    """The derivative along v of what the cotangents weigh."""
    differences = ENTRIES[name].differences
    h = STEP[differences]

    def at(step):
        moved = {**leaves[part], leaf: leaves[part][leaf] + step * v}
        y, ends = transcribed(name, {**leaves, part: moved})
        return (dy * y).sum() + sum((d * ends[k]).sum() for k, d in dends.items())

    return (at(h) - at(-h)) / (2 * h) if differences else at(1j * h).imag / h


@pytest.mark.parametrize("name", ENTRIES)
def test_outputs_and_gradients(name):
    leaves, entry, rng = leaves_of(name), ENTRIES[name], np.random.default_rng(2)
    graph = compiled(name).graph
    noise = drawn(graph, SEED, 0, T, B, np.dtype(np.float64))
    y, ends, pullback = compiled(name).vjp(
        leaves["params"], leaves["x"], leaves["states"], **({"seed": SEED} if noise else {})
    )
    leaves["x"] = {**leaves["x"], **noise}
    expected, finals = transcribed(name, leaves)
    assert_close(y, expected, "parity", what="outputs")
    assert set(finals) == set(ends)
    for key, value in finals.items():
        assert_close(ends[key], value, "parity", what=f"state {key}")

    dy = rng.normal(size=y.shape)
    dends = {key: rng.normal(size=value.shape) for key, value in ends.items()}
    grads = pullback(dy, dends)
    kind = "difference" if entry.differences else "parity"
    found = {"params": grads.params, "x": {**grads.inputs, **grads.contexts}, "states": grads.state}
    for part, arrays in found.items():
        assert set(arrays) == set(leaves[part]) - set(noise)
        for leaf, grad in arrays.items():
            v = rng.normal(size=grad.shape)
            along = slope(name, leaves, part, leaf, v, dy, dends)
            assert_close((grad * v).sum(), along, kind, what=f"d {leaf}")


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.means])
def test_without_a_seed_noise_is_its_mean(name):
    leaves, noises = leaves_of(name), compiled(name).graph.noises
    y, ends = compiled(name).run(leaves["params"], leaves["x"], leaves["states"])
    leaves["x"] |= {
        key: np.full((T, B, *noises[key].leaf.shape), mean)[slice(None) if each else 0]
        for key, mean in ENTRIES[name].means.items()
        for each in [noises[key].leaf.varies is Varies.STEP]
    }
    expected, finals = transcribed(name, leaves)
    assert_close(y, expected, "parity", what="outputs")
    for key, value in finals.items():
        assert_close(ends[key], value, "parity", what=f"state {key}")


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.xfail(reason=entry.departs.reason, strict=True))
    for name, entry in ENTRIES.items() if entry.departs
])  # fmt: skip
def test_as_the_paper_has_it(name):
    leaves = leaves_of(name)
    y, _ = compiled(name).run(leaves["params"], leaves["x"], leaves["states"])
    expected, _ = transcribed(name, leaves, **ENTRIES[name].departs.given)
    assert_close(y, expected, "parity", what="outputs")


def of_packages() -> set[str]:
    """Cells that the tests of parity with packages name."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PARITY]
    found = {n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    return {name for name in library.names() if name in found}


def test_every_cell_has_a_witness():
    """Each is compared with a package, or with a transcription of its paper."""
    assert set(library.names()) - set(ENTRIES) - of_packages() == set()


def test_the_table_names_cells():
    assert set(ENTRIES) <= set(library.names())
