"""Local algebra, bottom up: every node is built through the rules for its op.

A rule is ``(make, node operands, attrs) -> node | None``; ``make`` applies the rules again to what
a rule builds, so one walk over the graph reaches the normal form:

* slices sit on leaves and on products' weights, not on elementwise work;
* a product with a joined vector is a sum of products with its pieces (``W @ [h, x]``);
* a sum of padded pieces is the joined pieces (the gradient of ``split``);
* what adds up to nothing but for rounding is not added (the gradient of a norm).

No rule changes a value, but for the order in which a sum is taken.
"""

from __future__ import annotations

from typing import Any

from ...graph import Graph, Node, spread
from ...rewrite import rebuild
from . import arithmetic, joining, slicing, sums

TABLES = (arithmetic.RULES, slicing.RULES, joining.RULES, sums.RULES)


def simplify(graph: Graph) -> Graph:
    """The graph in normal form; values, names and interface stay as they were."""
    interface = {node.id for node in graph.roots()}

    def rule(new: Graph, node: Node, operands: tuple[Node, ...]) -> Node:
        if node.op == "total":  # what is summed must not come to vary less than it did
            operands = (spread(operands[0], node.operands[0].varies),)
        made = build(new, node.op, *operands, **node.attrs)
        return spread(made, node.varies) if node.id in interface else made

    return rebuild(graph, rule)


def build(graph: Graph, op: str, *operands: Node, **attrs: Any) -> Node:
    """``graph.apply`` through the rules."""

    def make(op: str, *operands: Node, **attrs: Any) -> Node:
        return build(graph, op, *operands, **attrs)

    for rules in TABLES:
        for rule in rules.get(op, ()):
            made = rule(make, *operands, **attrs)
            if made is not None:
                return made
    return graph.apply(op, *operands, **attrs)
