"""Machine code of every cell is what the oracle says: on every instruction set, in both
precisions, at sizes that fill no lane and no tile."""

from __future__ import annotations

import numpy as np
import pytest
from cells_for_tests import CELLS, cell
from compiled_cells import (
    FEW,
    MACHINES,
    MANY,
    arrays,
    assert_gradients,
    assert_runs,
    compiled_for,
    split,
    turns,
)
from structure import LIBRARY, representatives

import rnngraph as rg
from rnngraph.compiled import Compiled

TRACED = ("ResetAfterGRU", "StackedWeightsLSTM", "two_way_stack", "Conditions", "Context")
ON_ALL = 2  # of the representative cells, those with the most forms
EXTREMES = (1, 33)


def assert_small(title, traced):
    compiled = Compiled(cell(title), dtype="f64")
    for lengths in FEW:
        assert_gradients(compiled, *lengths)
    if traced:
        assert_runs(compiled, 4, 3)


@pytest.mark.parametrize("title", [title for title in CELLS if title not in LIBRARY])
def test_every_form_of_graph(title):
    assert_small(title, title in TRACED)


@pytest.mark.parametrize("name", turns())
def test_every_cell(name):
    """By turns; and in f64, with their trace, those that have every form of kernel."""
    turn = turns()[name]
    compiled = turn.compile(name)
    for lengths in turn.lengths:
        assert_gradients(compiled, *lengths)
    if f"{name}.cell" in representatives():
        assert_small(f"{name}.cell", traced=True)


def assert_compiles(name, width, machine):
    compiled = compiled_for(name, width, *machine)
    for lengths in [*FEW, *MANY]:
        assert_gradients(compiled, *lengths)


@pytest.mark.parametrize("place", range(ON_ALL))
@pytest.mark.parametrize("machine", MACHINES, ids="-".join)
def test_every_machine(place, machine):
    name = representatives()[place].removesuffix(".cell")
    assert_compiles(name, EXTREMES[MACHINES.index(machine) % 2], machine)


@pytest.mark.slow
@pytest.mark.parametrize("name", turns())
def test_every_cell_elsewhere(name):
    """On the next machine of the list, in its precision, for the rows that it was not yet run."""
    turn = turns()[name]
    other = MACHINES[(MACHINES.index((turn.target, turn.dtype)) + 1) % len(MACHINES)]
    compiled = compiled_for(name, turn.width, *other)
    for lengths in FEW if turn.lengths is MANY else MANY:
        assert_gradients(compiled, *lengths)


@pytest.mark.slow
@pytest.mark.parametrize("name", turns())
def test_the_trace_of_every_cell(name):
    """In f64: some cells lose more digits than f32 has to spare."""
    assert_runs(Compiled(cell(f"{name}.cell"), dtype="f64"), 4, 3)


@pytest.mark.parametrize("name", ["lstm", "min_gru", "layernorm_lstm"])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_a_row_does_not_depend_on_the_batch(name, dtype):
    """Rows alone or together, hoisted or not: the same bits."""
    loaded = rg.load(name)
    compiled = loaded.compile(**dict.fromkeys(loaded.sizes, 19), dtype=dtype)
    given, initial = arrays(compiled.graph, 4, 17, dtype)
    params, x = split(compiled.graph, given)
    (name, x), = x.items()
    y, state = compiled.run(params, x, initial)
    for rows in (1, 2, 3, 4, 5, 16):
        first = {k: v[:rows] for k, v in initial.items()}
        part, ends = compiled.run(params, x[:, :rows], first)
        assert np.array_equal(part, y[:, :rows]), f"{rows} rows"
        for k in ends:
            assert np.array_equal(ends[k], state[k][:rows]), f"{rows} rows, state {k}"
