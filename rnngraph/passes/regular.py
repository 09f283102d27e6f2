"""Regular series: what a cell for irregular ones is told of each step, as it is in a regular one.

    gap, delta    time since the step before, since a value was given     1
    mask          whether a value is given                                1
    time          that of the step                                        the steps before it
    mean          of the values (a context)                               0

The names are those that the cells of the literature share; a cell that reads just one other input
can then be trained on any series.
"""

from __future__ import annotations

from ..graph import Graph, Node
from ..rewrite import begin, finish, translate

INPUTS = {"gap": 1.0, "delta": 1.0, "mask": 1.0}
CONTEXTS = {"mean": 0.0}
CLOCK = "time"


def regular(graph: Graph) -> Graph:
    """The graph without those inputs and contexts, each with its value of a regular series."""
    new, mapping = begin(graph)
    for table, mine, values in (
        (graph.inputs, new.inputs, INPUTS),
        (graph.contexts, new.contexts, CONTEXTS),
    ):
        for name in set(table) & set(values):
            leaf = mine.pop(name)
            mapping[table[name].id] = new.full(values[name], leaf.shape)
    if CLOCK in graph.inputs and not graph.inputs[CLOCK].shape and CLOCK not in graph.states:
        del new.inputs[CLOCK]
        mapping[graph.inputs[CLOCK].id] = _clock(new)
    translate(new, graph.roots(), mapping)
    finish(graph, new, mapping)
    return new


def _clock(graph: Graph) -> Node:
    """A state that counts the steps."""
    now = graph.state(CLOCK)
    graph.advance(CLOCK, graph.apply("add", now, graph.constant(1.0)), "time")
    return now
