"""Rules that move slices down to leaves and weights, so that gates of a stacked product
(``split(W @ x + b, 4)``) become products of their own over views of the stacked weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph import Node
from ...ops import OPS
from .arithmetic import Make


def _slice(make: Make, x: Node, axis: int, start: Any, stop: Any) -> Node | None:
    if start == 0 and stop == x.shape[axis]:
        return x
    if OPS[x.op].elementwise:
        return _of_elementwise(make, x, axis, start, stop)
    rule = INTO.get(x.op)
    return rule(make, x, axis, start, stop) if rule else None


def _of_elementwise(make: Make, x: Node, axis: int, start: Any, stop: Any) -> Node:
    parts = [
        p if p.shape == () else make("slice", p, axis=axis, start=start, stop=stop)
        for p in x.operands
    ]
    return make(x.op, *parts, **x.attrs)


def _of_slice(make: Make, x: Node, axis: int, start: Any, stop: Any) -> Node | None:
    if x.attrs["axis"] != axis:
        return None
    first = x.attrs["start"]
    return make("slice", x.operands[0], axis=axis, start=first + start, stop=first + stop)


def _of_constant(make: Make, x: Node, axis: int, start: Any, stop: Any) -> Node:
    shape = (*x.shape[:axis], stop - start, *x.shape[axis + 1 :])
    return make("constant", value=x.attrs["value"], shape=shape)


def _of_concat(make: Make, x: Node, axis: int, start: Any, stop: Any) -> Node | None:
    if x.attrs["axis"] != axis:
        parts = [make("slice", p, axis=axis, start=start, stop=stop) for p in x.operands]
        return make("concat", *parts, **x.attrs)
    sizes = [p.shape[axis] for p in x.operands]
    if not all(isinstance(v, int) for v in (start, stop, *sizes)):
        return _aligned_piece(x, axis, start, stop)
    parts, begin = [], 0
    for p, size in zip(x.operands, sizes, strict=True):
        low, high = max(start - begin, 0), min(stop - begin, size)
        if low < high:
            parts.append(make("slice", p, axis=axis, start=low, stop=high))
        begin += size
    return parts[0] if len(parts) == 1 else make("concat", *parts, axis=axis)


def _aligned_piece(x: Node, axis: int, start: Any, stop: Any) -> Node | None:
    """With symbolic sizes only a slice that is exactly one piece can be told."""
    begin: Any = 0
    for p in x.operands:
        if begin == start and begin + p.shape[axis] == stop:
            return p
        begin = begin + p.shape[axis]
    return None


def _of_matmul(make: Make, x: Node, axis: int, start: Any, stop: Any) -> Node:
    a, b = x.operands
    if axis == 0:
        return make("matmul", make("slice", a, axis=0, start=start, stop=stop), b)
    return make("matmul", a, make("slice", b, axis=1, start=start, stop=stop))


def _of_outer(make: Make, x: Node, axis: int, start: Any, stop: Any) -> Node:
    parts = list(x.operands)
    parts[axis] = make("slice", parts[axis], axis=0, start=start, stop=stop)
    return make("outer", *parts)


def _of_gather(make: Make, x: Node, axis: int, start: Any, stop: Any) -> Node:
    table, index = x.operands
    return make("gather", make("slice", table, axis=axis + 1, start=start, stop=stop), index)


def _of_transpose(make: Make, x: Node, axis: int, start: Any, stop: Any) -> Node:
    inner = turned(axis, len(x.shape))
    return make("transpose", make("slice", x.operands[0], axis=inner, start=start, stop=stop))


def turned(axis: int, rank: int) -> int:
    """Where an axis lies before (or after) the last two are swapped."""
    return axis if axis < rank - 2 else 2 * rank - 3 - axis


def _of_expand(make: Make, x: Node, axis: int, start: Any, stop: Any) -> Node:
    shape = (*x.shape[:axis], stop - start, *x.shape[axis + 1 :])
    axes, operand = x.attrs["axes"], x.operands[0]
    if axis in axes:
        operand = make("slice", operand, axis=axes.index(axis), start=start, stop=stop)
    return make("expand", operand, shape=shape, axes=axes)


INTO: dict[str, Callable[..., Node | None]] = {
    "slice": _of_slice,
    "constant": _of_constant,
    "concat": _of_concat,
    "matmul": _of_matmul,
    "outer": _of_outer,
    "gather": _of_gather,
    "transpose": _of_transpose,
    "expand": _of_expand,
}
RULES: dict[str, list[Callable[..., Node | None]]] = {"slice": [_slice]}
