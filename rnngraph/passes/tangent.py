"""Forward-mode differentiation: tangents travel beside the values, in the same direction of time.

    before:  inputs x, params W, ..., states s        -> outputs y
    after:   the same, and leaves t(x), t(W), ..., states t(s)   -> outputs t(y)

Applied to a gradient graph it gives Hessian-vector products.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..activity import DECLARE, active_nodes, check_names, differentiable
from ..graph import Graph, Node, spread
from ..ops import OPS
from ..rewrite import rebuild

Tangents = dict[int, Node]


def tangent(graph: Graph, wrt: Iterable[str] | None = None, mark: str = "t") -> Graph:
    """The joint graph of ``graph`` and its directional derivative.

    ``wrt`` names inputs, contexts and params that get a tangent leaf ``t(name)`` (default: all
    real ones); every state ``s`` gets a state ``t(s)``, every output ``y`` an output ``t(y)``.
    Raises ValueError for an unknown name, or a mark that the graph already uses.
    """
    joint = rebuild(graph)
    names = differentiable(joint) if wrt is None else list(wrt)
    check_names(joint, names, mark)
    active, forward = active_nodes(joint, names), joint.reachable()
    states, outputs = list(joint.states.values()), dict(joint.outputs)
    tangents = _seed(joint, names, mark)
    for node in forward:
        if node.id in active and node.id not in tangents:
            made = _push(node, tangents)
            if made is not None:
                tangents[node.id] = made
    for state in states:
        assert state.next is not None
        joint.advance(f"{mark}({state.name})", _of(state.next, tangents))
    for name, node in outputs.items():
        if node.dtype == "real":
            joint.output(f"{mark}({name})", spread(_of(node, tangents), node.varies))
    return joint


def _seed(joint: Graph, names: list[str], mark: str) -> Tangents:
    tangents: Tangents = {}
    for name in names:
        leaf = joint.leaves[name]
        tangents[leaf.id] = getattr(joint, DECLARE[leaf.varies])(f"{mark}({name})", leaf.shape)
    for state in list(joint.states.values()):
        leaf = state.leaf
        init = f"{mark}({state.init})" if state.init in names else 0.0
        tangents[leaf.id] = joint.state(f"{mark}({state.name})", leaf.shape, init, state.delay)
    return tangents


def _of(node: Node, tangents: Tangents) -> Node:
    return tangents.get(node.id) or node.graph.full(0.0, node.shape)


def _push(y: Node, tangents: Tangents) -> Node | None:
    """The tangent of ``y`` from those of its operands, or None where it is zero."""
    row = OPS[y.op]
    given = [tangents.get(x.id) for x in y.operands]
    if all(t is None for t in given):
        return None
    if row.elementwise:
        return _push_elementwise(y, given)
    if row.jvp is not None:
        made: Node | None = row.jvp(given, y, *y.operands, **y.attrs)
        return made
    if row.linear is None:
        raise NotImplementedError(f"op '{y.op}' has no forward-mode rule")
    return _sum([_push_linear(y, i, given[i]) for i in row.linear])


def _push_linear(y: Node, place: int, t: Node | None) -> Node | None:
    """The product rule's part for one operand: the op itself with that operand's tangent."""
    if t is None:
        return None
    t = spread(t, y.operands[place].varies)
    return y.graph.apply(y.op, *(*y.operands[:place], t, *y.operands[place + 1 :]), **y.attrs)


def _push_elementwise(y: Node, given: list[Node | None]) -> Node | None:
    rules = OPS[y.op].derivative
    parts = [
        rule(t, y, *y.operands) if rule and t is not None else None
        for rule, t in zip(rules, given, strict=True)
    ]
    total = _sum(parts)
    if total is not None and total.shape != y.shape:
        total = y.graph.apply("expand", total, shape=y.shape, axes=())
    return total


def _sum(parts: list[Node | None]) -> Node | None:
    total = None
    for part in parts:
        if part is not None:
            total = part if total is None else total + part
    return total
