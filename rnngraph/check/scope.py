"""The names of a cell: what each one is, where it is declared, and the mistakes in that.

Scope    ::= declared (name -> Declared), units (what defines the other names), functions,
             outputs, sizes (symbol -> Dim), consts (name -> number)
Declared ::= kind, name, shape?, init?, dtype
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..sizes import Dim
from ..source import MAX_REPORTS, Diagnostic, Span
from ..syntax.tree import (
    Binding,
    Cell,
    Const,
    Declarator,
    Declare,
    Equation,
    Expr,
    Fn,
    Init,
    Name,
    Noise,
    Output,
    Repeat,
    Use,
)
from .faults import Fault, article, did_you_mean
from .files import used_cell
from .walk import Unit, uses_of

_DEFINED = "first defined here"


@dataclass
class Declared:
    """A declared name; shape and init are still expressions."""

    kind: str
    name: str
    span: Span
    shape: tuple[Expr, ...] | None = None
    init: Init | None = None
    dtype: str = "real"
    each: str = ""


@dataclass(frozen=True)
class Used:
    """A cell that is used inside: the line that says so, and its tree."""

    item: Use
    tree: Cell


@dataclass
class Scope:
    """All names of one cell."""

    cell: Cell
    prelude: dict[str, Fn]
    chain: tuple[str, ...] = ()  # the files of the cells around this one, and its own
    used: dict[str, Used] = field(default_factory=dict)
    declared: dict[str, Declared] = field(default_factory=dict)
    constants: dict[str, Binding] = field(default_factory=dict)
    functions: dict[str, Fn] = field(default_factory=dict)
    units: list[Unit] = field(default_factory=list)
    initial: dict[str, Unit] = field(default_factory=dict)
    outputs: list[Name] = field(default_factory=list)
    places: dict[str, Span] = field(default_factory=dict)
    sizes: dict[str, Dim] = field(default_factory=dict)
    size_places: dict[str, Span] = field(default_factory=dict)
    consts: dict[str, int | float] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    reports: dict[Diagnostic, None] = field(default_factory=dict)

    def report(self, fault: Fault) -> None:
        """Remember a mistake, once."""
        self.reports.setdefault(fault.report)

    def suggest(self, word: str, options: Iterable[str]) -> str:
        """A did-you-mean, for as many mistakes as will be shown."""
        return did_you_mean(word, options) if len(self.reports) < MAX_REPORTS else ""

    def kind_of(self, name: str) -> str:
        """What a name is, in words; "" if it is nothing."""
        if name in self.declared:
            return self.declared[name].kind
        if name in self.constants:
            return "const"
        if name in self.used:
            return "cell"
        if name in self.places:
            return "value"
        return "size" if name in self.size_places else ""

    def known(self) -> Iterator[str]:
        """Every name that an expression can use."""
        yield from self.places
        yield from self.size_places


def collect(
    cell: Cell, prelude: dict[str, Fn], builtin: Iterable[str], chain: tuple[str, ...] = ()
) -> Scope:
    """Enter all names of a cell; mistakes go to ``scope.reports``."""
    chain = chain or (cell.text.name,)
    reports = dict.fromkeys(cell.reports)
    scope = Scope(cell, prelude, chain, broken=set(cell.lost), reports=reports)
    for item in cell.items:
        match item:
            case Declare():
                _enter_declare(scope, item)
            case Const():
                for binding in item.bindings:
                    _enter_constant(scope, binding)
            case Fn():
                _enter_function(scope, item, builtin)
            case Noise():
                if _enter(scope, item.name, item.span):
                    law = Init(True, item.value, span=item.value.span)
                    scope.declared[item.name] = Declared(
                        "noise", item.name, item.span, item.shape, law, each=item.each
                    )
            case Use():
                _enter_used(scope, item)
    for item in cell.items:
        if isinstance(item, Equation | Repeat | Output):
            _enter_unit(scope, item)
    _find_uses(scope)
    return scope


def _enter(scope: Scope, name: str, span: Span) -> bool:
    if name in scope.places:
        _twice(scope, name, span)
        return False
    scope.places[name] = span
    return True


def _twice(scope: Scope, name: str, span: Span) -> None:
    first = scope.places[name]
    scope.report(Fault(f"'{name}' is defined twice", span, [(first, _DEFINED)]))


def _enter_used(scope: Scope, item: Use) -> None:
    if not _enter(scope, item.name, item.span):
        return
    try:
        scope.used[item.name] = Used(item, used_cell(scope.cell, item))
    except Fault as fault:
        scope.broken.add(item.name)
        scope.report(fault)


def _enter_constant(scope: Scope, binding: Binding) -> None:
    if not _enter(scope, binding.name, binding.span):
        return
    if not binding.counters:
        scope.constants[binding.name] = binding
        return
    scope.units.append(Unit(binding, (Name(binding.name, span=binding.span),)))
    seen: set[str] = set()
    for counter in binding.counters:
        if counter.name in seen:
            scope.report(Fault(f"counter '{counter.name}' is named twice", counter.span))
        seen.add(counter.name)


def _enter_declare(scope: Scope, item: Declare) -> None:
    """A shape or an initialiser also holds for the names before it that have none."""
    shape, init = None, None
    entries: list[tuple[Declarator, tuple[Expr, ...] | None, Init | None]] = []
    for d in reversed(item.declarators):
        shape = d.shape if d.shape is not None else shape
        init = d.init or init
        entries.append((d, None if d.dtype and d.shape is None else shape, init))
    for d, shape, init in reversed(entries):
        try:
            dtype = _dtype(item.kind, d)
        except Fault as fault:
            scope.report(fault)
            dtype = "real"
        _check_integer(scope, d, dtype)
        if _enter(scope, d.name, d.span):
            if dtype == "int" or (shape is None and d.dtype):
                shape = ()
            scope.declared[d.name] = Declared(item.kind, d.name, d.span, shape, init, dtype)


def _dtype(kind: str, d: Declarator) -> str:
    if d.dtype is None:
        return "real"
    if d.dtype.id not in ("int", "real"):
        known = did_you_mean(d.dtype.id, ["int", "real"])
        raise Fault(f"a value is 'int' or 'real', not '{d.dtype.id}'{known}", d.dtype.span)
    if d.dtype.id == "int" and kind not in ("input", "context"):
        raise Fault(f"a {kind} is real; only inputs and contexts can be int", d.dtype.span)
    return d.dtype.id


def _check_integer(scope: Scope, d: Declarator, dtype: str) -> None:
    """An integer is a scalar: it looks one row up."""
    if dtype == "int" and d.shape:
        note = "an integer looks one row up, E[token]; declare several inputs for several rows"
        scope.report(Fault(f"'{d.name}' is int, and an int is a scalar", d.span, notes=[note]))


def _enter_function(scope: Scope, item: Fn, builtin: Iterable[str]) -> None:
    if item.name in builtin:
        scope.report(Fault(f"'{item.name}' is built in and cannot be defined again", item.span))
    elif item.name in scope.functions:
        first = scope.functions[item.name].span
        text = f"function '{item.name}' is defined twice"
        scope.report(Fault(text, item.span, [(first, _DEFINED)]))
    else:
        scope.functions[item.name] = item
    seen: set[str] = set()
    for parameter in item.parameters:
        if parameter.name in seen:
            text = f"parameter '{parameter.name}' is named twice"
            scope.report(Fault(text, parameter.span))
        seen.add(parameter.name)


# --- equations and outputs -----------------------------------------------------------------


def _enter_unit(scope: Scope, item: Equation | Repeat | Output) -> None:
    if isinstance(item, Output):
        scope.outputs += item.targets
        if item.value is None:
            return
        if len(item.targets) > 1:
            scope.report(Fault("an output names one value at a time", item.span))
            return
    targets = _targets_of(item)
    good = [target for target in targets if _enter_target(scope, target, item)]
    if len(good) == len(targets):
        scope.units.append(Unit(item, tuple(targets)))
    else:
        scope.broken.update(str(target) for target in targets)


def _targets_of(item: Equation | Repeat | Output) -> list[Name]:
    if not isinstance(item, Repeat):
        return list(item.targets)
    first = {str(t): t for equation in reversed(item.items) for t in equation.targets}
    return list(reversed(first.values()))


def _enter_target(scope: Scope, target: Name, item: Equation | Repeat | Output) -> bool:
    kind = scope.kind_of(target.id)
    if not kind and target.primed and target.id in scope.broken:
        return False
    if target.primed:
        return _enter_next(scope, target, kind)
    if kind == "state":
        scope.broken.add(f"{target.id}'")  # it is missing for this reason
        note = f"the next value of a state is written with a prime: {target.id}' = ..."
        place = (f"'{target.id}' is declared here", scope.places[target.id])
        scope.report(Fault(f"'{target.id}' is a state", target.span, notes=[note, place]))
        return False
    if kind not in ("", "value"):
        place = (f"'{target.id}' is declared here", scope.places[target.id])
        text = f"'{target.id}' is {article(kind)} and cannot be given a value"
        scope.report(Fault(text, target.span, notes=[place]))
        return False
    if isinstance(item, Repeat) and _carries(scope, target.id):
        return True
    return _enter(scope, target.id, target.span)


def _enter_next(scope: Scope, target: Name, kind: str) -> bool:
    if kind != "state":
        what = (
            f"'{target.id}' is {article(kind)}, not a state"
            if kind
            else f"there is no state '{target.id}'"
        )
        states = [d.name for d in scope.declared.values() if d.kind == "state"]
        guess = "" if kind else scope.suggest(target.id, states)
        note = "only a state has a next value"
        scope.report(Fault(what + guess, target.span, notes=[note]))
        return False
    return _enter(scope, str(target), target.span)


def _carries(scope: Scope, name: str) -> bool:
    """A repeat goes on with the value that an equation above it has given to the same name."""
    for place, unit in enumerate(scope.units):
        if name in unit.keys and isinstance(unit.item, Equation) and len(unit.targets) == 1:
            scope.initial[name] = unit
            scope.units[place] = unit
            unit.targets = (Name(f"{name} (before)", span=unit.targets[0].span),)
            return True
    return False


def _find_uses(scope: Scope) -> None:
    for unit in scope.units:
        if isinstance(unit.item, Repeat):
            unit.uses = _uses_of_repeat(scope, unit.item)
        elif isinstance(unit.item, Binding):
            bound = {counter.name for counter in unit.item.counters}
            unit.uses = uses_of(unit.item.value, scope.functions, bound)
        elif unit.item.value is not None:
            unit.uses = uses_of(unit.item.value, scope.functions)


def _uses_of_repeat(scope: Scope, item: Repeat) -> dict[str, Name]:
    inside = {target.id for target in _targets_of(item) if not target.primed}
    uses: dict[str, Name] = {}
    for equation in item.items:
        uses |= uses_of(equation.value, scope.functions, {item.name, *inside})
    for bound in (item.start, item.stop):
        uses |= uses_of(bound, scope.functions)
    for name in inside & scope.initial.keys():
        uses[f"{name} (before)"] = Name(name)
    return uses
