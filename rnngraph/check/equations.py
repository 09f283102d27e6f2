"""What an equation, a repeat or a constant with places gives: names with their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..syntax.tree import Binding, Equation, Expr, Name, Repeat
from .declare import table_of
from .evaluate import Evaluator, Value
from .faults import Fault
from .walk import Unit, uses_of

MAX_REPEATS = 1000


def targets_and_values(
    evaluator: Evaluator, targets: tuple[Name, ...], e: Expr
) -> list[tuple[Name, Value]]:
    """The values of an equation's right side, one for each name on its left."""
    value = evaluator.evaluate(e)
    if len(targets) == 1 and not isinstance(value, tuple):
        return [(targets[0], value)]
    if not isinstance(value, tuple):
        span = targets[0].span.to(targets[-1].span)
        note = "only split gives several values"
        raise Fault(f"{len(targets)} names for one value", span, notes=[note])
    if len(value) != len(targets):
        names = "1 name" if len(targets) == 1 else f"{len(targets)} names"
        span = targets[0].span.to(targets[-1].span)
        label = (e.span, f"this gives {len(value)} values")
        raise Fault(f"{names} for {len(value)} values", span, [label])
    return list(zip(targets, value, strict=True))


def repeated(evaluator: Evaluator, item: Repeat) -> list[tuple[Name, Value]]:
    """The last values of all names that a repeat defines."""
    low, high = (_bound(evaluator, e) for e in (item.start, item.stop))
    if high - low > MAX_REPEATS:
        raise Fault(f"this repeats {high - low} times, more than {MAX_REPEATS}", item.stop.span)
    targets = {str(t): t for equation in item.items for t in equation.targets}
    carried = {t.id: evaluator.values.get(f"{t.id} (before)") for t in targets.values()}
    outside = evaluator.locals
    inside = {name: value for name, value in carried.items() if value is not None}
    last: dict[str, Value] = dict(inside)
    try:
        for counter in range(low, high):
            for equation in item.items:
                evaluator.locals = {**inside, item.name: counter}
                _has_values(evaluator, equation, targets, inside)
                for target, value in targets_and_values(
                    evaluator, equation.targets, equation.value
                ):
                    last[str(target)] = value
                    if not target.primed:
                        inside[target.id] = value
    finally:
        evaluator.locals = outside
    for key, target in targets.items():
        if key not in last:
            raise Fault(f"'{key}' has no value if nothing is repeated", target.span)
    return [(targets[key], last[key]) for key in targets]


def _bound(evaluator: Evaluator, e: Expr) -> int:
    value = evaluator.evaluate(e)
    if not isinstance(value, int):
        note = "declare a constant, as in: const depth = 3"
        raise Fault("a bound of a repeat is a whole number", e.span, notes=[note])
    return value


def _has_values(
    evaluator: Evaluator, equation: Equation, targets: Mapping[str, Name], inside: Mapping[str, Any]
) -> None:
    for key, use in uses_of(equation.value, evaluator.scope.functions).items():
        if key in targets and not use.primed and key not in inside:
            note = f"give it a value above the repeat: {key} = ..."
            text = f"'{key}' has no value before the first repetition"
            raise Fault(text, use.span, notes=[note])


def unit_values(evaluator: Evaluator, unit: Unit) -> list[tuple[Name, Value, Expr, str]]:
    """Everything that a unit defines: target, value, the expression it is from, label."""
    item = unit.item
    if isinstance(item, Binding):
        return [(unit.targets[0], table_of(evaluator, item), item.value, "")]
    if isinstance(item, Repeat):
        source = {str(t): q for q in item.items for t in q.targets}
        return [(t, v, source[str(t)].value, source[str(t)].label)
                for t, v in repeated(evaluator, item)]  # fmt: skip
    assert item.value is not None
    pairs = targets_and_values(evaluator, unit.targets, item.value)
    return [(t, v, item.value, item.label) for t, v in pairs]
