"""A networkx view of a graph, for users and for passes that want a graph algorithm.

The view is not the IR: a DiGraph has no operand order and cannot hold ``x * x``.
"""

from __future__ import annotations

from typing import Any

from .graph import Graph


def to_networkx(graph: Graph, delays: bool = True) -> Any:
    """A ``networkx.DiGraph`` of node ids with op, shape, dtype, varies and label as attributes.

    Edges run from operand to user with the operand positions as ``operands``. With ``delays``,
    an edge with ``delay`` runs from each state's next value to its leaf.
    """
    import networkx

    labels = {named.node.id: name for name, named in graph.names.items()}
    labels |= {leaf.id: name for name, leaf in graph.leaves.items()}
    view = networkx.DiGraph(name=graph.title)
    for node in graph.reachable():
        view.add_node(node.id, op=node.op, shape=node.shape, dtype=node.dtype,
                      varies=node.varies.name.lower(), label=labels.get(node.id, ""))  # fmt: skip
        for place, operand in enumerate(node.operands):
            if view.has_edge(operand.id, node.id):
                view[operand.id][node.id]["operands"] += (place,)
            else:
                view.add_edge(operand.id, node.id, operands=(place,), delay=0)
    if delays:
        for state in graph.states.values():
            if state.next is not None and state.leaf.id in view:
                view.add_edge(state.next.id, state.leaf.id, operands=(), delay=state.delay)
    return view
