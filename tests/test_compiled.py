"""Machine code of every cell is what the oracle says: on every instruction set, in both
precisions, at sizes that fill no lane and no tile."""

from __future__ import annotations

from itertools import cycle, islice, product

import numpy as np
import pytest
from cells_for_tests import CELLS, LIBRARY, cell
from compiled_cells import TARGETS, arrays, assert_gradients, assert_runs, split

import rnngraph as rg
from rnngraph.compiled import Compiled

MACHINES = list(product(TARGETS, ["f32", "f64"]))
WIDTHS = [5, 17, 1, 33, 2, 16]
NORMALISED = 5  # the least width at which a norm is well-conditioned in f32
# few rows and many are compiled apart
FEW = [(5, 3), (1, 1), (0, 2), (2, 0)]
MANY = [(2, 17), (5, 5), (0, 9), (1, 8)]
TRACED = ("ResetAfterGRU", "StackedWeightsLSTM", "two_way_stack", "Conditions", "Context")
NAMES = [path.stem for path in sorted(LIBRARY.glob("*.cell"))]
# each cell on one machine by turns; these, that have all kinds of kernels, on all
ON_ALL = ("lstm", "layernorm_lstm")


def turns():
    machines, widths = cycle(MACHINES), cycle(WIDTHS)
    for name in NAMES:
        for machine in MACHINES if name in ON_ALL else islice(machines, 1):
            width = max(next(widths), NORMALISED if "norm" in name else 1)
            yield pytest.param(name, width, *machine)


@pytest.mark.parametrize("title", CELLS)
def test_every_cell(title):
    compiled = Compiled(cell(title), dtype="f64")
    for lengths in FEW:
        assert_gradients(compiled, *lengths)
    if title in TRACED or title.endswith(".cell"):
        assert_runs(compiled, 4, 3)


@pytest.mark.parametrize(("name", "width", "target", "dtype"), list(turns()))
def test_every_machine(name, width, target, dtype):
    loaded = rg.load(name)
    sizes = {size: max(1, width - i) for i, size in enumerate(reversed(loaded.sizes))}
    compiled = loaded.compile(**sizes, dtype=dtype, target=target)
    for lengths in MANY:
        assert_gradients(compiled, *lengths)


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
