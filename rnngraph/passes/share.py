"""Sharing: a value that is needed whole is not computed again for its parts.

    before:  layer_norm(W @ h), W[0:H] @ h        after:  layer_norm(z), z[0:H]   with z = W @ h

Simplification moves slices into products and elementwise work, which is right where only the
slices are used (gates of a stacked weight). Where something also reads the whole, this undoes
it; not a bit changes.
"""

from __future__ import annotations

from ..graph import Graph, Node
from ..ops import OPS
from ..rewrite import rebuild


def share(graph: Graph) -> Graph:
    """The graph with parts of values that are live as a whole read from the whole."""
    live = graph.live(graph.roots())
    wholes = {(n.operands[0].id, n.operands[1].id) for n in live if n.op == "matmul"}

    def rule(new: Graph, node: Node, operands: tuple[Node, ...]) -> Node | None:
        if node.op == "matmul" and _is_slice(node.operands[0], 0):
            part, vector = node.operands
            if (part.operands[0].id, vector.id) in wholes:
                whole = new.apply("matmul", operands[0].operands[0], operands[1])
                return new.apply("slice", whole, **part.attrs)
        return _of_whole(new, node, operands) if OPS[node.op].elementwise else None

    return rebuild(graph, rule)


def _is_slice(node: Node, axis: int) -> bool:
    return node.op == "slice" and node.attrs["axis"] == axis


def _of_whole(new: Graph, node: Node, operands: tuple[Node, ...]) -> Node | None:
    """Elementwise work on equal slices, when the same work on the wholes is there already."""
    sliced = [x for x in operands if x.shape != ()]
    if not sliced or any(x.op != "slice" or x.attrs != sliced[0].attrs for x in sliced):
        return None
    wholes = [x if x.shape == () else x.operands[0] for x in operands]
    whole = new.find(node.op, *wholes, **node.attrs)
    return None if whole is None else new.apply("slice", whole, **sliced[0].attrs)
