"""Indices: slices, numbers that are known, and integer inputs that look a row up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..ops import ShapeError, show_shape
from ..sizes import Dim, Size
from ..source import Note
from ..syntax.tree import Expr, Index, Slice
from .faults import Fault, Unknown

if TYPE_CHECKING:
    from .evaluate import Evaluator


def index(ev: Evaluator, e: Index) -> Any:
    value = ev.index_base(e)
    if value.shape is None:
        raise Unknown("the shape of an indexed value")
    if len(e.indices) > len(value.shape):
        text = f"too many indices: this is {show_shape(value.shape)}"
        text = text if value.shape else "a scalar cannot be indexed"
        raise Fault(text, e.span, notes=ev.declaration(e.value))
    axis = 0
    for part in e.indices:
        if isinstance(part, Slice):
            value = _sliced(ev, value, axis, part, e)
            axis += 1
        else:
            value = _picked(ev, value, axis, part, e)
    return value


def _sliced(ev: Evaluator, value: Any, axis: int, part: Slice, e: Index) -> Any:
    dim = value.shape[axis]
    start = _bound(ev, part.start, dim) if part.start is not None else 0
    stop = _bound(ev, part.stop, dim) if part.stop is not None else dim
    if start == 0 and stop == dim:
        return value
    length = stop - start
    empty = isinstance(length, int) and length < 1
    if empty or not _inside(start, stop, dim):
        text = "this slice is empty" if empty else f"the slice {start}:{stop} is out of range"
        label = f"this is {show_shape(value.shape)}"
        raise Fault(text, part.span, [(e.value.span, label)], ev.declaration(e.value))
    return ev.apply("slice", [e.value], [value], axis=axis, start=start, stop=stop)


def _inside(start: Dim, stop: Dim, dim: Dim) -> bool:
    """Whether a range lies in an axis, as far as that is known."""
    if not (isinstance(start, int) and isinstance(stop, int) and isinstance(dim, int)):
        return True
    return 0 <= start < stop <= dim


def _bound(ev: Evaluator, e: Expr, dim: Dim) -> Dim:
    """A bound of a slice; a negative one counts from the end."""
    value = ev.evaluate(e)
    if not isinstance(value, int | Size):
        raise Fault("a slice is bounded by numbers, constants and sizes", e.span)
    if not isinstance(value, int) or value >= 0:
        return value
    if isinstance(dim, int) and dim + value < 0:
        raise Fault(f"{value} is before the start of an axis of {dim}", e.span)
    return dim + value


def _picked(ev: Evaluator, value: Any, axis: int, part: Expr, e: Index) -> Any:
    index = ev.evaluate(part)
    if isinstance(index, int | Size):
        return _picked_static(ev, value, axis, index, part, e)
    index = ev.node(index, part)
    if index.dtype != "int":
        hint: Note = ("declare it as an integer: input token: int", None)
        notes = [hint, *ev.declaration(part)]
        raise Fault("an index is an integer", part.span, notes=notes)
    if axis:
        raise Fault("an integer input indexes the first axis", part.span)
    try:
        return ev.build.apply("gather", value, index)
    except ShapeError as error:
        raise Fault(error.message, part.span, notes=ev.declaration(part)) from None


def _picked_static(ev: Evaluator, value: Any, axis: int, index: Dim, part: Expr, e: Index) -> Any:
    dim = value.shape[axis]
    start = dim + index if isinstance(index, int) and index < 0 else index
    if isinstance(start, int) and isinstance(dim, int) and not 0 <= start < dim:
        label = f"this is {show_shape(value.shape)}"
        raise Fault(f"the index {index} is out of range", part.span,
                    [(e.value.span, label)], ev.declaration(e.value))  # fmt: skip
    cut = ev.apply("slice", [e.value], [value], axis=axis, start=start, stop=start + 1)
    rest = (*value.shape[:axis], *value.shape[axis + 1 :])
    return ev.build.apply("reshape", cut, shape=rest)
