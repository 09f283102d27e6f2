"""Holding units: at chosen steps and units a state takes a value that is given.

    before:  state s, s' = e
    after:   inputs keep(s), fill(s) like s,  s' = keep(s) * e + fill(s)

What reads s', in the same step or (as s) in the next, reads the held value, outputs too. Ones and
zeros change nothing; a zero in keep(s) and a value in fill(s) put that value there. This is
ablation (the value is a mean, or zero) and patching (it comes from another run) for any cell, and
one compiled program serves all units and steps, as rows of a batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..graph import Graph, Node
from ..ops import OPS
from ..rewrite import begin, finish, translate

KEEP, FILL = "keep", "fill"


@dataclass(frozen=True)
class _Hold:
    keep: Node
    fill: Node

    def __call__(self, node: Node) -> Node:
        return self.keep * node + self.fill


def hold(graph: Graph, states: Iterable[str] | None = None) -> Graph:
    """The graph with inputs ``keep(s)`` and ``fill(s)`` for each of the states (default: all).

    Raises ValueError for an unknown state, or a graph that has such inputs already.
    """
    names = list(graph.states) if states is None else list(states)
    for name in names:
        if name not in graph.states:
            raise ValueError(f"cell {graph.title} has no state '{name}'")
    new, mapping = begin(graph)
    holds = {name: _inputs(graph, new, name) for name in names}
    by_node = _holds_by_node(graph, holds)
    translate(new, graph.roots(), mapping, lambda g, node, operands: _held(
        g.apply(node.op, *operands, **node.attrs), by_node[node.id]))
    finish(graph, new, mapping)
    for name, held in holds.items():
        _hold_delay_line(graph, new, name, held)
    return new


def _inputs(graph: Graph, new: Graph, name: str) -> _Hold:
    shape = graph.states[name].leaf.shape
    return _Hold(new.input(f"{KEEP}({name})", shape), new.input(f"{FILL}({name})", shape))


def _holds_by_node(graph: Graph, holds: dict[str, _Hold]) -> defaultdict[int, list[_Hold]]:
    by_node: defaultdict[int, list[_Hold]] = defaultdict(list)
    for name, held in holds.items():
        following = graph.states[name].next
        if following is not None:
            by_node[following.id].append(held)
    return by_node


def _held(node: Node, holds: list[_Hold]) -> Node:
    for held in holds:
        node = held(node)
    return node


def _hold_delay_line(graph: Graph, new: Graph, name: str, held: _Hold) -> None:
    """A state that takes over a leaf (xp' = x) holds the state's unit, not the leaf's."""
    following, record = graph.states[name].next, new.states[name]
    if following is not None and record.next is not None and OPS[following.op].kind == "leaf":
        new.advance(name, held(record.next), record.label)
