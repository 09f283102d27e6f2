"""Telling reads apart: every equation reads the old states through inputs of its own.

    before:  f = sigmoid(W @ [h, x]),  c' = f * c + ...
    after:   f = sigmoid(W @ [h + read(h, f), x]),  c' = f * (c + read(c, carry)) + ...

The inputs are 0, so nothing changes; the derivative with respect to ``read(s, k)`` is the part of
the derivative with respect to the old state s that goes through equation k. Equations are the named
values and the outputs; what states' own equations read is the carry.
"""

from __future__ import annotations

from ..graph import Graph, Node
from ..rewrite import NAMED_LEAVES, begin, finish

CARRY = "carry"


def read(state: str, route: str) -> str:
    """The name of the input by which equation ``route`` reads a state."""
    return f"read({state}, {route})"


def reads(graph: Graph) -> Graph:
    """The graph with an input ``read(s, k)`` [*shape of s] for every state s that equation k
    reads directly, which is not through another equation."""
    new, mapping = begin(graph)
    equations = _equations(graph)
    for number in sorted(equations):
        root = graph.nodes[number]
        mapping[number] = _translated(new, root, equations, mapping)
    finish(graph, new, mapping)
    _read_directly(graph, new)
    return new


def _equations(graph: Graph) -> dict[int, str]:
    """The route of every equation's node; a node with several names has its first."""
    found: dict[int, str] = {}
    for name, value in graph.names.items():
        found.setdefault(value.node.id, name)
    for state in graph.states.values():
        if state.next is not None:
            found.setdefault(state.next.id, CARRY)
    for name, node in graph.outputs.items():
        found.setdefault(node.id, name)
    return {i: route for i, route in found.items() if graph.nodes[i].op not in NAMED_LEAVES}


def _translated(
    new: Graph, root: Node, equations: dict[int, str], mapping: dict[int, Node]
) -> Node:
    """An equation of its own, from its root down to leaves and other equations."""
    own: dict[int, Node] = {}

    def operand(x: Node) -> Node:
        if x.op == "state":
            return _copy(new, mapping[x.id], equations[root.id])
        return own[x.id] if x.id in own else mapping[x.id]

    for node in _inside(root, equations):
        own[node.id] = new.apply(node.op, *map(operand, node.operands), **node.attrs)
    return own[root.id]


def _inside(root: Node, equations: dict[int, str]) -> list[Node]:
    found, stack = {root.id: root}, [root]
    while stack:
        for x in stack.pop().operands:
            if x.id not in found and x.id not in equations and x.op not in NAMED_LEAVES:
                found[x.id] = x
                stack.append(x)
    return [found[i] for i in sorted(found)]


def _copy(new: Graph, leaf: Node, route: str) -> Node:
    """A state's leaf as an equation reads it."""
    name = read(leaf.attrs["name"], route)
    return leaf + (new.inputs.get(name) or new.input(name, leaf.shape))


def _read_directly(graph: Graph, new: Graph) -> None:
    """Delay lines (xp' = x) and outputs that are an old state."""
    for state in graph.states.values():
        if state.next is not None and state.next.op == "state":
            held = new.states[state.next.attrs["name"]].leaf
            new.advance(state.name, _copy(new, held, CARRY), state.label)
    for name, node in graph.outputs.items():
        if node.op == "state":
            new.output(name, _copy(new, new.outputs[name], name))
