"""Hoisting: the part of a product that does not depend on its loop becomes a product of its own.

    before:  product(W, x, R, h)                 in the loop of h
    after:   product(product(W, x); R, h)        the inner one for all time-steps at once

Legal by the condensation alone; whether it pays is the caller's cost model's to say.
"""

from __future__ import annotations

from collections.abc import Callable

from ..components import find_loops
from ..graph import Graph, Node
from ..rewrite import begin, finish, translate

Pays = Callable[[Node, int], bool]


def hoist(graph: Graph, pays: Pays) -> Graph:
    """Split every product in a loop for which ``pays(product, number of outer terms)``."""
    loops = find_loops(graph, graph.roots())

    def rule(new: Graph, node: Node, operands: tuple[Node, ...]) -> Node | None:
        if node.op != "product" or node.attrs["start"] or node.id not in loops.of:
            return None
        outer = sum(not loops.same(x, node) for x in node.operands[1::2])
        if outer == 0 or 2 * outer == len(operands) or not pays(node, outer):
            return None
        before = new.apply("product", *operands[: 2 * outer], start=False)
        return new.apply("product", before, *operands[2 * outer :], start=True)

    new, mapping = begin(graph)
    translate(new, graph.roots(), mapping, rule)
    finish(graph, new, mapping)
    return new
