"""Renaming: every name of a step graph gets a prefix, so that copies of a cell can share a graph.

    before:  param W_f, state h, value f         after:  layer0.W_f, layer0.h, layer0.f
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..graph import Graph, Node
from ..rewrite import translate


def rename(graph: Graph, prefix: str, but: Collection[str] = ()) -> Graph:
    """The graph with ``prefix`` before all names, but those of the kinds ``but``: "inputs",
    "contexts", "params", "states", "names", "outputs". (A noise is always renamed: copies draw
    apart.)"""

    def called(kind: str, name: str) -> str:
        return name if kind in but else prefix + name

    new = Graph(graph.title, graph.doc, graph.source, graph.family)
    mapping: dict[int, Node] = {}
    for name, node in graph.inputs.items():
        mapping[node.id] = new.input(called("inputs", name), node.shape, node.dtype)
    for name, node in graph.contexts.items():
        mapping[node.id] = new.context(called("contexts", name), node.shape, node.dtype)
    for name, node in graph.params.items():
        mapping[node.id] = new.param(called("params", name), node.shape, graph.inits[name])
    for name, noise in graph.noises.items():
        leaf = noise.leaf
        mapping[leaf.id] = new.noise(prefix + name, leaf.shape, noise.law, leaf.varies)
    for state in graph.states.values():
        init = called("params", state.init) if isinstance(state.init, str) else state.init
        name = called("states", state.name)
        line = state.line and replace(
            state.line, of=called(_kind(graph, state.line.of), state.line.of)
        )
        mapping[state.leaf.id] = new.state(name, state.leaf.shape, init, state.delay, line)
    translate(new, graph.roots(), mapping)
    for state in graph.states.values():
        if state.next is not None:
            new.advance(called("states", state.name), mapping[state.next.id], state.label)
    for name, named in graph.names.items():
        new.name(called("names", name), mapping[named.node.id], named.label)
    for name, node in graph.outputs.items():
        new.output(called("outputs", name), mapping[node.id])
    return new


def _kind(graph: Graph, name: str) -> str:
    """Which kind of name an input, state or gate has."""
    return "inputs" if name in graph.inputs else "states" if name in graph.states else "names"
