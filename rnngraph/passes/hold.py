"""Holding units: every state is multiplied by a mask that is given once per sequence.

    before:  state s, s' = e          after:  context keep(s) like s,  s' = keep(s) * e

What reads s or s' reads the masked value, in the same step (outputs too) and in the next. A mask
of ones changes nothing; zeros at some units hold them at zero for the whole sequence, which is an
ablation that works for any cell. One compiled program then serves all units, as rows of a batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ..graph import Graph, Node
from ..ops import OPS
from ..rewrite import begin, finish, translate


def hold(graph: Graph, states: Iterable[str] | None = None, mark: str = "keep") -> Graph:
    """The graph with a context ``mark(s)`` for each of the states (default: all).

    Raises ValueError for an unknown state, or a mark that the graph already uses.
    """
    names = list(graph.states) if states is None else list(states)
    for name in names:
        if name not in graph.states:
            raise ValueError(f"cell {graph.title} has no state '{name}'")
    new, mapping = begin(graph)
    masks = {name: new.context(f"{mark}({name})", graph.states[name].leaf.shape)
             for name in names}
    for name, mask in masks.items():
        leaf = graph.states[name].leaf
        mapping[leaf.id] = mask * mapping[leaf.id]
    masked = _masks_by_node(graph, masks)
    translate(new, graph.roots(), mapping, lambda g, node, operands: _masked(
        g.apply(node.op, *operands, **node.attrs), masked[node.id]))
    finish(graph, new, mapping)
    for name, mask in masks.items():
        _hold_delay_line(graph, new, name, mask)
    return new


def _masks_by_node(graph: Graph, masks: dict[str, Node]) -> defaultdict[int, list[Node]]:
    by_node: defaultdict[int, list[Node]] = defaultdict(list)
    for name, mask in masks.items():
        following = graph.states[name].next
        if following is not None:
            by_node[following.id].append(mask)
    return by_node


def _masked(node: Node, masks: list[Node]) -> Node:
    for mask in masks:
        node = mask * node
    return node


def _hold_delay_line(graph: Graph, new: Graph, name: str, mask: Node) -> None:
    """A state that takes over a leaf (xp' = x) holds the state's unit, not the leaf's."""
    following, record = graph.states[name].next, new.states[name]
    if following is not None and record.next is not None and OPS[following.op].kind == "leaf":
        new.advance(name, mask * record.next, record.label)
