"""Masks over time: sequences of unequal length, several sequences in a row, reversed time.

    lengths   before:  s' = e            after:  s' = where(inside, e, s);  outputs 0 elsewhere
                       reads of x                reads of where(inside, x, 0)
    reset     before:  reads of s        after:  reads of where(starts, initial value, s)
                       (of s, delay -1)          reads of where(ends, initial value, s)
    reverse   before:  delay d           after:  delay -d

All three are ordinary nodes on ordinary inputs, so they are scheduled, compiled and
differentiated like everything else. Their inputs have names that no cell can have.
"""

from __future__ import annotations

from ..graph import Graph, Node, State, Varies
from ..rewrite import begin, finish, rebuild, translate

INSIDE, STARTS, ENDS = "inside sequence", "sequence starts", "sequence ends"


def with_lengths(graph: Graph) -> Graph:
    """Add the input INSIDE: 1 while a row's sequence lasts, 0 after it.

    States keep their value where a sequence is over, per-step outputs are 0 there, and so are
    real inputs: whatever a caller pads with, even NaN, reaches neither results nor gradients.
    """
    new, mapping = begin(graph)
    inside = new.apply("gt", new.input(INSIDE), new.constant(0.5))
    zero = new.constant(0.0)
    for node in graph.inputs.values():
        if node.dtype == "real":
            mapping[node.id] = new.apply("where", inside, mapping[node.id], zero)
    translate(new, graph.roots(), mapping)
    finish(graph, new, mapping)
    for state in new.states.values():
        if state.next is not None:
            state.next = new.apply("where", inside, state.next, state.leaf)
    for name, node in new.outputs.items():
        if node.varies is Varies.STEP and node.dtype == "real":
            new.outputs[name] = new.apply("where", inside, node, zero)
    return new


def with_reset(graph: Graph) -> Graph:
    """Add the inputs STARTS and ENDS: 1 at the first, and at the last step of every sequence.

    States start anew there: STARTS is for those that run forward, ENDS for those that run back.
    """
    new, mapping = begin(graph)
    for state in graph.states.values():
        edge = STARTS if state.delay > 0 else ENDS
        flag = new.inputs.get(edge) or new.input(edge)
        starts = new.apply("gt", flag, new.constant(0.5))
        leaf = mapping[state.leaf.id]
        mapping[state.leaf.id] = new.apply("where", starts, _initial(new, state), leaf)
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
