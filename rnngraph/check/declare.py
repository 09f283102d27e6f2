"""Declarations to data: sizes, constants, shapes and initialisers."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any

from ..graph import ZERO, Graph, Init
from ..sizes import Dim, Size
from ..source import Span
from ..syntax import print_expression
from ..syntax.tree import Binding, Call, Const, Equation, Expr, Item, Name
from ..syntax.tree import Init as InitTree
from .evaluate import Evaluator
from .faults import Fault, Unknown, article, did_you_mean, listed
from .scope import Declared, Scope
from .statics import MAX_DIM, bounded, dim_of
from .walk import Unit, arrange, references, uses_of, values_of

Shape = tuple[Dim, ...]

# initialiser -> how many numbers it takes, how many axes its parameter has at least
INITS: dict[str, tuple[int, int]] = {
    "constant": (1, 0), "zeros": (0, 0), "ones": (0, 0), "uniform": (1, 0), "normal": (1, 0),
    "range": (2, 0), "log_range": (2, 0), "bernoulli": (1, 0),
    "glorot_uniform": (0, 2), "glorot_normal": (0, 2),
    "he_uniform": (0, 2), "he_normal": (0, 2), "orthogonal": (0, 2), "identity": (0, 2),
}  # fmt: skip
# law of a noise -> how many numbers it takes
LAWS: dict[str, int] = {"bernoulli": 1, "normal": 1, "uniform": 1, "range": 2}
_FILLS = {"zeros": 0.0, "ones": 1.0}


class Spelled(str):
    """An argument that is a number only when the sizes are bound: ``1/sqrt(H)``."""

    def __format__(self, spec: str) -> str:
        return str(self)


# --- constants -----------------------------------------------------------------------------


def bind_constants(scope: Scope, given: Mapping[str, object]) -> None:
    """Evaluate the constants, with the given values in place of the written ones."""
    units = []
    for name, binding in scope.constants.items():
        uses = {} if name in given else uses_of(binding.value, scope.functions)
        target = Name(name, span=binding.span)
        units.append(Unit(Equation((target,), binding.value), (target,), uses))
    order, cycles = arrange(units)
    for cycle in cycles:
        scope.broken.update(key for unit in cycle for key in unit.keys)
        names = " -> ".join(f"'{unit.keys[0]}'" for unit in [*cycle[:8], cycle[0]])
        text = f"constants depend on each other: {names}"
        scope.report(Fault(text, cycle[0].targets[0].span))
    evaluator = Evaluator(scope, Graph())
    for unit in order:
        name = unit.keys[0]
        try:
            scope.consts[name] = _constant(evaluator, unit, given)
        except Fault as fault:
            scope.broken.add(name)
            scope.report(fault)
        except Unknown:
            scope.broken.add(name)
    _refuse_strangers(scope, given, scope.constants, "constant")


def _constant(evaluator: Evaluator, unit: Unit, given: Mapping[str, object]) -> int | float:
    (target,), name = unit.targets, unit.keys[0]
    if name in given:
        written = unit.item.value  # type: ignore[union-attr]
        return _given_constant(name, given[name], target.span, _is_whole(evaluator, written))
    for key, use in unit.uses.items():
        if key not in evaluator.scope.constants:
            known = evaluator.scope.suggest(key, evaluator.scope.constants)
            raise Fault(f"'{key}' is not a constant{known}", use.span,
                        notes=["a constant is made of numbers and other constants"])  # fmt: skip
    value = evaluator.evaluate(unit.item.value)  # type: ignore[union-attr, arg-type]
    if not isinstance(value, int | float):
        raise Fault(f"'{name}' is not a number", unit.item.value.span)  # type: ignore[union-attr]
    return value


def _is_whole(evaluator: Evaluator, written: Expr | None) -> bool:
    try:
        return isinstance(evaluator.evaluate(written), int)  # type: ignore[arg-type]
    except (Fault, Unknown):
        return False


def _given_constant(name: str, value: object, span: Span, whole: bool) -> int | float:
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise Fault(f"constant '{name}' is given as {_show(value)}, which is no number", span)
    number = float(value)  # type: ignore[arg-type]
    if not abs(number) <= 1e300:
        raise Fault(f"constant '{name}' is given as {number}, which is not finite", span)
    if not whole:
        return number
    if number != int(number):
        raise Fault(f"constant '{name}' is a whole number, {number:g} is given", span)
    return int(number)


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "..."


def _refuse_strangers(
    scope: Scope, given: Mapping[str, object], known: Mapping[str, object], what: str
) -> None:
    for name in given:
        if name in known:
            continue
        notes = [f"it has {listed(sorted(known))}"] if known else [f"it has no {what}s"]
        text = f"the cell has no {what} '{name}'{scope.suggest(str(name), known)}"
        scope.report(Fault(text, scope.cell.span, notes=notes))


# --- sizes ---------------------------------------------------------------------------------


def bind_sizes(scope: Scope, given: Mapping[str, object] | None) -> None:
    """Find the size symbols in the declarations and give them their values, if there are any."""
    for declared in scope.declared.values():
        for e in declared.shape or ():
            _find_symbols(scope, e)
    for item in scope.cell.items:
        for e in _further_sizes(item):
            _find_symbols(scope, e)
    for e in _given_to_cells(scope):
        _find_symbols(scope, e)
    for name, place in scope.size_places.items():
        scope.sizes[name] = Size.symbol(name)
        if given is None:
            continue
        try:
            scope.sizes[name] = _given_size(name, given, place)
        except Fault as fault:
            scope.report(fault)
    if given is not None:
        _refuse_strangers(scope, given, scope.size_places, "size")


def _further_sizes(item: Item) -> Iterator[Expr]:
    for binding in item.bindings if isinstance(item, Const) else ():
        yield from (counter.stop for counter in binding.counters)


def _given_to_cells(scope: Scope) -> Iterator[Expr]:
    """Sizes that calls of used cells give by name: ``inner(x, H=K)``."""
    values = [e for unit in scope.units for e in values_of(unit.item)] if scope.used else []
    for ref in (ref for e in values for ref in references(e)):
        if isinstance(ref, Call) and ref.function.id in scope.used:
            yield from (k.value for k in ref.keywords if k.name[0].isupper())


def _find_symbols(scope: Scope, e: Expr) -> None:
    for ref in references(e):
        if not isinstance(ref, Name) or ref.primed or ref.id in scope.size_places:
            continue
        if ref.id not in scope.places and ref.id[0].isupper():
            scope.size_places[ref.id] = ref.span


def _given_size(name: str, given: Mapping[str, object], place: Span) -> int:
    if name not in given:
        raise Fault(f"size '{name}' is not given", place)
    try:
        value = operator.index(given[name])  # type: ignore[arg-type]
    except TypeError:
        value = 0
    if isinstance(given[name], bool) or not 1 <= value <= MAX_DIM:
        text = f"size '{name}' is given as {_show(given[name])}; it is a whole number, 1 or more"
        raise Fault(text if value <= MAX_DIM else f"{text}, at most {MAX_DIM}", place)
    return value


# --- shapes --------------------------------------------------------------------------------


def shape_of(evaluator: Evaluator, declared: Declared) -> Shape | None:
    """The written shape of a declaration, None if it is left out."""
    if declared.shape is None:
        if declared.kind == "param":
            return None
        name, kind = declared.name, declared.kind
        note = f"write {kind} {name}[H], or {name}[] for a scalar"
        raise Fault(f"{kind} '{name}' has no shape", declared.span, notes=[note])
    dims = tuple(_dim(evaluator, e) for e in declared.shape)
    return bounded(dims, declared.span) if not declared.shape else bounded(
        dims, declared.shape[0].span.to(declared.shape[-1].span)
    )  # fmt: skip


def _dim(evaluator: Evaluator, e: Expr) -> Dim:
    scope = evaluator.scope
    for ref in references(e):
        if isinstance(ref, Name) and ref.id not in scope.consts and ref.id not in scope.sizes:
            if ref.id in scope.broken:
                raise Unknown(ref.id)
            raise _no_size(scope, ref)
    return dim_of(evaluator.evaluate(e), e.span)


def _no_size(scope: Scope, ref: Name) -> Fault:
    kind = scope.kind_of(ref.id)
    if kind:
        place = (f"'{ref.id}' is declared here", scope.places.get(ref.id))
        what = article(kind)
        return Fault(f"'{ref.id}' is {what}, not a size", ref.span, notes=[place])
    known = scope.suggest(ref.id, [*scope.sizes, *scope.consts])
    note = "a size is a number, a constant or a name with a capital first letter"
    return Fault(f"'{ref.id}' is not a size{known}", ref.span, notes=[note])


def table_of(evaluator: Evaluator, binding: Binding) -> Any:
    """A constant with places, ``const A[i in H, j in H] = i - j``: an element for every place."""
    shape = tuple(_dim(evaluator, counter.stop) for counter in binding.counters)
    bounded(shape, binding.span)
    counters, build = [counter.name for counter in binding.counters], evaluator.build
    for key, use in uses_of(binding.value, evaluator.scope.functions, counters).items():
        if key not in evaluator.scope.consts and key not in evaluator.scope.sizes:
            if not evaluator.scope.kind_of(use.id):
                raise Unknown(key)
            note = f"a constant is made of numbers, constants, sizes and {listed(counters)}"
            raise Fault(f"'{key}' is not a constant", use.span, notes=[note])
    places = [build.apply("iota", n=dim) for dim in shape]
    outside = evaluator.locals
    evaluator.locals = {
        name: build.apply("expand", place, shape=shape, axes=(axis,))
        for axis, (name, place) in enumerate(zip(counters, places, strict=True))
    }
    try:
        value = evaluator.typed(evaluator.evaluate(binding.value), binding.value)
    finally:
        evaluator.locals = outside
    if value.shape == ():
        return build.apply("expand", value, shape=shape, axes=())
    if evaluator.strict and value.shape != shape:
        raise Fault("an element of a constant is a single number", binding.value.span)
    return value


# --- initial values ------------------------------------------------------------------------


def init_of(evaluator: Evaluator, declared: Declared, shape: Shape) -> Init:
    """How a parameter begins; without a word on it matrices are glorot_uniform, vectors 0."""
    init = declared.init
    if init is None:
        return Init("glorot_uniform") if len(shape) >= 2 else ZERO
    if not init.drawn:
        return Init("constant", (_argument(evaluator, init.value),))
    name, arguments, span = _drawing(init)
    if name not in INITS:
        text = f"there is no initialiser '{name}'{did_you_mean(name, INITS)}"
        raise Fault(text, span, notes=[f"known are {', '.join(sorted(INITS))}"])
    count, rank = INITS[name]
    if len(arguments) != count:
        wanted = "no numbers" if not count else "1 number" if count == 1 else f"{count} numbers"
        raise Fault(f"'{name}' takes {wanted}, {len(arguments)} given", init.value.span)
    if len(shape) < rank:
        kind = "a scalar" if not shape else "a vector"
        note = (f"'{declared.name}' is {kind}", declared.span)
        raise Fault(f"'{name}' is for matrices", init.value.span, notes=[note])
    values = tuple(_argument(evaluator, e) for e in arguments)
    if name in _FILLS:
        return Init("constant", (_FILLS[name],))
    _check_range(name, values, init.value.span)
    return Init(name, values)


def law_of(evaluator: Evaluator, declared: Declared) -> Init:
    """The law that a noise is drawn by."""
    assert declared.init is not None
    written = declared.init.value
    note = "as in: noise m[H] ~ bernoulli(0.9) each step"
    if not isinstance(written, Name | Call):
        raise Fault("expected the name of a law after '~'", written.span, notes=[note])
    name, arguments, span = _drawing(declared.init)
    if name not in LAWS:
        text = f"noise is not drawn by '{name}'{did_you_mean(name, LAWS)}"
        raise Fault(text, span, notes=[f"known are {', '.join(sorted(LAWS))}"])
    if len(arguments) != LAWS[name]:
        wanted = "1 number" if LAWS[name] == 1 else f"{LAWS[name]} numbers"
        raise Fault(f"'{name}' takes {wanted}, {len(arguments)} given", written.span)
    values = tuple(_argument(evaluator, e) for e in arguments)
    _check_range(name, values, written.span)
    return Init(name, values)


def _drawing(init: InitTree) -> tuple[str, tuple[Expr, ...], Span]:
    value = init.value
    if isinstance(value, Name) and not value.primed:
        return value.id, (), value.span
    if isinstance(value, Call) and not value.keywords:
        return value.function.id, value.arguments, value.function.span
    note = "as in ~ uniform(1/sqrt(H)); a fixed value is written = 0.5"
    raise Fault("expected the name of an initialiser after '~'", value.span, notes=[note])


def _argument(evaluator: Evaluator, e: Expr) -> float | Spelled:
    for ref in references(e):
        if isinstance(ref, Call) or ref.id in evaluator.scope.consts:
            continue
        if ref.id not in evaluator.scope.sizes:
            if ref.id in evaluator.scope.broken:
                raise Unknown(ref.id)
            options = [*evaluator.scope.sizes, *evaluator.scope.consts]
            kind = evaluator.scope.kind_of(ref.id)
            what = f"{article(kind)}, not a number" if kind else "not defined"
            guess = "" if kind else evaluator.scope.suggest(ref.id, options)
            note = "here only numbers, constants and sizes can stand"
            text = f"'{ref.id}' is {what}{guess}"
            raise Fault(text, ref.span, notes=[note])
    value = evaluator.evaluate(e)
    if isinstance(value, int | float):
        return float(value)
    symbols = any(isinstance(v, Size) for v in evaluator.scope.sizes.values())
    if symbols and not isinstance(value, tuple) and getattr(value, "shape", ()) == ():
        return Spelled(print_expression(e, tight=True))
    raise Fault("expected a number", e.span)


def _check_range(name: str, values: tuple[float | Spelled, ...], span: Span) -> None:
    numbers = [v for v in values if isinstance(v, float)]
    if name in ("uniform", "normal") and any(v < 0 for v in numbers):
        raise Fault(f"'{name}' takes a number that is not negative", span)
    if name == "bernoulli" and any(not 0 <= v <= 1 for v in numbers):
        raise Fault("'bernoulli' takes a probability, 0 to 1", span)
    if name == "range" and numbers != sorted(numbers):
        raise Fault("'range' takes two numbers, the smaller one first", span)
    if name == "log_range" and (any(v <= 0 for v in numbers) or numbers != sorted(numbers)):
        raise Fault("'log_range' takes two positive numbers, the smaller one first", span)


def state_init(evaluator: Evaluator, declared: Declared) -> float | str:
    """The initial value of a state: a number, or the name of a parameter."""
    if declared.init is None:
        return 0.0
    value = declared.init.value
    if declared.init.drawn:
        note = "declare a param with this initialiser and name it: state h[H] = h_0"
        raise Fault("a state begins with a number or a parameter", declared.init.span, notes=[note])
    scope = evaluator.scope
    if isinstance(value, Name) and not value.primed and scope.kind_of(value.id) == "param":
        return value.id
    number = _argument(evaluator, value)
    if isinstance(number, Spelled):
        raise Fault("the initial value of a state is a number or a parameter", value.span)
    return number
