"""Names that mean nothing: each use of a name that is nowhere declared is reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from ..source import Note
from ..syntax.tree import (
    Call,
    Const,
    Declare,
    Equation,
    Expr,
    Fn,
    Name,
    Noise,
    Output,
    Parameter,
    Repeat,
)
from .faults import Fault
from .scope import Scope
from .walk import references


def report_unknown_names(scope: Scope, callable_names: Iterable[str]) -> None:
    """Report each use of a name that is nowhere declared."""
    functions = {*callable_names, *scope.functions, *scope.prelude}
    for item in scope.cell.items:
        for parameter in item.parameters if isinstance(item, Fn) else ():
            _check_default(scope, parameter)
        for e in _static_expressions(item):
            for ref in references(e):
                if isinstance(ref, Call):
                    _check_callee(scope, ref, functions, frozenset())
        for e, bound in _expressions(item):
            for ref in references(e):
                if isinstance(ref, Call):
                    _check_callee(scope, ref, functions, bound)
                elif ref.primed or ref.id not in bound:
                    _check_reference(scope, ref, functions, bound)
        for target in item.targets if isinstance(item, Output) and item.value is None else ():
            _check_reference(scope, target, functions, frozenset())


def _static_expressions(item: object) -> Iterator[Expr]:
    """Expressions made of numbers, in which only the functions are looked up here."""
    match item:
        case Const(bindings=bindings):
            yield from (binding.value for binding in bindings if not binding.counters)
            yield from (counter.stop for binding in bindings for counter in binding.counters)
        case Noise(value=Call(arguments=arguments)):
            yield from arguments
        case Declare(declarators=declarators):
            for d in declarators:
                yield from d.shape or ()
                if d.init and d.init.drawn and isinstance(d.init.value, Call):
                    yield from d.init.value.arguments
                elif d.init:
                    yield d.init.value


def _expressions(item: object) -> Iterator[tuple[Expr, frozenset[str]]]:
    none: frozenset[str] = frozenset()
    match item:
        case Equation(value=value) | Output(value=value) if value is not None:
            yield value, none
        case Const(bindings=bindings):
            for binding in bindings:
                if binding.counters:
                    yield binding.value, frozenset(c.name for c in binding.counters)
        case Fn(parameters=parameters, body=body):
            yield body, frozenset(p.name for p in parameters)
        case Repeat(name=name, items=items, start=start, stop=stop):
            yield from ((e, none) for e in (start, stop))
            yield from ((equation.value, frozenset({name})) for equation in items)


def _check_default(scope: Scope, parameter: Parameter) -> None:
    for ref in references(parameter.default) if parameter.default is not None else ():
        if isinstance(ref, Name) and ref.id not in scope.constants:
            note = f"make '{ref.id}' a parameter, or use it in the body"
            text = "a default value is made of numbers and constants"
            scope.report(Fault(text, ref.span, notes=[note]))


def _place(scope: Scope, name: str, kind: str) -> list[Note]:
    if name not in scope.places:
        return []
    verb = "defined" if kind == "value" else "declared"
    return [(f"'{name}' is {verb} here", scope.places[name])]


def _check_reference(
    scope: Scope, ref: Name, functions: Iterable[str], bound: frozenset[str]
) -> None:
    kind = scope.kind_of(ref.id)
    if ref.primed and ref.id not in scope.broken:
        if kind != "state":
            place = _place(scope, ref.id, kind)
            what = f"'{ref.id}' is no state" if kind else f"'{ref.id}' is not defined"
            notes: list[Note | str] = [
                "only a state has a next value, written with a prime",
                *place,
            ]
            scope.report(Fault(what, ref.span, notes=notes))
        return
    if kind == "cell":
        note = f"call it: {ref.id}(...)"
        scope.report(Fault(f"'{ref.id}' is a cell, not a value", ref.span, notes=[note]))
    if kind or ref.id in scope.broken:
        return
    notes = [f"'{ref.id}' is a function; call it: {ref.id}(...)"] if ref.id in functions else []
    guess = "" if notes else scope.suggest(ref.id, chain(scope.known(), bound))
    if not notes and not guess and ref.id[0].isupper():
        notes = ["a size is declared by a shape that has it, as in: input x[I]"]
    scope.report(Fault(f"'{ref.id}' is not defined{guess}", ref.span, notes=notes))


def _check_callee(
    scope: Scope, call: Call, functions: Iterable[str], bound: frozenset[str]
) -> None:
    name = call.function.id
    if name in functions or name in scope.used or name in scope.broken:
        return
    if scope.kind_of(name) or name in bound:
        note = f"a product is written {name} * (...)"
        scope.report(
            Fault(f"'{name}' is a value, not a function", call.function.span, notes=[note])
        )
        return
    guess = scope.suggest(name, functions)
    scope.report(Fault(f"there is no function '{name}'{guess}", call.function.span))
