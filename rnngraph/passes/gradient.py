"""Reverse-mode differentiation: the gradient is a graph of the same kind, with time reversed.

    before:  inputs x, contexts v, params W, states s (delay d)       -> outputs y
    after:   the same, and for every output y   a leaf    dout(y)      its cotangent
             for every state s                  a state   d(s), delay -d, whose leaf is the
                                                cotangent that the next step sends back
             for every wrt leaf w               an output d(w)

One joint graph holds forward and backward, so the scheduler sees what they share. A contribution
to a leaf that varies less than its user is a ``total``: a sum over time-steps and rows. Nothing
in the result is special, so it can be differentiated again (with another ``mark``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ..activity import DECLARE, active_nodes, check_names, differentiable
from ..graph import Graph, Node, spread
from ..ops import OPS
from ..rewrite import rebuild


def gradient(graph: Graph, wrt: Iterable[str] | None = None, mark: str = "d") -> Graph:
    """The joint graph of ``graph`` and its gradient.

    ``wrt`` names inputs, contexts and params (default: all real ones). Gradients are called
    ``d(name)`` and the outputs' cotangents ``dout(name)``, after ``mark``. The gradient of an
    initial state is the final value of the state ``d(s)``; its initial value is the cotangent of
    the final state.
    Raises ValueError for an unknown name, or a mark that the graph already uses.
    """
    joint = rebuild(graph)
    names = differentiable(joint) if wrt is None else list(wrt)
    check_names(joint, names, mark)
    active = active_nodes(joint, names)
    forward = joint.reachable()
    cotangents = _seed(joint, active, mark)
    for node in reversed(forward):
        if node.id in active and cotangents[node.id]:
            _propagate(node, _collect(cotangents, node), active, cotangents)
    _close(joint, names, cotangents, mark)
    return joint


def _seed(joint: Graph, active: set[int], mark: str) -> defaultdict[int, list[Node]]:
    cotangents: defaultdict[int, list[Node]] = defaultdict(list)
    outputs = dict(joint.outputs)
    for state in list(joint.states.values()):
        back = joint.state(f"{mark}({state.name})", state.leaf.shape, delay=-state.delay)
        if state.next is not None:
            cotangents[state.next.id].append(back)
    for name, node in outputs.items():
        if node.id in active:
            declare = getattr(joint, DECLARE[node.varies])
            cotangents[node.id].append(declare(f"{mark}out({name})", node.shape))
    return cotangents


def _collect(cotangents: dict[int, list[Node]], node: Node) -> Node:
    """The sum of all contributions to a node's cotangent."""
    total, *rest = cotangents[node.id]
    for part in rest:
        total = total + part
    cotangents[node.id] = [total]
    return total


def _propagate(
    y: Node, g: Node, active: set[int], cotangents: defaultdict[int, list[Node]]
) -> None:
    row = OPS[y.op]
    if row.elementwise:
        parts = [
            rule(g, y, *y.operands) if rule and x.id in active else None
            for rule, x in zip(row.derivative, y.operands, strict=True)
        ]
    elif row.vjp is not None:
        parts = list(row.vjp(g, y, *y.operands, **y.attrs))
    else:
        return
    for x, part in zip(y.operands, parts, strict=True):
        if part is not None and x.id in active:
            cotangents[x.id].append(gather_to(x, y, part))


def gather_to(x: Node, y: Node, part: Node) -> Node:
    """A contribution from user ``y`` summed down to what its operand ``x`` is."""
    if x.varies < y.varies:
        part = part.graph.apply("total", spread(part, y.varies), to=x.varies)
    if x.shape == () and part.shape != ():
        for _ in part.shape:
            part = part.graph.apply("sum", part, axis=0)
    return part


def _close(
    joint: Graph, names: Iterable[str], cotangents: defaultdict[int, list[Node]], mark: str
) -> None:
    for state in [s for s in joint.states.values() if not s.name.startswith(f"{mark}(")]:
        joint.advance(f"{mark}({state.name})", _final(joint, state.leaf, cotangents))
    for name in names:
        leaf = joint.leaves[name]
        joint.output(f"{mark}({name})", _final(joint, leaf, cotangents))


def _final(joint: Graph, leaf: Node, cotangents: defaultdict[int, list[Node]]) -> Node:
    found = _collect(cotangents, leaf) if cotangents[leaf.id] else joint.full(0.0, leaf.shape)
    return spread(found, leaf.varies)
