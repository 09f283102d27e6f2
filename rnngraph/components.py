"""The condensation: which nodes must run step by step.

The strongly connected components of a step graph with its delay edges are exactly the parts
that need a loop over time; every other node can be computed for all time-steps at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .graph import Graph, Node, to_networkx


class UnschedulableError(ValueError):
    """A value depends on its own past and on its own future: no order of steps computes it."""


@dataclass(frozen=True)
class Loops:
    """``of`` maps a node id to the number of its loop; ``direction`` is +1 or -1 per loop."""

    of: dict[int, int]
    direction: tuple[int, ...]

    def same(self, a: Node, b: Node) -> bool:
        """True when both nodes belong to one loop."""
        return a.id in self.of and self.of[a.id] == self.of.get(b.id)


def find_loops(graph: Graph, roots: Iterable[Node]) -> Loops:
    """The loops of what ``roots`` need, in no particular order."""
    import networkx

    live = {node.id for node in graph.live(roots)}
    view = to_networkx(graph).subgraph(live)
    of: dict[int, int] = {}
    directions: list[int] = []
    for component in networkx.strongly_connected_components(view):
        if len(component) > 1 or any(view.has_edge(n, n) for n in component):
            of.update(dict.fromkeys(component, len(directions)))
            directions.append(_direction(graph, component))
    return Loops(of, tuple(directions))


def _direction(graph: Graph, component: set[int]) -> int:
    states = [graph.state_of(graph.nodes[n]) for n in component if graph.nodes[n].op == "state"]
    delays = {state.delay for state in states}
    if any(graph.nodes[n].op == "total" for n in component):
        names = ", ".join(sorted(state.name for state in states))
        raise UnschedulableError(f"{names} depend on a sum over their own future")
    if min(delays) < 0 < max(delays):
        names = ", ".join(sorted(state.name for state in states))
        raise UnschedulableError(f"{names} depend on each other's past and future at once")
    if delays - {1, -1}:
        raise UnschedulableError(f"delays of more than one step are not scheduled yet: {delays}")
    return 1 if max(delays) > 0 else -1
