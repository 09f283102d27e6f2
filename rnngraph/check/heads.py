"""Products per head: leading axes count heads, and the rest of every head is multiplied alone.

    [N, V, K] @ [N, K]      matrix and vector of every head      [N, V]
    [N, V] @ [N, V, K]      vector and matrix of every head      [N, K]
    [N, V, K] @ [N, K, M]   matrix and matrix of every head      [N, V, M]
    [N, V, K] @ [K]         matrix of every head and one vector  [N, V]
    outer([N, V], [N, K])   vector and vector of every head      [N, V, K]

Weights become one product for each head, so that they are multiplied (and their gradients taken)
as matrices; values that differ from row to row are summed over an expanded index.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from ..graph import Varies
from ..ops import ShapeError
from ..syntax.tree import Expr

if TYPE_CHECKING:
    from .evaluate import Evaluator

MAX_HEADS = 64


def product(ev: Evaluator, parts: Sequence[Expr], left: Any, right: Any) -> Any:
    """``left @ right`` where one of them has more than two axes."""
    if len(left.shape) + 1 == len(right.shape):
        turned = ev.apply("transpose", parts[1:], [right])
        return product(ev, [parts[1], parts[0]], turned, left)
    heads = len(left.shape) - 2
    if len(right.shape) == 1 and heads > 0:
        return _of_one_vector(ev, parts, left, right)
    if heads < 0 or len(right.shape) - heads not in (1, 2):
        raise ev.mismatch("the two sides of '@' do not have the same heads", parts, [left, right])
    fits = [*zip(left.shape[:heads], right.shape[:heads], strict=True),
            (left.shape[-1], right.shape[heads])]  # fmt: skip
    _equal(ev, "sizes do not match in '@'", fits, parts, [left, right])
    if _are_weights(left, heads):
        return _one_by_one(ev.build, left, right, heads)
    return _summed(ev.build, left, right, heads)


def _of_one_vector(ev: Evaluator, parts: Sequence[Expr], left: Any, right: Any) -> Any:
    _equal(ev, "sizes do not match in '@'", [(left.shape[-1], right.shape[0])], parts,
           [left, right])  # fmt: skip
    count: Any = 1
    for dim in left.shape[:-1]:
        count = count * dim
    flat = ev.build.apply("reshape", left, shape=(count, left.shape[-1]))
    made = ev.build.apply("matmul", flat, right)
    return ev.build.apply("reshape", made, shape=left.shape[:-1])


def outer(ev: Evaluator, parts: Sequence[Expr], left: Any, right: Any) -> Any:
    """``outer(left, right)`` of matrices that hold a vector for each head."""
    heads = len(left.shape) - 1
    if len(right.shape) != len(left.shape):
        text = "the two sides of 'outer' do not have the same heads"
        raise ev.mismatch(text, parts, [left, right])
    fits = list(zip(left.shape[:heads], right.shape[:heads], strict=True))
    _equal(ev, "sizes do not match in 'outer'", fits, parts, [left, right])
    shape, lead = (*left.shape, right.shape[-1]), tuple(range(heads))
    a = ev.build.apply("expand", left, shape=shape, axes=(*lead, heads))
    b = ev.build.apply("expand", right, shape=shape, axes=(*lead, heads + 1))
    return ev.build.apply("mul", a, b)


def _equal(ev: Evaluator, text: str, pairs: Sequence[tuple[Any, Any]], parts: Sequence[Expr],
           values: Sequence[Any]) -> None:  # fmt: skip
    for a, b in pairs:
        try:
            ev.equate(a, b)
        except ShapeError:
            raise ev.mismatch(text, parts, values) from None
        if a != b and ev.strict:
            raise ev.mismatch(text, parts, values)


def _are_weights(left: Any, heads: int) -> bool:
    lead = left.shape[:heads]
    known = all(isinstance(dim, int) for dim in lead) and prod(lead) <= MAX_HEADS
    return known and getattr(left, "varies", None) is Varies.ONCE


def _one_by_one(build: Any, left: Any, right: Any, heads: int) -> Any:
    """A product of two axes for each head, joined."""
    lead = left.shape[:heads]
    count = prod(lead)
    a, b = (_flat(build, x, heads, count) for x in (left, right))
    made = [build.apply("matmul", _head(build, a, n), _head(build, b, n)) for n in range(count)]
    shape = (*lead, left.shape[-2], *right.shape[heads + 1 :])
    return build.apply("reshape", build.apply("concat", *made, axis=0), shape=shape)


def _flat(build: Any, x: Any, heads: int, count: int) -> Any:
    return build.apply("reshape", x, shape=(count, *x.shape[heads:]))


def _head(build: Any, x: Any, n: int) -> Any:
    cut = build.apply("slice", x, axis=0, start=n, stop=n + 1)
    return build.apply("reshape", cut, shape=x.shape[1:])


def _summed(build: Any, left: Any, right: Any, heads: int) -> Any:
    lead, rest = tuple(range(heads)), right.shape[heads + 1 :]
    shape = (*left.shape, *rest)
    a = build.apply("expand", left, shape=shape, axes=(*lead, heads, heads + 1))
    axes = (*lead, *range(heads + 1, len(shape)))
    b = build.apply("expand", right, shape=shape, axes=axes)
    return build.apply("sum", build.apply("mul", a, b), axis=heads + 1)

