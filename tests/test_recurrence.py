"""What kind of recurrence a loop is, and loops that run through time element by element."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_cells import assert_gradients, assert_runs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rnngraph as rg
from rnngraph.components import find_loops
from rnngraph.passes.gradient import gradient
from rnngraph.passes.simplify import simplify
from rnngraph.recurrence import find_recurrences
from rnngraph.runtime.executable import Executable
from rnngraph.runtime.teams import Trial
from rnngraph.schedule.series import LARGEST

HEAD = """cell Test
input x[H], s[]
state h[H]{more}
param u[H] ~ uniform(0.5)
param U[H, H] ~ uniform(0.1)
"""
DIAGONAL, COUPLED = "linear recurrence", "linear recurrence of 2 states"
WITHIN, MATRIX = "recurrence within each unit", "linear recurrence through products"

KINDS = [
    ("h' = sigmoid(x) * h + x", DIAGONAL),
    ("h' = h + sigmoid(x) * (u - h)", DIAGONAL),
    ("f = sigmoid(x)\nh' = f * h + (1 - f) * tanh(x)", DIAGONAL),
    ("h' = where(x > 0, h, u * h - x)", DIAGONAL),
    ("h' = -(x - h) / (2 + u * u)", DIAGONAL),
    ("h' = u * (h * h)", WITHIN),
    ("h' = where(h > 0, x, u * h)", WITHIN),
    ("h' = x / (2 + h)", WITHIN),
    ("h' = tanh(u * h + x)", WITHIN),
    ("h' = sigmoid(x * h) * h + x", WITHIN),
    ("h' = max(h, x)", WITHIN),
    ("h' = u * h - x * c\nc' = x * h + u * c", COUPLED),
    ("h' = u * h + tanh(c)\nc' = u * c + h", "recurrence within each unit"),
    ("h' = U @ h + x", MATRIX),
    ("h' = u * h + sum(h) * x", MATRIX),
    ("h' = U @ tanh(h) + x", ""),
]


def cell(body: str) -> rg.Cell:
    more = ", c[H]" if "c'" in body else ""
    head = HEAD.format(more=more)
    return rg.parse(f"{head}\n{body}\noutput y = h' * s + sum(U @ x + u)\n")


def kinds(graph) -> list[str]:
    return [str(r) for r in find_recurrences(graph, find_loops(graph, graph.roots()))]


@pytest.mark.parametrize(("body", "kind"), KINDS)
def test_the_kind_of_a_recurrence(body, kind):
    assert kinds(simplify(cell(body).graph)) == [kind]


@pytest.mark.parametrize(("body", "kind"), [k for k in KINDS if k[1] in (DIAGONAL, COUPLED)])
def test_cotangents_of_a_linear_recurrence_are_linear(body, kind):
    found = kinds(simplify(gradient(simplify(cell(body).graph))))
    assert len(found) == 2 and set(found) == {kind}


def test_a_schedule_says_so():
    text = str(rg.load("min_gru").compile(I=4, H=4).stages()["schedule"])
    assert "step by step, forward in time (linear recurrence):" in text
    assert "recurrence" not in str(rg.load("lstm").compile(I=4, H=4).stages()["schedule"])


# --- random affine cells -----------------------------------------------------------------------

FREE = ["x", "u", "s", "tanh(x)", "sigmoid(x + u)", "0.5", "(x * u)"]
AFFINE = ["({a} + {f})", "({f} - {a})", "({a} * {f})", "({f} * {a} - {a})", "-{a}",
          "where({f} > 0.1, {a}, {f})", "({a} / (2 + sigmoid({f})))", "({a} + h)"]  # fmt: skip
SPOILT = ["tanh({a})", "({a} * h)", "relu({a})", "({f} / (3 + abs({a})))", "max({a}, {f})"]


@st.composite
def bodies(draw, spoilt: bool = False) -> str:
    """A next state as text, made of affine steps; ``spoilt`` by one that is not."""
    text = "h"
    steps = [draw(st.sampled_from(AFFINE)) for _ in range(draw(st.integers(1, 6)))]
    if spoilt:
        steps.insert(draw(st.integers(0, len(steps))), draw(st.sampled_from(SPOILT)))
    for step in steps:
        text = step.format(a=text, f=draw(st.sampled_from(FREE)))
    return f"h' = {text}"


RANDOM = settings(max_examples=12, deadline=None, derandomize=True,
                  suppress_health_check=list(HealthCheck))  # fmt: skip


@RANDOM
@given(bodies(), st.sampled_from([(3, 2), (7, 1), (0, 2), (2, 0)]), st.sampled_from([3, 16, 21]))
def test_random_affine_cells(body, lengths, hidden):
    made = cell(body)
    assert set(kinds(simplify(made.graph))) <= {DIAGONAL}
    compiled = made.compile(H=hidden, dtype="f64")
    assert_runs(compiled, *lengths, kind="reordered")
    assert_gradients(compiled, *lengths, kind="reordered")


@RANDOM
@given(bodies(spoilt=True))
def test_nearly_affine_cells(body):
    assert DIAGONAL not in kinds(cell(body).graph), body


# --- element by element --------------------------------------------------------------------------

SERIES = [body for body, kind in KINDS if kind in (DIAGONAL, COUPLED, WITHIN)]


def rows_of(compiled, given, rows, **options):
    """Everything that belongs to a row, for the first ``rows`` rows of what is given."""
    x, s, reset = (given[name][:, :rows] for name in ("x", "s", "reset"))
    chosen = {"lengths": given["lengths"][:rows], "reset": reset}
    options = {name: chosen.get(name, value) for name, value in options.items()}
    start = {name: given[name][:rows] for name in compiled.graph.states}
    y, state, pullback = compiled.vjp(given["params"], {"x": x, "s": s}, start, **options)
    found = pullback(np.cos(y))
    inputs = {f"d {name}": value for name, value in found.inputs.items()}
    return {"y": y, **inputs}, {**state, **{f"d {n}": v for n, v in found.state.items()}}, found


def drawn(compiled, steps, rows, hidden):
    rng = np.random.default_rng(0)
    normal = lambda *shape: rng.normal(size=shape).astype(np.float32)  # noqa: E731
    return {
        "params": compiled.init(1), "x": normal(steps, rows, hidden), "s": normal(steps, rows),
        "h": normal(rows, hidden), "c": normal(rows, hidden),
        "lengths": rng.integers(0, steps + 1, rows), "reset": rng.random((steps, rows)) < 0.2,
    }  # fmt: skip


OPTIONS = [{}, {"reverse": True}, {"lengths": None}, {"reset": None}]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: next(iter(o), "plain"))
@pytest.mark.parametrize("hidden", [5, 64])
def test_a_row_is_the_same_element_by_element_and_step_by_step(hidden, options):
    body = "h' = sigmoid(x) * h + u * x * s\nc' = tanh(c * u + h)"
    compiled = cell(body).compile(H=hidden)
    many = LARGEST // hidden + 9
    given = drawn(compiled, 11, many, hidden)
    whole_steps, whole_ends, _ = rows_of(compiled, given, many, **options)
    for rows in (1, 3):
        steps, ends, _ = rows_of(compiled, given, rows, **options)
        for name, value in steps.items():
            assert np.array_equal(value, whole_steps[name][:, :rows]), (name, rows)
        for name, value in ends.items():
            assert np.array_equal(value, whole_ends[name][:rows]), (name, rows)


@pytest.mark.parametrize("body", SERIES)
def test_a_team_gives_the_same_bits(body, monkeypatch):
    compiled = cell(body).compile(H=70, threads=4)
    for rows in (1, 3, 20):
        given = drawn(compiled, 6, rows, 70)
        alone = None
        for threads in (1, 2, 3):
            monkeypatch.setattr(Executable, "trial", lambda *_, n=threads: Trial(n, tries=0))
            steps, ends, gradients = rows_of(compiled, given, rows)
            found = {**steps, **ends, **{f"p {n}": v for n, v in gradients.params.items()}}
            alone = alone or found
            for name, value in found.items():
                assert np.array_equal(value, alone[name]), (name, rows, threads)
