"""Selecting and pinning: what a call returns, and that it has memory of its own.

    select   outputs: just those asked for, and the named values asked for
    pin      output y = x            ->  y = copy of x
             xp' = x  (a delay line) ->  xp' = copy of x

Leaves and windows on other values have no kernel that could store them; a copy has. A copy is no
step of differentiation, so pinning comes after it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..graph import Graph, Node
from ..ops import OPS
from ..rewrite import rebuild

WINDOWS = ("slice", "transpose", "reshape", "expand", "gather")


def base(node: Node) -> Node:
    """The value that a chain of windows looks at."""
    while node.op in WINDOWS:
        node = node.operands[0]
    return node


def select(graph: Graph, outputs: Iterable[str], names: Iterable[str] = ()) -> Graph:
    """The graph with just ``outputs``, and the named values or states ``names``, as outputs."""
    new = rebuild(graph)
    wanted = {name: new.outputs[name] for name in outputs}
    new.outputs = wanted | {name: _named(new, name) for name in names}
    new.hints |= {name: named.node for name, named in new.names.items()}
    new.names = {}
    return new


def pin(graph: Graph, outputs: Iterable[str], names: Iterable[str] = ()) -> Graph:
    """What ``select`` gives, with every output and next state in memory of its own."""
    new = select(graph, outputs, names)
    new.outputs = {name: _pinned(node) for name, node in new.outputs.items()}
    for state in new.states.values():
        if state.next is not None:
            state.next = _pinned(state.next)
    return new


def _named(graph: Graph, name: str) -> Node:
    if name in graph.names:
        return graph.names[name].node
    following = graph.states[name].next
    assert following is not None
    return following


def _pinned(node: Node) -> Node:
    if OPS[node.op].kind == "leaf" or node.op in WINDOWS:
        return node.graph.apply("stop_gradient", node)
    return node
