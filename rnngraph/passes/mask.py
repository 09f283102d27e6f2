"""Masks over time: sequences of unequal length, restarts inside a sequence, reversed time.

    lengths   before:  s' = e            after:  s' = where(running, e, s);  outputs 0 where not
    reset     before:  reads of s        after:  reads of where(reset, initial value, s)
    reverse   before:  delay d           after:  delay -d

All three are ordinary nodes on ordinary inputs, so they are scheduled, compiled and
differentiated like everything else.
"""

from __future__ import annotations

from ..graph import Graph, Node, State, Varies
from ..rewrite import begin, finish, rebuild, translate

RUNNING, RESET = "running", "reset"


def with_lengths(graph: Graph) -> Graph:
    """Add the input ``running[]``: 1 while a row's sequence lasts, 0 after it.

    States keep their value where a sequence is over, per-step outputs are 0 there.
    """
    new = rebuild(graph)
    running = new.apply("gt", new.input(RUNNING), new.constant(0.5))
    for state in new.states.values():
        if state.next is not None:
            state.next = new.apply("where", running, state.next, state.leaf)
    for name, node in new.outputs.items():
        if node.varies is Varies.STEP and node.dtype == "real":
            new.outputs[name] = new.apply("where", running, node, new.constant(0.0))
    return new


def with_reset(graph: Graph) -> Graph:
    """Add the input ``reset[]``: 1 at a step before which a row's states start anew."""
    new, mapping = begin(graph)
    reset = new.apply("gt", new.input(RESET), new.constant(0.5))
    for state in graph.states.values():
        leaf = mapping[state.leaf.id]
        mapping[state.leaf.id] = new.apply("where", reset, _initial(new, state), leaf)
    translate(new, graph.roots(), mapping)
    finish(graph, new, mapping)
    return new


def _initial(new: Graph, state: State) -> Node:
    if isinstance(state.init, str):
        return new.params[state.init]
    return new.constant(state.init)


def reverse(graph: Graph) -> Graph:
    """The same cell running backwards in time."""
    new = rebuild(graph)
    for state in new.states.values():
        state.delay = -state.delay
    return new
