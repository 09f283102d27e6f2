"""One node of a step graph.

    Node ::= op, operands, attrs : dtype shape, varies

``varies`` says how often the value is computed: ONCE (parameters and what is made of them),
ROW (contexts: once per sequence of the batch) or STEP (once per time-step and row). A node never
varies less than its operands, but for ``total``, which sums over time-steps and rows.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .graph import Graph

Shape = tuple[Any, ...]


class Varies(IntEnum):
    """How often a value is computed."""

    ONCE = 0
    ROW = 1
    STEP = 2


class Node:
    """An interned node; equal expressions of one graph are the same object.

    Arithmetic operators build further nodes in the same graph; numbers become constants.
    """

    __slots__ = ("attrs", "dtype", "graph", "id", "op", "operands", "shape", "varies")

    def __init__(
        self,
        graph: Graph,
        number: int,
        op: str,
        operands: tuple[Node, ...],
        attrs: dict[str, Any],
        shape: Shape,
        dtype: str,
        varies: Varies,
    ) -> None:
        self.graph, self.id, self.op, self.operands = graph, number, op, operands
        self.attrs, self.shape, self.dtype, self.varies = attrs, shape, dtype, varies

    def __repr__(self) -> str:
        return f"<%{self.id} {self.op} {list(self.shape)} {self.varies.name.lower()}>"

    def _binary(self, op: str, other: Any, swap: bool = False) -> Node:
        other = other if isinstance(other, Node) else self.graph.constant(other)
        return self.graph.apply(op, *((other, self) if swap else (self, other)))

    def __add__(self, other: Any) -> Node:
        return self._binary("add", other)

    def __radd__(self, other: Any) -> Node:
        return self._binary("add", other, swap=True)

    def __sub__(self, other: Any) -> Node:
        return self._binary("sub", other)

    def __rsub__(self, other: Any) -> Node:
        return self._binary("sub", other, swap=True)

    def __mul__(self, other: Any) -> Node:
        return self._binary("mul", other)

    def __rmul__(self, other: Any) -> Node:
        return self._binary("mul", other, swap=True)

    def __truediv__(self, other: Any) -> Node:
        return self._binary("div", other)

    def __rtruediv__(self, other: Any) -> Node:
        return self._binary("div", other, swap=True)

    def __pow__(self, other: Any) -> Node:
        return self._binary("pow", other)

    def __rpow__(self, other: Any) -> Node:
        return self._binary("pow", other, swap=True)

    def __matmul__(self, other: Node) -> Node:
        return self._binary("matmul", other)

    def __neg__(self) -> Node:
        return self.graph.apply("neg", self)
