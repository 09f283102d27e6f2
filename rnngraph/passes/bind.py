"""Binding: size symbols become numbers in every shape and attribute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..graph import Graph, Node
from ..rewrite import finish, translate
from ..sizes import Dim, Size


def bind(graph: Graph, sizes: Mapping[str, Dim]) -> Graph:
    """The graph with the given symbols bound, to numbers or to other sizes; others stay."""
    new = Graph(graph.title, graph.doc, graph.source, graph.family)
    mapping: dict[int, Node] = {}
    for name, node in graph.inputs.items():
        mapping[node.id] = new.input(name, _bound(node.shape, sizes), node.dtype)
    for name, node in graph.contexts.items():
        mapping[node.id] = new.context(name, _bound(node.shape, sizes), node.dtype)
    for name, node in graph.params.items():
        mapping[node.id] = new.param(name, _bound(node.shape, sizes), graph.inits[name])
    for name, noise in graph.noises.items():
        shape = _bound(noise.leaf.shape, sizes)
        mapping[noise.leaf.id] = new.noise(name, shape, noise.law, noise.leaf.varies)
    for state in graph.states.values():
        shape = _bound(state.leaf.shape, sizes)
        leaf = new.state(state.name, shape, state.init, state.delay, state.line)
        mapping[state.leaf.id] = leaf

    def rule(new: Graph, node: Node, operands: tuple[Node, ...]) -> Node:
        attrs = {key: _bound(value, sizes) for key, value in node.attrs.items()}
        return new.apply(node.op, *operands, **attrs)

    translate(new, graph.roots(), mapping, rule)
    finish(graph, new, mapping)
    return new


def _bound(value: Any, sizes: Mapping[str, Dim]) -> Any:
    if isinstance(value, Size):
        return value.bind(sizes)
    if isinstance(value, tuple):
        return tuple(_bound(v, sizes) for v in value)
    return value


def symbols(graph: Graph) -> list[str]:
    """Names of the sizes that are still open, in order of first use in the interface."""
    found: dict[str, None] = {}
    for leaf in graph.leaves.values():
        for dim in leaf.shape:
            if isinstance(dim, Size):
                found.update(dict.fromkeys(sorted(dim.symbols())))
    return list(found)
