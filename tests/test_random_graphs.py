"""Random cells: what is scheduled is what was meant, forward and gradient."""

import os

from cells_for_tests import draw, draw_states
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_graphs import random_cells
from stages import assert_same, assert_same_bits, graph_stages, late_names

from rnngraph.backends.reference import evaluate, interpret
from rnngraph.components import UnschedulableError, find_loops
from rnngraph.passes.gradient import gradient
from rnngraph.schedule import schedule
from rnngraph.schedule.verify import verify_schedule

EXAMPLES = int(os.environ.get("RNNGRAPH_EXAMPLES", "60"))
RANDOM = settings(max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 60,
                  suppress_health_check=list(HealthCheck))  # fmt: skip


def check(graph, steps, rows):
    """All stages and schedules of a graph against its meaning, at one length and batch."""
    late = late_names(graph)
    given, initial = draw(graph, steps, rows), draw_states(graph, rows)
    expected = evaluate(graph, given, steps, rows, initial)
    stages = graph_stages(graph)
    results = {}
    for name in ("lower", "hoist"):
        assert_same(evaluate(stages[name], given, steps, rows, initial), expected, name)
        made = verify_schedule(schedule(stages[name], late))
        begin = {k: v for k, v in initial.items() if k not in late or len(made.procedures) == 1}
        after = {k: v for k, v in {**given, **initial}.items() if k in late}
        results[name] = interpret(made, given, steps, rows, begin, after)
        assert_same(results[name], expected, f"schedule of {name}\n{stages[name]}\n{made}")
    assert_same_bits(results["hoist"], results["lower"], "hoisting")


def possible(graph):
    """The graph, unless a value depends on itself through the past and the future."""
    try:
        find_loops(graph, graph.roots())
    except UnschedulableError:
        assume(False)
    return graph


LENGTHS = st.sampled_from([(3, 2), (1, 1), (0, 2), (2, 0), (4, 1)])


@RANDOM
@given(random_cells(), LENGTHS)
def test_forward(case, lengths):
    check(possible(case.graph), *lengths)


@RANDOM
@given(random_cells(), LENGTHS)
def test_gradient(case, lengths):
    check(gradient(possible(case.graph)), *lengths)
