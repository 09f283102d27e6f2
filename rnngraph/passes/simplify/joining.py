"""Rules for joined values: products over their pieces, and sums of padded pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph import Node, Varies
from .arithmetic import Make
from .slicing import turned


def _concat(make: Make, *xs: Node, axis: int) -> Node | None:
    if len(xs) == 1:
        return xs[0]
    flat: list[Node] = []
    for x in xs:
        nested = x.op == "concat" and x.attrs["axis"] == axis
        flat.extend(x.operands if nested else (x,))
    merged = _merge(make, [x for x in flat if x.shape[axis] != 0] or flat[:1], axis)
    return make("concat", *merged, axis=axis) if len(merged) != len(xs) else None


def _merge(make: Make, xs: list[Node], axis: int) -> list[Node]:
    """Adjacent slices of one value, and adjacent fillings by one number, become one piece."""
    merged = [xs[0]]
    for x in xs[1:]:
        joined = _adjoin(make, merged[-1], x, axis)
        merged[-1:] = [joined] if joined is not None else [merged[-1], x]
    return merged


def _adjoin(make: Make, a: Node, b: Node, axis: int) -> Node | None:
    if a.op == b.op == "constant" and a.attrs["value"] == b.attrs["value"]:
        shape = (*a.shape[:axis], a.shape[axis] + b.shape[axis], *a.shape[axis + 1 :])
        return make("constant", value=a.attrs["value"], shape=shape)
    if a.op != "slice" or b.op != "slice" or a.operands != b.operands:
        return None
    if a.attrs["axis"] != axis or b.attrs["axis"] != axis or a.attrs["stop"] != b.attrs["start"]:
        return None
    start, stop = a.attrs["start"], b.attrs["stop"]
    return make("slice", a.operands[0], axis=axis, start=start, stop=stop)


def _is_zero(x: Node) -> bool:
    return x.op == "constant" and x.attrs["value"] == 0.0


def _matmul(make: Make, a: Node, b: Node) -> Node | None:
    if _is_zero(a) or _is_zero(b):
        return make("constant", value=0.0, shape=(a.shape[0], *b.shape[1:]))
    if b.op == "concat" and b.attrs["axis"] == 0:
        return _product_over_pieces(make, a, b)
    if a.op == "concat" and a.attrs["axis"] == 1:
        return _product_over_columns(make, a, b)
    if a.op == "concat" and a.varies is Varies.ONCE:
        return make("concat", *(make("matmul", p, b) for p in a.operands), axis=0)
    return None


def _product_over_pieces(make: Make, a: Node, b: Node) -> Node:
    total, start = None, 0
    for piece in b.operands:
        stop = start + piece.shape[0]
        part = make("matmul", make("slice", a, axis=1, start=start, stop=stop), piece)
        total = part if total is None else make("add", total, part)
        start = stop
    assert total is not None
    return total


def _product_over_columns(make: Make, a: Node, b: Node) -> Node:
    total, start = None, 0
    for piece in a.operands:
        stop = start + piece.shape[1]
        part = make("matmul", piece, make("slice", b, axis=0, start=start, stop=stop))
        total = part if total is None else make("add", total, part)
        start = stop
    assert total is not None
    return total


def _outer(make: Make, a: Node, b: Node) -> Node | None:
    if _is_zero(a) or _is_zero(b):
        return make("constant", value=0.0, shape=(*a.shape, *b.shape))
    if a.op == "concat":
        return make("concat", *(make("outer", p, b) for p in a.operands), axis=0)
    if b.op == "concat":
        return make("concat", *(make("outer", a, p) for p in b.operands), axis=1)
    return None


def _transpose(make: Make, x: Node) -> Node | None:
    if x.op != "concat":
        return None
    axis = turned(x.attrs["axis"], len(x.shape))
    return make("concat", *(make("transpose", p) for p in x.operands), axis=axis)


def _has_zeros(x: Node) -> bool:
    return any(_is_zero(p) for p in x.operands)


def _add(make: Make, a: Node, b: Node) -> Node | None:
    """``[a, 0] + [0, b]`` is ``[a, b]``: pieces are added where their borders meet."""
    if not (a.op == b.op == "concat" and a.attrs["axis"] == b.attrs["axis"]):
        return None
    if not (_has_zeros(a) or _has_zeros(b)):
        return None
    axis = a.attrs["axis"]
    borders = sorted({*_borders(a, axis), *_borders(b, axis)} if _concrete(a, b, axis) else ())
    if not borders:
        return None
    parts = []
    for start, stop in zip([0, *borders], borders, strict=False):
        cut = {"axis": axis, "start": start, "stop": stop}
        parts.append(make("add", make("slice", a, **cut), make("slice", b, **cut)))
    return make("concat", *parts, axis=axis)


def _concrete(a: Node, b: Node, axis: int) -> bool:
    return all(isinstance(p.shape[axis], int) for p in (*a.operands, *b.operands))


def _borders(x: Node, axis: int) -> list[Any]:
    ends, end = [], 0
    for p in x.operands:
        end = end + p.shape[axis]
        ends.append(end)
    return ends


RULES: dict[str, list[Callable[..., Node | None]]] = {
    "concat": [_concat],
    "matmul": [_matmul],
    "outer": [_outer],
    "transpose": [_transpose],
    "add": [_add],
}
