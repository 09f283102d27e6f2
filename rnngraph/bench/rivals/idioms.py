"""What frameworks have one call for, found in a step graph by its form.

    k * a + (1 - k) * b                              lerp(b, a, k)
    (a - mean(a)) * rsqrt(var(a) + eps)              layer_norm(a)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...graph import Node


@dataclass(frozen=True)
class Idiom:
    """A call that stands for a node."""

    op: str
    operands: tuple[Node, ...]
    attrs: dict[str, Any] = field(default_factory=dict)


def interpolation(node: Node) -> Idiom | None:
    """``lerp`` where the node is the sum of two shares that make one."""
    if node.op != "add" or any(x.op != "mul" for x in node.operands):
        return None
    for kept, other in (node.operands, node.operands[::-1]):
        for share, a in (kept.operands, kept.operands[::-1]):
            for rest, b in (other.operands, other.operands[::-1]):
                alike = share.shape == a.shape == b.shape == node.shape
                if alike and rest.op == "sub" and _is(rest.operands[0], 1.0) \
                        and rest.operands[1] is share:  # fmt: skip
                    return Idiom("lerp", (b, a, share))
    return None


def normalised(node: Node) -> Idiom | None:
    """``layer_norm``, without gain and bias, of a vector."""
    if node.op != "mul" or len(node.shape) != 1:
        return None
    for centred, scale in (node.operands, node.operands[::-1]):
        source, eps = _centred(centred), _deviation(scale, centred)
        if source is not None and eps is not None:
            return Idiom("layer_norm", (source,), {"eps": eps})
    return None


def _centred(node: Node) -> Node | None:
    if node.op != "sub":
        return None
    source, mean = node.operands
    return source if _mean(_narrow(mean)) is source else None


def _deviation(node: Node, centred: Node) -> float | None:
    node = _narrow(node)
    if node.op != "rsqrt" or node.operands[0].op != "add":
        return None
    for variance, eps in _both(node.operands[0]):
        squares = _mean(variance)
        if eps.op == "constant" and squares is not None and _is_square(squares, centred):
            return float(eps.attrs["value"])
    return None


def _mean(node: Node) -> Node | None:
    """``a`` where the node is ``sum(a) / size(a)``."""
    if node.op != "div" or node.operands[0].op != "sum":
        return None
    source = node.operands[0].operands[0]
    return source if _is(node.operands[1], float(source.shape[0])) else None


def _is_square(node: Node, base: Node) -> bool:
    if node.op == "mul":
        return node.operands == (base, base)
    return node.op == "pow" and node.operands[0] is base and _is(node.operands[1], 2.0)


def _narrow(node: Node) -> Node:
    return node.operands[0] if node.op == "expand" else node


def _both(node: Node) -> Iterator[tuple[Node, Node]]:
    a, b = node.operands
    yield a, b
    yield b, a


def _is(node: Node, value: float) -> bool:
    return node.op == "constant" and node.attrs["value"] == value
