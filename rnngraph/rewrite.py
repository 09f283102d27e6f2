"""The rewrite driver: a new graph from an old one, node by node, its interface carried along.

    rule : (new graph, old node, new operands) -> new node | None (rebuild it as it was)

Every pass is written with it; a pass never changes a graph in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .graph import Graph, Node

Rule = Callable[[Graph, Node, tuple[Node, ...]], Node | None]
NAMED_LEAVES = ("input", "context", "param", "noise", "state")


def rebuild(graph: Graph, rule: Rule | None = None, keep_names: bool = True) -> Graph:
    """A new graph in which every node needed by the interface went through ``rule``."""
    new, mapping = begin(graph)
    translate(new, graph.roots() if keep_names else _needed(graph), mapping, rule)
    finish(graph, new, mapping, keep_names)
    return new


def _needed(graph: Graph) -> list[Node]:
    return graph.live(graph.outputs.values())


def begin(graph: Graph) -> tuple[Graph, dict[int, Node]]:
    """A new graph with the leaves of ``graph``, and the mapping from old ids to new nodes."""
    new = Graph(graph.title, graph.doc, graph.source, graph.family)
    mapping: dict[int, Node] = {}
    for name, node in graph.inputs.items():
        mapping[node.id] = new.input(name, node.shape, node.dtype)
    for name, node in graph.contexts.items():
        mapping[node.id] = new.context(name, node.shape, node.dtype)
    for name, node in graph.params.items():
        mapping[node.id] = new.param(name, node.shape, graph.inits[name])
    for name, noise in graph.noises.items():
        leaf = noise.leaf
        mapping[leaf.id] = new.noise(name, leaf.shape, noise.law, leaf.varies)
    for state in graph.states.values():
        leaf = new.state(state.name, state.leaf.shape, state.init, state.delay, state.line)
        mapping[state.leaf.id] = leaf
    return new, mapping


def translate(
    new: Graph, roots: Iterable[Node], mapping: dict[int, Node], rule: Rule | None = None
) -> None:
    """Add to ``new`` what ``roots`` need, through ``rule``, filling ``mapping``."""
    roots = list(roots)
    if not roots:
        return
    for node in roots[0].graph.reachable(roots):
        if node.id in mapping:
            continue
        operands = tuple(mapping[x.id] for x in node.operands)
        made = rule(new, node, operands) if rule else None
        mapping[node.id] = new.apply(node.op, *operands, **node.attrs) if made is None else made


def finish(graph: Graph, new: Graph, mapping: dict[int, Node], keep_names: bool = True) -> None:
    """Carry states' next values, outputs and names over to the new graph."""
    for state in graph.states.values():
        if state.next is not None and state.next.id in mapping:
            new.advance(state.name, mapping[state.next.id], state.label)
    for name, node in graph.outputs.items():
        new.output(name, mapping[node.id])
    new.hints |= {name: mapping[n.id] for name, n in graph.hints.items() if n.id in mapping}
    if keep_names:
        for name, named in graph.names.items():
            new.name(name, mapping[named.node.id], named.label)


def free_name(graph: Graph, name: str, gap: str = "") -> str:
    """The name, with a number behind it (after ``gap``) where a value has it already."""
    names = [name, *(f"{name}{gap}{n}" for n in range(2, len(graph.names) + 3))]
    return next(n for n in names if n not in graph.names)
