"""Functions that are neither elementwise rows nor written in the prelude: they shape values.

sum max min (v, axis=-1)   max min (a, b, ...)   outer(a, b)   transpose(m)   eye(n)
zeros ones (n, ...)   reshape(v, [n, ...])   concat(a, b, ..., axis=0)   size(v, axis=-1)
expand(v, like, axis=-1 | [-1, ...])   split(v, n | [n, ...], axis=0)   prev(x, steps=1)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ops import show_shape
from ..sizes import Dim, SizeError
from ..syntax.tree import Call, Expr, Join, Keyword
from . import heads
from .evaluate import Evaluator, Value
from .faults import Fault, Unknown, listed
from .statics import bounded, dim_of

MAX_PARTS = 256
MAX_DELAY = 1000


def _keyword(call: Call, name: str) -> Expr | None:
    return next((k.value for k in call.keywords if k.name == name), None)


def _whole(ev: Evaluator, e: Expr, what: str) -> int:
    value = ev.evaluate(e)
    if not isinstance(value, int):
        raise Fault(f"{what} is a whole number, known when the cell is compiled", e.span)
    return value


def _axis(ev: Evaluator, call: Call, value: Any, place: int, default: int = -1) -> int:
    """The axis that a call asks for, counted from the front."""
    e = call.arguments[place] if len(call.arguments) > place else _keyword(call, "axis")
    axis = default if e is None else _whole(ev, e, "an axis")
    if value.shape is None:
        raise Unknown("the rank of a value")
    rank = len(value.shape)
    if rank and -rank <= axis < rank:
        return axis % rank
    part = call.arguments[0]
    text = (
        f"there is no axis {axis} in {show_shape(value.shape)}" if rank else "a scalar has no axis"
    )
    raise Fault(text, part.span if e is None else e.span, notes=ev.declaration(part))


def _reduction(op: str, pairwise: str = "") -> Callable[[Evaluator, Call], Value]:
    def reduce(ev: Evaluator, call: Call) -> Value:
        if pairwise and len(call.arguments) > 1:
            return _pairwise(ev, call, pairwise)
        ev.counted(call, 1, 99 if pairwise else 1, ("axis",))
        value = ev.ranked(call.arguments[0], 1)
        axis = _axis(ev, call, value, 99)
        return ev.apply(op, call.arguments, [value], axis=axis)

    return reduce


def _pairwise(ev: Evaluator, call: Call, op: str) -> Value:
    ev.counted(call, 2, 98)
    first, *rest = call.arguments
    value = ev.evaluate(first)
    for part in rest:
        value = ev.elementwise(op, [first, part], [value, ev.evaluate(part)], call.span)
    return value


def _outer(ev: Evaluator, call: Call) -> Value:
    ev.counted(call, 2)
    left, right = (ev.ranked(a, 1) for a in call.arguments)
    if len(left.shape) > 1:
        return heads.outer(ev, call.arguments, left, right)
    return ev.apply("outer", call.arguments, [left, right])


def _transpose(ev: Evaluator, call: Call) -> Value:
    ev.counted(call, 1)
    return ev.apply("transpose", call.arguments, [ev.ranked(call.arguments[0], 2)])


def _dim(ev: Evaluator, e: Expr) -> Dim:
    return dim_of(ev.evaluate(e), e.span)


def _eye(ev: Evaluator, call: Call) -> Value:
    ev.counted(call, 1)
    n = _dim(ev, call.arguments[0])
    bounded((n, n), call.span)
    return ev.build.eye(n)


def _filled(number: float) -> Callable[[Evaluator, Call], Value]:
    def fill(ev: Evaluator, call: Call) -> Value:
        ev.counted(call, 0, 8)
        parts = call.arguments
        if len(parts) == 1 and isinstance(parts[0], Join):
            parts = parts[0].parts
        return ev.build.full(number, bounded(tuple(_dim(ev, e) for e in parts), call.span))

    return fill


def _reshape(ev: Evaluator, call: Call) -> Value:
    ev.counted(call, 2)
    value, shape = call.arguments
    if not isinstance(shape, Join):
        raise Fault("the new shape is written as a list, as in reshape(v, [K, H//K])", shape.span)
    dims = tuple(_dim(ev, e) for e in shape.parts)
    return ev.apply("reshape", [value], [ev.ranked(value, 1)], shape=dims)


def _concat(ev: Evaluator, call: Call) -> Value:
    ev.counted(call, 1, 98, ("axis",))
    axis = _keyword(call, "axis")
    return ev.joined(call.arguments, 0 if axis is None else _whole(ev, axis, "an axis"))


def _size(ev: Evaluator, call: Call) -> Value:
    ev.counted(call, 1, 2, ("axis",))
    value = ev.ranked(call.arguments[0], 1)
    return value.shape[_axis(ev, call, value, 1)]


def _expand(ev: Evaluator, call: Call) -> Value:
    """``v`` repeated along an axis, or axes, of ``like``, so that it has the shape of ``like``."""
    ev.counted(call, 2, 2, ("axis",))
    value, part = call.arguments
    like = ev.ranked(part, 1)
    new = _axes(ev, call, like)
    axes = tuple(i for i in range(len(like.shape)) if i not in new)
    node = ev.typed(ev.evaluate(value), value)
    wanted = tuple(like.shape[i] for i in axes)
    if node.shape is not None and len(node.shape) != len(wanted):
        along = f"ax{'i' if len(new) == 1 else 'e'}s {listed(map(str, new))}"
        text = f"to be expanded to {show_shape(like.shape)} along {along}"
        raise ev.mismatch(f"{text}, this must be {show_shape(wanted)}", [value], [node])
    return ev.apply("expand", [value], [node], shape=like.shape, axes=axes)


def _axes(ev: Evaluator, call: Call, like: Any) -> list[int]:
    """The axis, or the list of axes, that ``axis=`` asks for."""
    part, e = call.arguments[1], _keyword(call, "axis")
    each = e.parts if isinstance(e, Join) else (e,)
    found = []
    for one in each:
        keywords = () if one is None else (Keyword("axis", one, span=one.span),)
        found.append(_axis(ev, Call(call.function, (part,), keywords, span=call.span), like, 1))
    return sorted(set(found))


def _split(ev: Evaluator, call: Call) -> Value:
    ev.counted(call, 2, 2, ("axis",))
    value = ev.ranked(call.arguments[0], 1)
    axis = _axis(ev, call, value, 2, default=0)
    parts = _parts(ev, call, value.shape, axis)
    cuts = []
    start: Dim = 0
    for part in parts:
        cuts.append(
            ev.apply(
                "slice", call.arguments[:1], [value], axis=axis, start=start, stop=start + part
            )
        )
        start = start + part
    return tuple(cuts)


def _parts(ev: Evaluator, call: Call, shape: tuple[Dim, ...], axis: int) -> list[Dim]:
    value, how = call.arguments
    whole = shape[axis]
    label = [(value.span, f"this is {show_shape(shape)}")]
    if isinstance(how, Join):
        parts = [_dim(ev, e) for e in how.parts]
        total: Dim = 0
        for part in parts:
            total = total + part
        ev.equate(total, whole)
        whole = ev.assume(ev.ranked(value, 1), 1).shape[axis]
        if total != whole:
            text = f"the parts add up to {total}, not to {whole}"
            raise Fault(text, how.span, label, ev.declaration(value))
        return parts
    n = _whole(ev, how, "the number of parts")
    if not 1 <= n <= MAX_PARTS:
        raise Fault(f"a value is split into 1 to {MAX_PARTS} parts, not {n}", how.span)
    if isinstance(whole, int) and whole % n:
        raise Fault(f"{whole} does not split into {n} equal parts", how.span, label,
                    ev.declaration(value))  # fmt: skip
    try:
        return [whole // n] * n
    except SizeError as error:
        raise Fault(str(error), how.span, label) from None


def _prev(ev: Evaluator, call: Call) -> Value:
    ev.counted(call, 1, 2, ("steps",))
    what = call.arguments[0]
    e = call.arguments[1] if len(call.arguments) > 1 else _keyword(call, "steps")
    steps = 1 if e is None else _whole(ev, e, "a delay")
    if not 1 <= steps <= MAX_DELAY:
        span = call.span if e is None else e.span
        raise Fault(f"a delay is 1 to {MAX_DELAY} steps, not {steps}", span)
    name = ev.origin(what)
    kind = "" if name is None else ev.scope.kind_of(name.id)
    if name is None or kind not in ("input", "state", "value"):
        note = "give any other value a name, in an equation of its own"
        text = "'prev' takes the name of an input, a state or a gate"
        raise Fault(text, what.span, notes=[note])
    # a gate may be defined further below, or by its own past
    value = None if kind == "value" else ev.typed(ev.evaluate(what), what)
    return ev.delayed(name.id, steps, value, name)


TABLE: dict[str, Callable[[Evaluator, Call], Value]] = {
    "sum": _reduction("sum"), "max": _reduction("max", "maximum"),
    "min": _reduction("min", "minimum"), "outer": _outer, "transpose": _transpose, "eye": _eye,
    "zeros": _filled(0.0), "ones": _filled(1.0), "reshape": _reshape, "concat": _concat,
    "size": _size, "expand": _expand, "split": _split, "prev": _prev,
}  # fmt: skip
Evaluator.builtins = TABLE
