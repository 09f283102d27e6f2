"""Tree to graph: the order of the checks, and the evaluation of every equation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..graph import Graph, Varies
from ..ops import show_shape
from ..source import CellError, Source, Span
from ..syntax import Cell, parse
from ..syntax.tree import Binding, Equation, Expr, Fn, Name, Repeat
from . import builtins as _builtins  # fills the evaluator's table
from .declare import (
    Shape,
    bind_constants,
    bind_sizes,
    init_of,
    law_of,
    shape_of,
    state_init,
    table_of,
)
from .evaluate import ELEMENTWISE, Evaluator, Value
from .faults import Exhausted, Fault, Unknown
from .infer import Guess, Guesses, Inference, is_open
from .scope import Scope, collect
from .statics import is_static
from .unknown import report_unknown_names
from .walk import Unit, arrange, uses_of

MAX_REPEATS = 1000
BUILTIN_NAMES = frozenset({*ELEMENTWISE, *_builtins.TABLE})


@lru_cache(maxsize=1)
def prelude() -> dict[str, Fn]:
    """The functions of the prelude, by name."""
    path = Path(__file__).with_name("prelude.cell")
    tree = parse(Source(path.read_text(encoding="utf-8"), "prelude.cell"))
    return {item.name: item for item in tree.items if isinstance(item, Fn)}


def check(
    tree: Cell,
    sizes: Mapping[str, int] | None = None,
    consts: Mapping[str, float] | None = None,
) -> Graph:
    """The step graph of a cell.

    With ``sizes`` all shapes are numbers, and every size of the cell must be given; without, its
    size symbols stay.  ``consts`` replaces values of the cell's constants.  Raises CellError with
    all independent mistakes.
    """
    scope = collect(tree, prelude(), BUILTIN_NAMES)
    bind_constants(scope, consts or {})
    bind_sizes(scope, sizes)
    report_unknown_names(scope, BUILTIN_NAMES)
    order = _ordered(scope)
    _report_idle_states(scope)
    try:
        graph = _build(scope, order)
    except Exhausted as fault:
        scope.report(fault)
    if scope.reports:
        raise CellError(tree.text, scope.reports)
    return graph


def _ordered(scope: Scope) -> list[Unit]:
    order, cycles = arrange(scope.units)
    for cycle in cycles:
        names = [unit.targets[0] for unit in cycle]
        scope.broken.update(key for unit in cycle for key in unit.keys)
        if len(names) == 1:
            text = f"'{names[0]}' is defined by itself"
        else:
            path = " -> ".join(f"'{name}'" for name in [*names, names[0]][:9])
            text = f"these depend on each other: {path}"
        labels = [(name.span, f"needs '{after}'") for name, after in
                  zip(names[:8], [*names[1:], names[0]], strict=False)]  # fmt: skip
        note = "a value of the step before is that of a state: state s[H], s' = ..."
        scope.report(Fault(text, names[0].span, labels if len(names) > 1 else (), [note]))
    return [unit for unit in order if not scope.broken.intersection(unit.keys)]


def _report_idle_states(scope: Scope) -> None:
    defined = {key for unit in scope.units for key in unit.keys}
    for d in scope.declared.values():
        key = f"{d.name}'"
        if d.kind == "state" and key not in defined:
            if key not in scope.broken:
                note = f"write {key} = ..., or declare a context or a param if it never changes"
                scope.report(Fault(f"state '{d.name}' is never updated", d.span, notes=[note]))
            scope.broken.add(key)


def _build(scope: Scope, order: list[Unit]) -> Graph:
    shapes = _shapes(scope)
    missing = None
    if any(shape is None for shape in shapes.values()):
        missing = _infer(scope, order, shapes)
    graph = Graph(scope.cell.name, scope.cell.doc, scope.cell.source)
    builder = Builder(scope, graph)
    builder.declare({name: s for name, s in shapes.items() if s is not None})
    for unit in order:
        builder.attempt(lambda unit=unit: builder.assign(unit))  # type: ignore[misc]
    builder.finish()
    if missing is not None and not scope.reports:
        for fault in missing:
            scope.report(fault)
    if builder.unknown and not scope.reports:
        key = builder.unknown[0]
        scope.report(Fault(f"'{key}' is not known here", scope.places.get(key, scope.cell.span)))
    return graph


def _shapes(scope: Scope) -> dict[str, Shape | None]:
    """The shape of every declared name; None where it is left out."""
    shapes: dict[str, Shape | None] = {}
    evaluator = Evaluator(scope, Graph())
    for declared in scope.declared.values():
        try:
            shapes[declared.name] = shape_of(evaluator, declared)
        except Fault as fault:
            scope.report(fault)
            scope.broken.add(declared.name)
        except Unknown:
            scope.broken.add(declared.name)
    return shapes


# --- equations -----------------------------------------------------------------------------


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


# --- building the graph --------------------------------------------------------------------


class Builder(Evaluator):
    """The evaluator on a graph, with what the graph's interface needs."""

    build: Graph

    def __init__(self, scope: Scope, graph: Graph) -> None:
        super().__init__(scope, graph)
        self.labels: dict[str, str] = {}
        self.unknown: list[str] = []

    def attempt(self, action: Callable[[], None]) -> bool:
        """Do something that may stop at a mistake, which is remembered."""
        try:
            action()
        except Exhausted:
            raise
        except Fault as fault:
            self.scope.report(fault)
            return False
        except Unknown as missing:
            self.unknown.append(str(missing))
            return False
        return True

    def declare(self, shapes: Mapping[str, Shape]) -> None:
        """Make the leaves, in the order of the text."""
        for d in self.scope.declared.values():
            if d.name not in shapes:
                continue
            shape = shapes[d.name]
            if d.kind == "input":
                self.values[d.name] = self.build.input(d.name, shape, d.dtype)
            elif d.kind == "context":
                self.values[d.name] = self.build.context(d.name, shape, d.dtype)
            elif d.kind == "param":
                self.values[d.name] = self.build.param(d.name, shape)
                self.attempt(lambda d=d, s=shape: self._init(d, s))  # type: ignore[misc]
            elif d.kind == "noise":
                self.attempt(lambda d=d, s=shape: self._noise(d, s))  # type: ignore[misc]
            else:
                self.values[d.name] = self.build.state(d.name, shape)
        for d in self.scope.declared.values():
            if d.kind == "state" and d.name in shapes:
                self.attempt(lambda d=d: self._state_init(d))  # type: ignore[misc]

    def _init(self, d: Any, shape: Shape) -> None:
        self.build.inits[d.name] = init_of(Evaluator(self.scope, Graph()), d, shape)

    def _noise(self, d: Any, shape: Shape) -> None:
        law = law_of(Evaluator(self.scope, Graph()), d)
        to = Varies.STEP if d.each == "step" else Varies.ROW
        self.values[d.name] = self.build.noise(d.name, shape, law, to)

    def _state_init(self, d: Any) -> None:
        init = state_init(self, d)
        if isinstance(init, str):
            if init not in self.values:
                raise Unknown(init)
            param, leaf = self.values[init], self.values[d.name]
            if param.shape != leaf.shape:
                text = f"'{d.name}' cannot begin with '{init}'"
                raise Fault(text, d.init.value.span, [
                    (d.init.value.span, f"this is {show_shape(param.shape)}"),
                    (d.span, f"this is {show_shape(leaf.shape)}"),
                ], self.declaration(d.init.value))  # fmt: skip
        self.build.states[d.name].init = init

    def assign(self, unit: Unit) -> None:
        """Evaluate a unit and remember its values."""
        for target, value, e, label in unit_values(self, unit):
            node = self.node(value, e)
            if target.primed:
                self._advance(target, node, e, label)
            self.values[str(target)] = node
            self.labels[str(target)] = label

    def _advance(self, target: Name, node: Any, e: Expr, label: str) -> None:
        node = self.typed(node, e)
        leaf = self.values.get(target.id)
        if leaf is None:
            raise Unknown(target.id)
        if node.shape != leaf.shape:
            text = f"the next value of '{target.id}' does not have its shape"
            what = f"this is {show_shape(node.shape)}" if node.shape else "this is a scalar"
            place = self.scope.declared[target.id].span
            note = (f"'{target.id}' is declared as {show_shape(leaf.shape)} here", place)
            raise Fault(text, e.span, [(e.span, what)], [note])
        self.build.advance(target.id, node, label)

    def finish(self) -> None:
        """Name the values and the outputs, in the order of the text."""
        for unit in self.scope.units:
            for target in unit.targets:
                if not target.primed and target.id in self.values and " " not in target.id:
                    label = self.labels.get(target.id, "")
                    self.build.name(target.id, self.values[target.id], label)
        for output in self._outputs():
            self.attempt(lambda output=output: self._output(output))  # type: ignore[misc]

    def _outputs(self) -> list[Name]:
        if self.scope.outputs:
            return self.scope.outputs
        states = [d for d in self.scope.declared.values() if d.kind == "state"]
        if states:
            return [Name(states[0].name, True, span=states[0].span)]
        note = "write output y = ..., or declare a state"
        self.scope.report(Fault("this cell has no output", self.scope.cell.span, notes=[note]))
        return []

    def _output(self, output: Name) -> None:
        if output.id in self.build.outputs:
            note = f"give one of them another name: output y = {output}"
            raise Fault(f"two outputs are named '{output.id}'", output.span, notes=[note])
        value = self.reference(output)
        self.build.output(output.id, self.typed(value, output))

    def delayed(self, name: str, step: int, value: Any, part: Expr) -> Any:
        """``value`` of the step before, by a state of its own."""
        key = f"prev_{name}_{step}"
        if key in self.scope.places:
            raise Fault(f"'{key}' is the name of a delay line here", self.scope.places[key])
        if key not in self.build.states:
            self.values[key] = self.build.state(key, value.shape)
            self.build.advance(key, value)
        return self.values[key]


# --- shapes that are left out --------------------------------------------------------------


def _infer(scope: Scope, order: list[Unit], shapes: dict[str, Shape | None]) -> list[Fault]:
    """Put inferred shapes into ``shapes``; reports on those that stay open."""
    guesses = Guesses()
    inference = Inference(scope, guesses)
    for name, shape in shapes.items():
        inference.values[name] = Guess(guesses, shape, scope.declared[name].dtype)
    stopped: list[Fault] = []
    for unit in order:
        _guess_unit(inference, unit, stopped)
    _guess_initial_states(inference)
    for name, shape in shapes.items():
        guess = inference.values[name].shape
        if shape is None and guess is not None and not any(map(is_open, guess)):
            shapes[name] = guess
    missing = [scope.declared[name] for name, shape in shapes.items() if shape is None]
    scope.broken.update(d.name for d in missing)
    used = {name for unit in scope.units for name in unit.uses}
    return stopped or [_not_found(d.name, d.span, d.name in used) for d in missing]


def _not_found(name: str, span: Span, used: bool) -> Fault:
    if not used:
        text = f"param '{name}' has no shape and is never used"
        return Fault(text, span, notes=["take it out, or use it in an equation"])
    note = f"write it out: param {name}[H, I]"
    return Fault(f"the shape of '{name}' cannot be found from its use", span, notes=[note])


def _guess_unit(inference: Inference, unit: Unit, stopped: list[Fault]) -> None:
    try:
        for target, value, e, _ in unit_values(inference, unit):
            guess = inference.node(value, e) if not is_static(value) else value
            if target.primed and target.id in inference.values and isinstance(guess, Guess):
                inference.build.agree(guess, inference.values[target.id])
            inference.values[str(target)] = guess
    except Exhausted:
        raise
    except Fault as fault:
        stopped.append(fault)
    except (Unknown, ValueError):
        return


def _guess_initial_states(inference: Inference) -> None:
    for d in inference.scope.declared.values():
        value = d.init.value if d.kind == "state" and d.init else None
        if isinstance(value, Name) and value.id in inference.values and d.name in inference.values:
            try:
                inference.build.agree(inference.values[value.id], inference.values[d.name])
            except ValueError:
                continue
