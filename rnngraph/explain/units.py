"""Units: which elements of which states belong together, read off the step graph.

A unit is an index along the first axis of a state. States whose values are computed from each
other element by element (the h and c of an LSTM) share their units; states that only a matrix
connects (two layers) do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..graph import Graph, Node, Varies
from ..ops import OPS


def _always(node: Node, at: int) -> bool:
    return True


def _behind_first_axis(node: Node, at: int) -> bool:
    return bool(node.attrs["axis"] > 0)


# structural ops that may leave the first axis of operand number `at` where it is, and when
PASSES: dict[str, Callable[[Node, int], bool]] = {
    "stop_gradient": _always,
    "sum": _behind_first_axis,
    "max": _behind_first_axis,
    "min": _behind_first_axis,
    "outer": lambda node, at: at == 0,
    "expand": lambda node, at: node.attrs["axes"][0] == 0,
}


@dataclass(frozen=True)
class Units:
    """The `count` units that some states share.

    shapes: of these states, by name. aligned: ids of all nodes whose first axis are these units.
    """

    count: int
    shapes: dict[str, tuple[int, ...]]
    aligned: frozenset[int] = field(default=frozenset(), repr=False)


def units_of(graph: Graph) -> list[Units]:
    """The groups of units of a step graph with numbers as sizes.

    Raises ValueError for a cell without a state.
    """
    if not graph.states:
        raise ValueError(f"cell {graph.title} has no state, so no unit of it can carry anything")
    roots = _aligned_nodes(graph)
    members: dict[int, set[int]] = {}
    for node in graph.nodes:
        members.setdefault(_root(roots, node.id), set()).add(node.id)
    groups: dict[int, dict[str, tuple[int, ...]]] = {}
    for name, state in graph.states.items():
        groups.setdefault(_root(roots, state.leaf.id), {})[name] = state.leaf.shape
    return [Units((*next(iter(shapes.values())), 1)[0], shapes, frozenset(members[root]))
            for root, shapes in groups.items()]


def _aligned_nodes(graph: Graph) -> dict[int, int]:
    """A forest over node ids in which nodes with the same first axis have the same root."""
    roots: dict[int, int] = {}
    for node in graph.nodes:
        for operand in _along_first_axis(node):
            # a parameter or constant may be shared by parts that have nothing else in common
            if operand.varies is not Varies.ONCE:
                roots[_root(roots, node.id)] = _root(roots, operand.id)
    for state in graph.states.values():
        if state.next is not None:
            roots[_root(roots, state.next.id)] = _root(roots, state.leaf.id)
    return {node: root for node, root in roots.items() if node != root}


def _along_first_axis(node: Node) -> Iterator[Node]:
    """The operands whose element i along the first axis goes into element i of the node."""
    passes = _always if OPS[node.op].kind == "elementwise" else PASSES.get(node.op)
    for at, operand in enumerate(node.operands):
        same = node.shape[:1] == operand.shape[:1] != ()
        if passes is not None and same and passes(node, at):
            yield operand


def _root(roots: dict[int, int], node: int) -> int:
    while roots.get(node, node) != node:
        node = roots[node]
    return node
