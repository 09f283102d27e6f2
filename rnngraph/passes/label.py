"""Labelling: what a state's equation hides in a nonlinearity becomes an equation of its own.

    before:  h' = (1 - z) * h + z * tanh(W @ [h, x])
    after:   h'.tanh = tanh(W @ [h, x]),  h' = (1 - z) * h + z * h'.tanh

Only what reads an old state is named, and of nested ones the outermost. An equation that is a
nonlinearity as a whole (h' = tanh(...)) stays as it is. Nothing that is computed changes.
"""

from __future__ import annotations

from ..graph import Graph, Node
from ..ops import OPS
from ..recurrence import MOVES, PRODUCTS, SUMS
from ..rewrite import free_name, rebuild

LINEAR = {*SUMS, *MOVES, *PRODUCTS, "div", "where", "gather", "scatter", "total"}


def label(graph: Graph) -> Graph:
    """The graph with a name for every outermost nonlinearity inside a state's equation."""
    new = rebuild(graph)
    named = {value.node.id for value in new.names.values()}
    ends = named | {s.next.id for s in new.states.values() if s.next is not None}
    reading = _reading(new, ends)
    for state in new.states.values():
        if state.next is not None and state.next.id not in named:
            for node in _hidden(state.next, reading, ends):
                new.name(free_name(new, f"{state.name}'.{node.op}"), node)
                ends.add(node.id)
    return new


def _reading(graph: Graph, ends: set[int]) -> set[int]:
    """Ids of nodes that read an old state, and not just through another equation."""
    found: set[int] = set()
    for node in graph.reachable():
        behind = (x for x in node.operands if x.op == "state" or x.id not in ends)
        if node.op == "state" or any(x.id in found for x in behind):
            found.add(node.id)
    return found


def _hidden(root: Node, reading: set[int], ends: set[int]) -> list[Node]:
    """The outermost nonlinear nodes below ``root`` that read a state, in order."""
    found: dict[int, Node] = {}
    stack = list(root.operands) if root.op in LINEAR else []
    while stack:
        node = stack.pop()
        if node.id not in reading or node.id in ends or OPS[node.op].kind == "leaf":
            continue
        if node.op in LINEAR:
            stack.extend(node.operands)
        else:
            found[node.id] = node
    return [found[i] for i in sorted(found)]
