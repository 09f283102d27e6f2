"""Stilling: every noise is its mean, as outside of training.

    before:  noise m ~ bernoulli(0.9) each step,  m * h        after:  0.9 * h
"""

from __future__ import annotations

from ..graph import Graph, Node, spread
from ..rewrite import begin, finish, rebuild, translate


def still(graph: Graph) -> Graph:
    """The graph without noise; what is computed varies from step to step as before."""
    held = {node.id for node in graph.roots()}
    held |= {node.operands[0].id for node in graph.reachable() if node.op == "total"}
    new, mapping = begin(graph)
    for noise in graph.noises.values():
        mean = new.constant(noise.mean, noise.leaf.shape)
        keeps = noise.leaf.id in held
        mapping[noise.leaf.id] = spread(mean, noise.leaf.varies) if keeps else mean

    def rule(new: Graph, node: Node, operands: tuple[Node, ...]) -> Node:
        made = new.apply(node.op, *operands, **node.attrs)
        return spread(made, node.varies) if node.id in held else made

    translate(new, graph.roots(), mapping, rule)
    finish(graph, new, mapping)
    new.noises.clear()
    return rebuild(new)  # without the leaves
