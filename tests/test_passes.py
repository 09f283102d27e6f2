"""Every stage means what the stage before it means, on every cell; and none trusts the last."""

import numpy as np
import pytest
from cells_for_tests import CELLS, cell, draw, draw_states
from stages import (
    assert_same,
    assert_same_bits,
    forward_stages,
    gradient_stages,
    graph_stages,
    late_names,
    schedules,
)
from structure import LIBRARY, representatives

from rnngraph.backends.reference import evaluate, interpret
from rnngraph.passes.gradient import gradient
from rnngraph.passes.tangent import tangent
from rnngraph.schedule import schedule
from rnngraph.schedule.verify import verify_schedule

TIMES = [(0, 0), (0, 3), (1, 0), (1, 1), (2, 1), (2, 3), (5, 3)]
STAGES = {"forward": forward_stages, "gradient": gradient_stages}
EVERY = [(title, of) for title in CELLS for of in STAGES]


@pytest.mark.parametrize(("title", "of"), EVERY)
def test_each_pass_keeps_the_meaning(title, of):
    stages = STAGES[of](title)
    graph = stages["graph"]
    for steps, rows in TIMES:
        given, initial = draw(graph, steps, rows), draw_states(graph, rows)
        expected = evaluate(graph, given, steps, rows, initial)
        for name, stage in stages.items():
            found = evaluate(stage, given, steps, rows, initial)
            assert_same(found, expected, f"{name} at T={steps} B={rows}")


@pytest.mark.parametrize(("title", "of"), EVERY)
def test_the_schedule_keeps_the_meaning(title, of):
    graph, made = STAGES[of](title)["lower"], schedules(title, of)
    late = late_names(graph)
    for steps, rows in TIMES:
        given, initial = draw(graph, steps, rows), draw_states(graph, rows)
        expected = evaluate(graph, given, steps, rows, initial)
        found = {k: run(s, given, initial, steps, rows, late) for k, s in made.items()}
        for name, result in found.items():
            assert_same(result, expected, f"{name} at T={steps} B={rows}")
        assert_same_bits(found["hoist"], found["lower"], f"hoisting at T={steps} B={rows}")


def run(schedule, given, initial, steps, rows, late, dtype=np.float64):
    """Interpret with late values withheld, where the schedule has a procedure to give them to."""
    late = late if len(schedule.procedures) > 1 else []
    early, begin = ({k: v for k, v in d.items() if k not in late} for d in (given, initial))
    after = {k: v for k, v in {**given, **initial}.items() if k in late}
    return interpret(schedule, early, steps, rows, begin, after, dtype)


def assert_second_derivatives(title):
    """Of the gradient, both modes again; a product with a vector that is given early or late."""
    simple, steps, rows = forward_stages(title)["simplify"], 3, 2
    for graph in (tangent(gradient(simple)), gradient(gradient(simple), mark="e")):
        given, initial = draw(graph, steps, rows), draw_states(graph, rows)
        expected = evaluate(graph, given, steps, rows, initial)
        low = graph_stages(graph)["lower"]
        made = verify_schedule(schedule(low))
        assert_same(interpret(made, given, steps, rows, initial), expected, title)


@pytest.mark.parametrize("title", [title for title in CELLS if title not in LIBRARY])
def test_second_derivatives_are_scheduled(title):
    assert_second_derivatives(title)


def test_second_derivatives_of_every_form_of_kernel():
    for title in representatives():
        assert_second_derivatives(title)


@pytest.mark.slow
@pytest.mark.parametrize("title", LIBRARY)
def test_second_derivatives_of_every_cell(title):
    assert_second_derivatives(title)


@pytest.mark.parametrize("title", CELLS)
def test_single_precision_stays_close(title):
    made, steps, rows = schedules(title, "forward")["lower"], 4, 2
    given, initial = draw(cell(title), steps, rows), draw_states(cell(title), rows)
    exact = run(made, given, initial, steps, rows, [])
    rounded = {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in given.items()}
    found = run(made, rounded, initial, steps, rows, [], np.float32)
    assert all(v.dtype == np.float32 for v in found.finals.values())
    assert_same(found, exact, title, dtype="f32")


@pytest.mark.parametrize("title", CELLS)
def test_states_begin_by_themselves(title):
    graph, steps, rows = cell(title), 3, 2
    given = draw(graph, steps, rows)
    expected = evaluate(graph, given, steps, rows)
    made = schedules(title, "forward")["hoist"]
    assert_same(interpret(made, given, steps, rows), expected, title)
