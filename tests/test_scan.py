"""Linear recurrences in pieces of time: the oracle's values, and the same bits for any division."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_cells import TARGETS, assert_gradients, assert_runs
from hypothesis import given, settings
from hypothesis import strategies as st
from test_recurrence import COUPLED, DIAGONAL, KINDS, RANDOM, bodies, cell
from tolerances import assert_close

import rnngraph as rg
from rnngraph.runtime.executable import Executable
from rnngraph.runtime.teams import Trial
from rnngraph.schedule.grammar import PIECE

LINEAR = [body for body, kind in KINDS if kind == DIAGONAL]
SLOW = "h' = where(s > -1, (1 - 0.01 * sigmoid(x)) * h, u * h) + u * tanh(x)"  # it forgets slowly
MIXED = """cell Mixed
input x[H]
state h[H], k[H]
param u[H] ~ uniform(0.5)
h' = (1 - 0.01 * sigmoid(x)) * h + u * tanh(x)
k' = where(x > 0, k * sigmoid(x + u), u - k / (1.1 + x * x)) + tanh(h)
output y = h' + k' * tanh(k')
"""


def drawn(compiled, steps, rows):
    rng = np.random.default_rng(steps)
    graph = compiled.graph
    x = {n: rng.normal(size=(steps, rows, *leaf.shape)) for n, leaf in graph.inputs.items()}
    state = {n: rng.normal(size=(rows, *s.leaf.shape)) for n, s in graph.states.items()}
    return compiled.init(2), x, state


def everything(compiled, params, x, state, rows=None):
    """Values by (name, axis of rows or None), for the first ``rows`` rows of what is given."""
    x = {name: value[:, :rows] for name, value in x.items()}
    state = {name: value[:rows] for name, value in state.items()}
    y, finals, pullback = compiled.vjp(params, x, state)
    wave = np.cos(np.arange(y[:, :1].size)).reshape(y[:, :1].shape)
    found = pullback(np.broadcast_to(wave, y.shape))
    ends = {f"d {name}": value for name, value in found.state.items()}
    by_step = {"y": y, **found.inputs}
    return {
        **{(n, 1): v for n, v in by_step.items()},
        **{(n, 0): v for n, v in {**finals, **ends}.items()},
        **{(f"p {n}", None): v for n, v in found.params.items()},
    }


def pieces(schedule) -> int:
    return str(schedule).count(f"in pieces of {PIECE} steps at once")


def test_what_is_scanned():
    for body, kind in KINDS:
        compiled = cell(body).compile(H=4, parallel_scan=True)
        expected = int(kind == DIAGONAL)
        assert pieces(compiled.stages()["schedule"]) == expected, body
        if kind in (DIAGONAL, COUPLED):
            assert pieces(compiled.stages(gradients=True)["schedule"]) == 2 * expected, body
    assert pieces(rg.load("lstm").compile(I=4, H=4, parallel_scan=True).stages()["schedule"]) == 0
    assert pieces(rg.load("min_gru").compile(I=4, H=4).stages()["schedule"]) == 0


@settings(RANDOM, max_examples=5)
@given(bodies(), st.sampled_from([(3, 2), (PIECE + 1, 1), (0, 2), (2, 0)]),
       st.sampled_from(TARGETS))  # fmt: skip
def test_random_cells(body, lengths, target):
    compiled = cell(body).compile(H=5, dtype="f64", target=target, parallel_scan=True)
    assert_runs(compiled, *lengths, kind="reordered")
    assert_gradients(compiled, *lengths, kind="reordered")


@pytest.mark.parametrize(
    ("text", "dtype"), [*((text, "f32") for text in (*LINEAR, SLOW)), (MIXED, "f64")]
)
def test_as_the_plain_loop_but_for_rounding(text, dtype):
    made = rg.parse(text) if text == MIXED else cell(text)
    plain, scanned = (made.compile(H=21, dtype=dtype, parallel_scan=p) for p in (False, True))
    for steps, rows in ((PIECE, 2), (2 * PIECE + 44, 3)):
        given = drawn(plain, steps, rows)
        expected, found = everything(plain, *given), everything(scanned, *given)
        for name, value in expected.items():
            assert_close(found[name], value, "reordered", dtype, f"{name} {steps}")


@pytest.mark.parametrize("steps", [0, 1, PIECE - 1, PIECE, 2 * PIECE, 3 * PIECE + 1])
def test_the_same_bits_for_any_batch_and_team(steps, monkeypatch):
    compiled = rg.parse(MIXED).compile(H=21, threads=4, parallel_scan=True)
    params, x, state = drawn(compiled, steps, 40)
    monkeypatch.setattr(Executable, "trial", lambda *_: Trial(1, tries=0))
    whole = everything(compiled, params, x, state)
    for rows in (1, 3, 40):
        alone = everything(compiled, params, x, state, rows)
        for (name, axis), value in alone.items():
            if axis is not None:
                assert np.array_equal(value, whole[name, axis].take(range(rows), axis)), name
        for threads in (2, 3, 5):
            monkeypatch.setattr(Executable, "trial", lambda *_, n=threads: Trial(n, tries=0))
            for name, value in everything(compiled, params, x, state, rows).items():
                assert np.array_equal(value, alone[name]), (name, rows, threads)
        monkeypatch.setattr(Executable, "trial", lambda *_: Trial(1, tries=0))


def test_sequences_may_be_cut_between_pieces():
    compiled = rg.parse(MIXED).compile(H=7, parallel_scan=True)
    params, x, state = drawn(compiled, 3 * PIECE, 2)
    whole, ends = compiled.run(params, x, state)
    first, between = compiled.run(params, x["x"][:PIECE], state)
    second, last = compiled.run(params, x["x"][PIECE:], between)
    # the first part ends with the step's own value, and the second begins from there
    assert np.array_equal(first, whole[:PIECE])
    assert_close(second, whole[PIECE:], "reordered", "f32")
    assert all(last[name].shape == ends[name].shape for name in ends)


def test_factors_that_overflow_do_no_harm_to_what_starts_from_0():
    compiled = cell("h' = 4 * h + 0 * x").compile(H=3, parallel_scan=True)
    x = {"x": np.ones((3 * PIECE, 1, 3)), "s": np.ones((3 * PIECE, 1))}
    y, state = compiled.run(compiled.init(), x)
    assert np.all(np.isfinite(y)) and np.all(state["h"] == 0)


def test_checkpoints_are_refused():
    compiled = rg.parse(MIXED).compile(H=2, parallel_scan=True)
    params, x, state = drawn(compiled, 4, 1)
    with pytest.raises(rg.ArgumentError, match="compile without parallel_scan"):
        compiled.vjp(params, x, state, checkpoint_every=2)


def test_the_option_is_checked():
    with pytest.raises(ValueError, match="parallel_scan must be True or False, not 3"):
        rg.load("min_gru").compile(I=2, H=2, parallel_scan=3)
