"""Leaves and structural ops: the scheduler's vocabulary.

Every reference meaning works on arrays with one leading row axis in front of the op's own shape:
a ``[H]`` value arrives as ``[B, H]`` (or ``[1, H]`` where it does not vary from row to row).
Shapes may hold symbolic sizes, so rules use only ``==`` and size arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .row import Op, ShapeError, show_shape

Shape = tuple[Any, ...]


def _rank(shape: Shape, rank: int, what: str, operand: int) -> None:
    if len(shape) != rank:
        kind = {0: "a scalar", 1: "a vector", 2: "a matrix"}[rank]
        raise ShapeError(f"{what} must be {kind}, this is {show_shape(shape)}", (operand,))


def _axis(shape: Shape, axis: int, what: str) -> None:
    if not 0 <= axis < len(shape):
        raise ShapeError(f"{what} has no axis {axis}: its shape is {show_shape(shape)}", (0,))


# --- shape rules ---------------------------------------------------------------------------


def _leaf_shape(shape: Shape = (), **attrs: Any) -> Shape:
    return tuple(shape)


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    _rank(a, 2, "the left of '@'", 0)
    if len(b) not in (1, 2):
        raise ShapeError(
            f"the right of '@' must be a vector or a matrix, this is {show_shape(b)}", (1,)
        )
    if a[1] != b[0]:
        raise ShapeError(
            f"sizes do not match in '@': {show_shape(a)} @ {show_shape(b)}", (0, 1)
        )
    return (a[0], *b[1:])


def _outer_shape(a: Shape, b: Shape) -> Shape:
    _rank(a, 1, "the left of 'outer'", 0)
    _rank(b, 1, "the right of 'outer'", 1)
    return (*a, *b)


def _transpose_shape(a: Shape) -> Shape:
    if len(a) < 2:
        _rank(a, 2, "the operand of 'transpose'", 0)
    return (*a[:-2], a[-1], a[-2])


def _count(shape: Shape) -> Any:
    total: Any = 1
    for dim in shape:
        total = total * dim
    return total


def _reshape_shape(a: Shape, *, shape: Shape) -> Shape:
    if _count(a) != _count(shape):
        raise ShapeError(
            f"{show_shape(a)} cannot be reshaped to {show_shape(shape)}: "
            f"{_count(a)} elements against {_count(shape)}",
            (0,),
        )
    return tuple(shape)


def _expand_shape(a: Shape, *, shape: Shape, axes: Sequence[int]) -> Shape:
    if len(axes) != len(a) or any(shape[axis] != dim for axis, dim in zip(axes, a, strict=True)):
        wanted = show_shape(tuple(shape[axis] for axis in axes))
        raise ShapeError(
            f"{show_shape(a)} cannot be expanded to {show_shape(shape)}: along these axes "
            f"that takes {wanted}", (0,),
        )  # fmt: skip
    return tuple(shape)


def _slice_shape(a: Shape, *, axis: int, start: Any, stop: Any) -> Shape:
    _axis(a, axis, "the sliced value")
    known = all(isinstance(v, int) for v in (start, stop, a[axis]))
    if known and not 0 <= start <= stop <= a[axis]:
        raise ShapeError(f"slice {start}:{stop} reaches outside {show_shape(a)}", (0,))
    return (*a[:axis], stop - start, *a[axis + 1 :])


def _concat_shape(*shapes: Shape, axis: int) -> Shape:
    _axis(shapes[0], axis, "a joined value")
    total: Any = 0
    for i, shape in enumerate(shapes):
        same = len(shape) == len(shapes[0]) and all(
            a == b for k, (a, b) in enumerate(zip(shapes[0], shape, strict=True)) if k != axis
        )
        if not same:
            raise ShapeError(
                f"{show_shape(shape)} cannot be joined to {show_shape(shapes[0])}", (0, i)
            )
        total = total + shape[axis]
    return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])


def _reduce_shape(a: Shape, *, axis: int) -> Shape:
    _axis(a, axis, "the reduced value")
    return a[:axis] + a[axis + 1 :]


def _gather_shape(table: Shape, index: Shape) -> Shape:
    if not table:
        raise ShapeError("a scalar cannot be indexed", (0,))
    _rank(index, 0, "an index", 1)
    return table[1:]


def _scatter_shape(value: Shape, index: Shape, *, size: Any) -> Shape:
    _rank(index, 0, "an index", 1)
    return (size, *value)


def _same(a: Shape, **attrs: Any) -> Shape:
    return a


def _product_shape(*shapes: Shape, start: bool) -> Shape:
    first = 1 if start else 0
    for i in range(first, len(shapes), 2):
        if _matmul_shape(shapes[i], shapes[i + 1]) != shapes[first][:1]:
            raise ShapeError(f"{show_shape(shapes[i])} differs from the product's rows", (i,))
    return shapes[first][:1]


# --- reference meanings (one leading row axis) ---------------------------------------------


def _rows(*arrays: Any) -> int:
    """The number of rows that operands have together (also where it is 0)."""
    return int(np.broadcast_shapes(*(a.shape[:1] for a in arrays))[0])


def _np_matmul(a: Any, b: Any) -> Any:
    return np.matmul(a, b) if b.ndim == 3 else np.matmul(a, b[..., None])[..., 0]


def _np_product(*arrays: Any, start: bool) -> Any:
    total = arrays[0] if start else 0
    pairs = arrays[1:] if start else arrays
    for a, b in zip(pairs[::2], pairs[1::2], strict=True):
        total = total + _np_matmul(a, b)
    return total


def _np_expand(a: Any, *, shape: Shape, axes: Sequence[int]) -> Any:
    full = [1] * len(shape)
    for axis, dim in zip(axes, a.shape[1:], strict=True):
        full[axis] = dim
    return np.broadcast_to(a.reshape(a.shape[0], *full), (a.shape[0], *shape))


def _np_concat(*arrays: Any, axis: int) -> Any:
    rows = _rows(*arrays)
    return np.concatenate(
        [np.broadcast_to(a, (rows, *a.shape[1:])) for a in arrays], axis=axis + 1
    )


def _np_slice(a: Any, *, axis: int, start: int, stop: int) -> Any:
    return a[(slice(None),) * (axis + 1) + (slice(start, stop),)]


def _np_gather(table: Any, index: Any) -> Any:
    rows = _rows(table, index)
    table = np.broadcast_to(table, (rows, *table.shape[1:]))
    return table[np.arange(rows), np.broadcast_to(index, (rows,))]


def _np_scatter(value: Any, index: Any, *, size: int) -> Any:
    rows = _rows(value, index)
    out = np.zeros((rows, size, *value.shape[1:]), value.dtype)
    out[np.arange(rows), np.broadcast_to(index, (rows,))] = value
    return out


# --- cotangents ----------------------------------------------------------------------------


def _transpose(a: Any) -> Any:
    return a.graph.apply("transpose", a)


def _matmul_vjp(g: Any, y: Any, a: Any, b: Any) -> list[Any]:
    apply = y.graph.apply
    if len(b.shape) == 1:
        return [apply("outer", g, b), apply("matmul", _transpose(a), g)]
    return [apply("matmul", g, _transpose(b)), apply("matmul", _transpose(a), g)]


def _outer_vjp(g: Any, y: Any, a: Any, b: Any) -> list[Any]:
    apply = y.graph.apply
    return [apply("matmul", g, b), apply("matmul", _transpose(g), a)]


def _expand_vjp(g: Any, y: Any, a: Any, *, shape: Shape, axes: Sequence[int]) -> list[Any]:
    for axis in reversed(range(len(shape))):
        if axis not in axes:
            g = g.graph.apply("sum", g, axis=axis)
    return [g]


def _slice_vjp(g: Any, y: Any, a: Any, *, axis: int, start: Any, stop: Any) -> list[Any]:
    def zeros(length: Any) -> list[Any]:
        if length == 0:
            return []
        return [g.graph.full(0.0, (*a.shape[:axis], length, *a.shape[axis + 1 :]))]

    pieces = [*zeros(start), g, *zeros(a.shape[axis] - stop)]
    return [pieces[0] if len(pieces) == 1 else g.graph.apply("concat", *pieces, axis=axis)]


def _concat_vjp(g: Any, y: Any, *xs: Any, axis: int) -> list[Any]:
    parts, start = [], 0
    for x in xs:
        stop = start + x.shape[axis]
        parts.append(g.graph.apply("slice", g, axis=axis, start=start, stop=stop))
        start = stop
    return parts


def _spread_over(g: Any, a: Any, axis: int) -> Any:
    """A reduced value put back along the reduced axis."""
    axes = tuple(i for i in range(len(a.shape)) if i != axis)
    return g.graph.apply("expand", g, shape=a.shape, axes=axes)


def _concat_jvp(tangents: Sequence[Any], y: Any, *xs: Any, axis: int) -> Any:
    full = y.graph.full
    parts = [full(0.0, x.shape) if t is None else t for t, x in zip(tangents, xs, strict=True)]
    return y.graph.apply("concat", *parts, axis=axis)


def _sum_vjp(g: Any, y: Any, a: Any, *, axis: int) -> list[Any]:
    return [_spread_over(g, a, axis)]


def _share_of_extreme(y: Any, a: Any, axis: int) -> Any:
    """1/n at each of the n places that attain the extreme value, else 0."""
    apply, constant = a.graph.apply, a.graph.constant
    attains = apply("where", apply("eq", a, _spread_over(y, a, axis)), constant(1.0), constant(0.0))
    return attains / _spread_over(apply("sum", attains, axis=axis), a, axis)


def _extreme_vjp(g: Any, y: Any, a: Any, *, axis: int) -> list[Any]:
    return [_spread_over(g, a, axis) * _share_of_extreme(y, a, axis)]


def _extreme_jvp(tangents: Sequence[Any], y: Any, a: Any, *, axis: int) -> Any:
    return a.graph.apply("sum", tangents[0] * _share_of_extreme(y, a, axis), axis=axis)


def _gather_vjp(g: Any, y: Any, table: Any, index: Any) -> list[Any]:
    return [g.graph.apply("scatter", g, index, size=table.shape[0]), None]


def _scatter_vjp(g: Any, y: Any, value: Any, index: Any, *, size: Any) -> list[Any]:
    return [g.graph.apply("gather", g, index), None]


def _real(dtypes: Sequence[str]) -> str:
    return "real"


def _kept(dtypes: Sequence[str]) -> str:
    """A window on integers or truth values shows integers or truth values."""
    return dtypes[0]


def _common(dtypes: Sequence[str]) -> str:
    return dtypes[0] if len(set(dtypes)) == 1 else "real"


def _leaf(name: str, doc: str) -> Op:
    return Op(name, 0, "leaf", _leaf_shape, doc, cost=0)


LEAVES = (
    _leaf("input", "one value per time-step and row"),
    _leaf("context", "one value per sequence and row"),
    _leaf("noise", "a random value, drawn by the run time"),
    _leaf("state", "the value that a state had one delay earlier"),
    _leaf("param", "a learned value, the same at every step and row"),
    _leaf("constant", "a number, filled to a shape"),
    Op("eye", 0, "leaf", lambda *, n: (n, n), "identity matrix", cost=0),
    Op("iota", 0, "leaf", lambda *, n: (n,), "0, 1, ... n-1", cost=0),
)

STRUCTURAL = (
    Op("matmul", 2, "structural", _matmul_shape, "matrix times vector or matrix", symbol="@",
       reference=_np_matmul, vjp=_matmul_vjp, linear=(0, 1)),
    Op("product", None, "structural", _product_shape,
       "sum of matrix-vector products, one chain of additions per element (made by lowering)",
       reference=_np_product),
    Op("outer", 2, "structural", _outer_shape, "outer product of two vectors",
       reference=lambda a, b: a[..., :, None] * b[..., None, :], vjp=_outer_vjp, linear=(0, 1)),
    Op("transpose", 1, "structural", _transpose_shape, "matrix transpose, of the last two axes",
       dtype=_kept, reference=lambda a: np.swapaxes(a, -1, -2), linear=(0,), cost=0,
       vjp=lambda g, y, a: [_transpose(g)]),
    Op("reshape", 1, "structural", _reshape_shape, "the same elements in another shape",
       dtype=_kept, reference=lambda a, shape: a.reshape(a.shape[0], *shape), linear=(0,), cost=0,
       vjp=lambda g, y, a, shape: [g.graph.apply("reshape", g, shape=a.shape)]),
    Op("expand", 1, "structural", _expand_shape, "repetition along new axes",
       dtype=_kept, reference=_np_expand, vjp=_expand_vjp, linear=(0,), cost=0),
    Op("slice", 1, "structural", _slice_shape, "a range of one axis",
       dtype=_kept, reference=_np_slice, vjp=_slice_vjp, linear=(0,), cost=0),
    Op("concat", None, "structural", _concat_shape, "values joined along one axis",
       dtype=_common, reference=_np_concat, vjp=_concat_vjp, jvp=_concat_jvp, cost=0),
    Op("sum", 1, "structural", _reduce_shape, "sum along one axis",
       reference=lambda a, axis: a.sum(axis + 1), vjp=_sum_vjp, linear=(0,)),
    Op("max", 1, "structural", _reduce_shape, "largest along one axis (ties share the gradient)",
       reference=lambda a, axis: a.max(axis + 1), vjp=_extreme_vjp, jvp=_extreme_jvp),
    Op("min", 1, "structural", _reduce_shape, "smallest along one axis (ties share the gradient)",
       reference=lambda a, axis: a.min(axis + 1), vjp=_extreme_vjp, jvp=_extreme_jvp),
    Op("gather", 2, "structural", _gather_shape, "row of a table by an integer index",
       dtype=_kept, reference=_np_gather, vjp=_gather_vjp, linear=(0,)),
    Op("scatter", 2, "structural", _scatter_shape, "zeros with a value at an integer index",
       reference=_np_scatter, vjp=_scatter_vjp, linear=(0,)),
    Op("total", 1, "structural", _same, "sum over time-steps and rows", linear=(0,),
       vjp=lambda g, y, a, to: [g], dtype=_real),
)  # fmt: skip

ROWS: tuple[Op, ...] = LEAVES + STRUCTURAL
