"""Tree to graph: the order of the checks, and the evaluation of every equation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from ..graph import Graph
from ..source import CellError, Source, Span
from ..syntax import Cell, parse
from ..syntax.tree import Fn, Name
from . import builtins as _builtins  # fills the evaluator's table
from .builder import Builder
from .declare import (
    Shape,
    bind_constants,
    bind_sizes,
    shape_of,
)
from .equations import unit_values
from .evaluate import ELEMENTWISE, Evaluator
from .faults import Exhausted, Fault, Unknown
from .infer import Guess, Guesses, Inference
from .scope import Scope, collect
from .statics import is_static
from .unknown import report_unknown_names
from .walk import Unit, arrange, looks_back, references, values_of

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
    chain: tuple[str, ...] = (),
) -> Graph:
    """The step graph of a cell.

    With ``sizes`` all shapes are numbers, and every size of the cell must be given; without, its
    size symbols stay.  ``consts`` replaces values of the cell's constants.  ``chain``: the files
    of the cells around one that is used inside, and its own.  Raises CellError with all
    independent mistakes.
    """
    scope = scope_of(tree, chain)
    bind_constants(scope, consts or {})
    bind_sizes(scope, sizes)
    report_unknown_names(scope, BUILTIN_NAMES)
    order = ordered(scope)
    _report_idle_states(scope)
    graph = Graph(tree.name, tree.doc, tree.source, tree.family)
    builder = Builder(scope, graph)
    try:
        fill(builder, order)
        for output in builder.outputs():
            builder.attempt(lambda output=output: builder.output(output))  # type: ignore[misc]
        _report_idle_cells(scope, builder.called)
    except Exhausted as fault:
        scope.report(fault)
    if builder.unknown and not scope.reports:
        key = builder.unknown[0]
        scope.report(Fault(f"'{key}' is not known here", scope.places.get(key, scope.cell.span)))
    if scope.reports:
        raise CellError(tree.text, scope.reports)
    return graph


def scope_of(tree: Cell, chain: tuple[str, ...] = ()) -> Scope:
    """All names of a cell."""
    return collect(tree, prelude(), BUILTIN_NAMES, chain)


def ordered(scope: Scope) -> list[Unit]:
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


def _report_idle_cells(scope: Scope, called: set[str]) -> None:
    for name, used in scope.used.items():
        if name not in called and not scope.reports:
            note = f"write y = {name}(x), or take it out"
            scope.report(Fault(f"cell '{name}' is never called", used.item.span, notes=[note]))


def _report_idle_states(scope: Scope) -> None:
    defined = {key for unit in scope.units for key in unit.keys}
    for d in scope.declared.values():
        key = f"{d.name}'"
        if d.kind == "state" and key not in defined:
            if key not in scope.broken:
                note = f"write {key} = ..., or declare a context or a param if it never changes"
                scope.report(Fault(f"state '{d.name}' is never updated", d.span, notes=[note]))
            scope.broken.add(key)


def fill(builder: Builder, order: list[Unit]) -> None:
    """Put leaves, equations and names into the graph of a builder; mistakes go to its scope."""
    scope = builder.scope
    shapes = _shapes(scope)
    missing = None
    if any(shape is None for shape in shapes.values()) or _looks_back(scope):
        inference = _inference(scope, order, shapes)
        missing, builder.ahead = _missing(scope, inference, shapes), inference.found()
    builder.declare({name: s for name, s in shapes.items() if s is not None})
    for unit in order:
        builder.attempt(lambda unit=unit: builder.assign(unit))  # type: ignore[misc]
    builder.finish()
    if missing is not None and not scope.reports:
        for fault in missing:
            scope.report(fault)


def _looks_back(scope: Scope) -> bool:
    """Whether a cell may look at an earlier value of a gate, whose shape must then be known
    first; a function may do so for any name that it is given."""
    if any(looks_back(ref) for fn in scope.functions.values() for ref in references(fn.body)):
        return True
    calls = [ref for unit in scope.units for e in values_of(unit.item) for ref in references(e)
             if looks_back(ref)]  # fmt: skip
    return any(scope.kind_of(call.arguments[0].id) == "value" for call in calls)  # type: ignore


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


# --- shapes that are left out --------------------------------------------------------------


def _inference(
    scope: Scope, order: list[Unit], shapes: Mapping[str, Shape | None]
) -> Inference:
    """All that can be told of the shapes of a cell."""
    guesses = Guesses()
    inference = Inference(scope, guesses)
    for name, shape in shapes.items():
        inference.values[name] = Guess(guesses, shape, scope.declared[name].dtype)
    for unit in order:
        _guess_unit(inference, unit)
    _guess_initial_states(inference)
    return inference


def _missing(
    scope: Scope, inference: Inference, shapes: dict[str, Shape | None]
) -> list[Fault] | None:
    """Put inferred shapes into ``shapes``; reports on those that stay open (None: none was)."""
    if all(shape is not None for shape in shapes.values()):
        return None
    found, stopped = inference.found(), inference.stopped
    shapes.update({name: found.get(name) for name, shape in shapes.items() if shape is None})
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


def _guess_unit(inference: Inference, unit: Unit) -> None:
    try:
        for target, value, e, _ in unit_values(inference, unit):
            guess = inference.node(value, e) if not is_static(value) else value
            if target.primed and target.id in inference.values and isinstance(guess, Guess):
                inference.build.agree(guess, inference.values[target.id])
            inference.define(str(target), guess)
    except Exhausted:
        raise
    except Fault as fault:
        inference.stopped.append(fault)
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
