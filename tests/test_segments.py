"""Calls in segments of time: the bits of a call that keeps everything, in memory that does not
grow with the number of steps."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest
from cells_for_tests import CELLS, cell
from compiled_cells import arrays, split
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_graphs import random_cells
from random_texts import SIZES, random_texts
from structure import LIBRARY, PLACES, representative

import rnngraph as rg
from rnngraph.compiled import Compiled
from rnngraph.components import UnschedulableError
from rnngraph.runtime.arrays import ArgumentError
from rnngraph.runtime.executable import Executable
from rnngraph.runtime.teams import Trial

T, B = 7, 3
EVERY = (1, 3)
FEW_EXAMPLES = settings(max_examples=8, deadline=None, derandomize=True,
                        suppress_health_check=list(HealthCheck))  # fmt: skip
MASKS = {
    "lengths": {"lengths": [4, 7, 0]},
    "reset": {"reset": np.eye(T, B, dtype=bool)[::-1] | np.eye(T, B, dtype=bool)},
    "reverse": {"reverse": True},
}
# one more step of everything that may be kept between steps: delays, a learned first state
DELAYS = """
cell Delays
input x[I]
param h_0[H] ~ normal(1)
state h[H] = h_0, q[]
param W[H, H+3*I] ~ normal(0.5)
h' = tanh(W @ [h, x, prev(x), prev(x, 3)] + prev(q, 2) + 0.1 * prev(h, 9))
q' = 0.5 * q + mean(prev(h))
output y = h'
output late = prev(x, 2)
output z = q' * prev(h, 2)
"""


def everything(compiled, steps, rows, options, **segments):
    """All that a call and its gradients give, by name; the pullback is called twice."""
    graph, size = compiled.graph, {"steps": steps, "rows": rows}
    given, initial = arrays(graph, steps, rows, compiled.dtype)
    params, x = split(graph, given)
    y, state, pullback = compiled.vjp(
        params, x, initial, outputs=graph.outputs, **size, **options, **segments
    )
    rng = np.random.default_rng(5)
    dy = {k: rng.normal(size=v.shape) for k, v in y.items() if v.dtype.kind == "f"}
    ends = {k: rng.normal(size=v.shape) for k, v in state.items()}
    found = {"outputs": y, "finals": state}
    for number in (1, 2):
        gradients = pullback(dy, ends)
        found |= {(number, part): getattr(gradients, part)
                  for part in ("params", "inputs", "contexts", "state")}  # fmt: skip
    return {(*keys, name): np.array(v) for keys, part in
            ((k if isinstance(k, tuple) else (k,), p) for k, p in found.items())
            for name, v in part.items()}  # fmt: skip


def assert_same_bits(compiled, steps=T, rows=B, every=EVERY, **options):
    plain = everything(compiled, steps, rows, options)
    for length in every:
        found = everything(compiled, steps, rows, options, checkpoint_every=length)
        assert found.keys() == plain.keys()
        for key, value in plain.items():
            assert np.array_equal(found[key], value, equal_nan=True), (key, length)


def one_way(graph):
    return len({state.delay for state in graph.states.values()}) < 2


SUMS = ("varying_outputs", "total_alone")  # no text can say them


@pytest.mark.parametrize("title", [t for t in CELLS if t not in (*SUMS, *LIBRARY)])
def test_every_form_of_graph(title):
    assert_in_segments(title)


@pytest.mark.parametrize("place", PLACES)
def test_cells(place):
    assert_in_segments(f"{representative(place)}.cell")


def assert_in_segments(title):
    compiled = Compiled(cell(title), dtype="f64")
    if one_way(compiled.graph):
        assert_same_bits(compiled)
    else:
        with pytest.raises(ArgumentError, match=r"goes forward and .* backward"):
            everything(compiled, T, B, {}, checkpoint_every=2)


@pytest.mark.parametrize("title", SUMS)
def test_sums_over_all_steps_are_refused(title):
    with pytest.raises(ArgumentError, match="sums over all steps"):
        everything(Compiled(cell(title), dtype="f64"), T, B, {}, checkpoint_every=2)


@pytest.mark.parametrize("place", PLACES)
def test_threads_and_masks_in_f32(place, monkeypatch):
    loaded = rg.load(representative(place))
    sizes = {size: 17 + 3 * place for place, size in enumerate(loaded.sizes)}
    compiled = loaded.compile(**sizes, threads=4)
    options = {key: value for mask in MASKS.values() for key, value in mask.items()}
    monkeypatch.setattr(Executable, "trial", lambda *_: Trial(1, tries=0))
    plain = everything(compiled, T, B, options)
    for threads, every in ((1, 2), (3, 5)):
        monkeypatch.setattr(Executable, "trial", lambda *_, n=threads: Trial(n, tries=0))
        for key, value in everything(compiled, T, B, options, checkpoint_every=every).items():
            assert np.array_equal(value, plain[key]), (key, threads, every)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("text", ["delays", "stack"])
def test_delays_stacks_and_masks(text, mask):
    delays = rg.parse(DELAYS)
    made = rg.stack(rg.load("gru"), delays) if text == "stack" else delays
    compiled = made.compile(I=4, H=4)
    assert_same_bits(compiled, **MASKS[mask])
    assert_same_bits(compiled, steps=0, rows=2)
    assert_same_bits(compiled, steps=2, rows=0)
    assert_same_bits(compiled, steps=40, rows=19, every=("auto", 13))


@FEW_EXAMPLES
@given(random_texts(), st.sampled_from(EVERY), st.sampled_from([1, 6]))
def test_random_texts(text, every, rows):
    assert_same_bits(rg.parse(text).compile(**SIZES, dtype="f64"), rows=rows, every=[every])


@FEW_EXAMPLES
@given(random_cells(), st.sampled_from(EVERY))
def test_random_graphs(case, every):
    made = Compiled(case.graph, dtype="f64")
    try:
        made.schedule  # noqa: B018  a graph may depend on its own past and future at once
    except UnschedulableError:
        assume(False)
    if one_way(case.graph):
        assert_same_bits(made, every=[every])


# --- memory --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lstm():
    return rg.load("lstm").compile(I=8, H=16)


def peak(compiled, steps, rows=4, **segments):
    """Bytes that a training step took beyond the caller's arrays, at its worst."""
    params, x = compiled.init(0), np.ones((steps, rows, 8), np.float32)
    dy = np.ones((steps, rows, 16), np.float32)
    gc.collect()
    tracemalloc.start()
    y, _, pullback = compiled.vjp(params, x, **segments)
    gradients = pullback(dy)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    returned = [y, gradients.inputs["x"], *gradients.params.values()]
    return most - sum(array.nbytes for array in returned)


def fresh(compiled):
    """The same cell without blocks of memory that are kept for the next call."""
    return Compiled(compiled.graph)


def test_memory_does_not_grow_with_the_steps(lstm):
    peak(lstm, 40, checkpoint_every=20)
    short, long = (peak(fresh(lstm), steps, checkpoint_every=20) for steps in (400, 4000))
    borders = 4 * 16 * 4 * (4000 - 400) // 20  # of the cell state: the output keeps its own
    assert long - short < borders + 20_000
    assert long < peak(fresh(lstm), 4000) / 5


def test_training_an_lstm_takes_28_bytes_beside_its_cotangents(lstm):
    """Four gates, cell and output, and the input's gradient (of half as many units here): 26 bytes,
    and nothing is held twice or copied. Where both sizes are the same it is 28, and with the
    output's cotangents 32."""
    peak(lstm, 40)
    fixed = peak(fresh(lstm), 40)  # weights, and Python's own objects
    per_unit = (peak(fresh(lstm), 4040) - fixed) / (4000 * 4 * 16)
    # peak() leaves out output and gradient: 26 - 4 - 2
    assert per_unit == pytest.approx(20, abs=0.05)


@pytest.mark.parametrize("budget", [100_000, 300_000, 3_000_000])
def test_a_budget_is_kept_and_used(lstm, budget):
    peak(lstm, 40, memory_budget=10**6)
    # what is not in the budget: packed weights and Python's own objects
    beside = peak(fresh(lstm), 1)
    spent = peak(fresh(lstm), 1000, memory_budget=budget) - beside
    assert 0.8 * min(budget, 1000 * 4 * 16 * 24) < spent < budget + 20_000


@pytest.mark.parametrize(("options", "message"), [
    ({"checkpoint_every": 0}, "checkpoint_every must be a positive integer of steps, or 'auto'"),
    ({"checkpoint_every": "often"}, "not 'often'"),
    ({"checkpoint_every": True}, "not True"),
    ({"checkpoint_every": 2.0}, "not 2.0"),
    ({"memory_budget": -1}, "memory_budget must be a positive integer of bytes, not -1"),
    ({"memory_budget": 100}, "100 bytes is too small: 9 steps of 2 rows need at least"),
    ({"memory_budget": 100, "checkpoint_every": 2}, "not both"),
])  # fmt: skip
def test_wrong_options(lstm, options, message):
    with pytest.raises(ArgumentError, match=message):
        lstm.vjp(lstm.init(0), np.ones((9, 2, 8), np.float32), **options)


def test_a_bidirectional_cell_is_refused():
    both = rg.bidirectional(rg.load("gru")).compile(I=3, H=4)
    with pytest.raises(ArgumentError, match=r"'forward.h' goes forward and 'backward.h' backward"):
        both.vjp(both.init(0), np.ones((9, 2, 3), np.float32), checkpoint_every=3)


@pytest.mark.parametrize("segments", [{}, {"checkpoint_every": 2}])
def test_results_of_a_pullback_stay_when_it_is_used_again(segments):
    """The gradient of the input is what a state carries back, so it lies in its memory."""
    text = "cell C\ninput x[I]\nstate h[I]\nh' = tanh(h + x)\noutput y = h'"
    compiled = rg.parse(text).compile(I=3)
    y, _, pullback = compiled.vjp({}, np.ones((5, 2, 3), np.float32), **segments)
    first = pullback(y).inputs["x"]
    kept = first.copy()
    second = pullback(2 * y).inputs["x"]
    assert np.array_equal(first, kept)
    assert np.array_equal(second, 2 * kept)
