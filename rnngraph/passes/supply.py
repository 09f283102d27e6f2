"""Supplying: values that read no state are given from outside, as inputs.

    before:  input token: int,  x = E[token]       after:  input x [T, B, *shape]

Then a call can go from one word to another on a straight line. Contexts are values too: as inputs
they are given at every step. ``alone`` is what computes such values, without the rest of the cell.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..graph import Graph, Node
from ..rewrite import begin, finish, free_name, rebuild, translate


def name_lookups(graph: Graph, integers: Iterable[str], output: str) -> tuple[Graph, list[str]]:
    """The graph with names for the first real values behind integer inputs (the rows ``E[token]``)
    that an output depends on, and these names."""
    new = rebuild(graph)
    names = {value.node.id: name for name, value in reversed(new.names.items())}
    chosen = []
    for node, integer in _lookups(new, set(integers), new.outputs[output]):
        if node.id not in names:
            names[node.id] = free_name(new, f"{node.op} of {integer}", gap=" ")
            new.name(names[node.id], node)
        chosen.append(names[node.id])
    return new, chosen


def _lookups(graph: Graph, integers: set[str], root: Node) -> list[tuple[Node, str]]:
    behind = {node.id: name for name, node in graph.leaves.items() if name in integers}
    found = []
    for node in graph.live([root]):
        integer = next((behind[x.id] for x in node.operands if x.id in behind), None)
        if integer is not None and node.dtype == "real":
            found.append((node, integer))
        elif integer is not None:
            behind[node.id] = integer
    return found


def supply(graph: Graph, values: Iterable[str]) -> Graph:
    """The graph with an input in place of each of the named values and contexts.

    Raises ValueError for an unknown name, or a value that reads a state.
    """
    values = list(values)
    nodes = {name: _checked(graph, name) for name in values}
    new, mapping = begin(graph)
    for name, node in nodes.items():
        new.contexts.pop(name, None)
        mapping[node.id] = new.input(name, node.shape)
    translate(new, graph.roots(), mapping)
    finish(graph, new, mapping)
    for name in set(values) & set(graph.names):
        del new.names[name]
    return new


def alone(graph: Graph, values: Iterable[str]) -> Graph:
    """A graph of just the named values, as its outputs, without states.

    Raises ValueError for an unknown name, or a value that reads a state.
    """
    nodes = {name: _checked(graph, name) for name in values}
    needed = {node.id for node in graph.reachable(nodes.values())}
    new = Graph(graph.title)
    mapping = {}
    for name, leaf in graph.inputs.items():
        if leaf.id in needed:
            mapping[leaf.id] = new.input(name, leaf.shape, leaf.dtype)
    for name, leaf in graph.contexts.items():
        if leaf.id in needed:
            mapping[leaf.id] = new.context(name, leaf.shape, leaf.dtype)
    for name, leaf in graph.params.items():
        if leaf.id in needed:
            mapping[leaf.id] = new.param(name, leaf.shape, graph.inits[name])
    translate(new, nodes.values(), mapping)
    for name, node in nodes.items():
        new.output(name, mapping[node.id])
    return new


def only(graph: Graph, outputs: Iterable[str]) -> Graph:
    """The graph with just these outputs."""
    made = rebuild(graph)
    made.outputs = {name: made.outputs[name] for name in outputs}
    return made


def _checked(graph: Graph, name: str) -> Node:
    if name not in graph.names and name not in graph.contexts:
        raise ValueError(f"cell {graph.title} has no value '{name}'")
    node = graph.contexts[name] if name in graph.contexts else graph.names[name].node
    behind = {x.op for x in graph.reachable([node])}
    if "state" in behind or "noise" in behind:
        raise ValueError(f"'{name}' reads a state or noise: only values of the inputs are supplied")
    return node
