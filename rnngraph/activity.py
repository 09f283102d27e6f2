"""Activity analysis: which nodes a derivative has to visit, shared by both modes."""

from __future__ import annotations

from collections.abc import Iterable

from .graph import Graph, Varies

# the kind of leaf that can stand for the (co)tangent of a value, by how often it varies
DECLARE = {Varies.STEP: "input", Varies.ROW: "context", Varies.ONCE: "param"}


def differentiable(graph: Graph) -> list[str]:
    """Names of the real inputs, contexts and params."""
    leaves = {**graph.inputs, **graph.contexts, **graph.params}
    return [name for name, leaf in leaves.items() if leaf.dtype == "real"]


def check_names(graph: Graph, names: Iterable[str], mark: str) -> None:
    """Refuse names that cannot be differentiated to, and a mark that is taken."""
    known = differentiable(graph)
    for name in names:
        if name not in known:
            raise ValueError(f"cannot differentiate to '{name}'; choose from {', '.join(known)}")
    if any(name.startswith((f"{mark}(", f"{mark}out(")) for name in graph.leaves):
        raise ValueError(f"the graph already has derivatives marked '{mark}'; give another mark")


def active_nodes(graph: Graph, names: Iterable[str]) -> set[int]:
    """Ids of the nodes that depend, smoothly, on the named leaves or on any state."""
    leaves = graph.leaves
    active = {leaves[name].id for name in names}
    active |= {state.leaf.id for state in graph.states.values()}
    for node in graph.reachable():
        if node.dtype == "real" and any(x.id in active for x in node.operands):
            active.add(node.id)
    return active
