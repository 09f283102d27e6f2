"""Random cells, as text and as graphs: compiled, they are what the oracle says."""

import os

from compiled_cells import TARGETS, assert_gradients, assert_runs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_graphs import random_cells
from random_texts import SIZES, random_texts

import rnngraph as rg
from rnngraph.components import UnschedulableError

EXAMPLES = int(os.environ.get("RNNGRAPH_EXAMPLES", "20"))
RANDOM = settings(max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 20,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
LENGTHS = st.sampled_from([(3, 2), (1, 1), (2, 5), (0, 2), (2, 0)])


def compiled(text: str, target: str) -> rg.Compiled:
    return rg.parse(text).compile(**SIZES, dtype="f64", target=target)


@RANDOM
@given(random_texts(), LENGTHS, st.sampled_from(TARGETS))
def test_forward(text, lengths, target):
    assert_runs(compiled(text, target), *lengths, kind="reordered")


@RANDOM
@given(random_texts(), LENGTHS, st.sampled_from(TARGETS))
def test_gradients(text, lengths, target):
    assert_gradients(compiled(text, target), *lengths, kind="reordered")


@RANDOM
@given(random_cells(), LENGTHS)
def test_graphs(case, lengths):
    made = rg.Compiled(case.graph, dtype="f64")
    try:
        made.schedule  # noqa: B018  a graph may depend on its own past and future at once
    except UnschedulableError:
        assume(False)
    assert_gradients(made, *lengths, kind="reordered")
