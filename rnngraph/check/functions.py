"""Calls of functions, the cell's own and those of the prelude: bodies with the arguments put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..source import Span
from ..syntax.tree import Call, Expr, Fn
from .faults import Exhausted, Fault, listed, what_is

if TYPE_CHECKING:
    from .evaluate import Evaluator

Value = Any


def expanded(ev: Evaluator, e: Call, fn: Fn) -> Value:
    """A call of the cell's own function."""
    if fn.name in ev.calls:
        round_trip = listed([*ev.calls[ev.calls.index(fn.name) :], fn.name])
        raise Fault(f"function '{fn.name}' calls itself", e.function.span,
                    notes=[f"the calls are {round_trip}"])  # fmt: skip
    parts = _arguments(ev, e, fn)
    values = _values(ev, parts)
    try:
        return _body(ev, fn, parts, values)
    except Fault as fault:
        raise fault.noted(f"in this call of '{fn.name}'", e.span) from None


def of_prelude(ev: Evaluator, e: Call, fn: Fn) -> Value:
    """A call of a prelude function; what goes wrong in there is the call's mistake."""
    parts = _arguments(ev, e, fn)
    values = _values(ev, parts)
    try:
        return _body(ev, fn, parts, values)
    except Exhausted:
        raise
    except Fault as fault:
        if any(name in ev.scope.prelude for name in ev.calls):
            raise  # the outermost call is the one that the reader has written
        raise _blamed(ev, e, fn, fault, _shapes(e, values)) from None


def _blamed(ev: Evaluator, e: Call, fn: Fn, fault: Fault, shapes: list[tuple[Span, str]]) -> Fault:
    """The fault of a prelude function as one of its call."""
    notes = [note for part in e.arguments for note in ev.declaration(part)]
    plain = [(text, None) for text, span in fault.report.notes if span is None]
    message = f"in '{fn.name}': {fault.report.message}"
    return Fault(message, e.span, shapes, [*plain, *notes])


def _shapes(e: Call, values: Mapping[str, Value]) -> list[tuple[Span, str]]:
    given = zip(e.arguments, values.values(), strict=False)
    return [(part.span, what_is(v)) for part, v in given if getattr(v, "shape", None) is not None]


def _body(ev: Evaluator, fn: Fn, parts: Mapping[str, Expr], values: dict[str, Value]) -> Value:
    outside = ev.locals, ev.origins
    origins = {name: ev.origin(part) for name, part in parts.items()}
    ev.locals = values
    ev.origins = {name: found for name, found in origins.items() if found is not None}
    ev.calls.append(fn.name)
    try:
        return ev.evaluate(fn.body)
    finally:
        ev.locals, ev.origins = outside
        ev.calls.pop()


def _values(ev: Evaluator, parts: Mapping[str, Expr]) -> dict[str, Value]:
    """The values of a function's parameters, by name."""
    return {name: ev.evaluate(part) for name, part in parts.items()}


def _arguments(ev: Evaluator, e: Call, fn: Fn) -> dict[str, Expr]:
    """What a call gives for a function's parameters, by name."""
    names = [p.name for p in fn.parameters]
    required = sum(p.default is None for p in fn.parameters)
    given = dict(zip(names, e.arguments, strict=False))
    by_name = {k.name: k.value for k in e.keywords}
    ev.counted(e, 0 if by_name else required, len(names), names)
    for keyword in e.keywords:
        if keyword.name in given:
            raise Fault(f"'{keyword.name}' is given twice", keyword.span)
        given[keyword.name] = keyword.value
    parts: dict[str, Expr] = {}
    for parameter in fn.parameters:
        part = given.get(parameter.name, parameter.default)
        if part is None:
            raise Fault(f"'{parameter.name}' is not given to '{fn.name}'", e.span)
        parts[parameter.name] = part
    return parts
