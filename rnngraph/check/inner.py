"""A cell inside a cell: ``use lstm as inner``, and then ``y = inner(x)``.

The inner cell's equations are written into the graph of the outer one. Its parameters, states,
noises and gates are the outer cell's, as ``inner.W``. A call gives its inputs, and by name whatever
else of it the outer cell decides: a state (then it is none), a constant, a size. Sizes that no
argument tells are those of the same name of the outer cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..graph import Graph
from ..ops import show_shape
from ..sizes import Dim, Size, SizeError
from ..source import CellError
from ..syntax.tree import Call, Expr, Name
from .builder import Builder
from .declare import bind_constants, bind_sizes, shape_of
from .elaborate import check, fill, ordered, scope_of
from .evaluate import Evaluator, Value
from .faults import Fault, Unknown, did_you_mean, listed
from .files import broken
from .infer import Guess, Guesses, is_open
from .scope import Scope

MAX_DEPTH = 8


def call_cell(ev: Evaluator, e: Call) -> Value:
    """The outputs of a used cell: one value, or a tuple of several."""
    used = ev.scope.used[e.function.id]
    prefix, chain = f"{ev.prefix}{used.item.name}.", (*ev.scope.chain, used.tree.text.name)
    if chain.count(chain[-1]) > 1 or len(chain) > MAX_DEPTH:
        text = f"cell '{used.item.cell}' uses itself"
        raise Fault(text, used.item.span, notes=[f"the cells are {listed(chain)}"])
    if e.function.id in ev.called:
        note = f"use it once more under another name: use {used.item.cell} as other"
        text = f"'{e.function.id}' is called twice, and has one state"
        raise Fault(text, e.function.span, notes=[note])
    ev.called.add(e.function.id)
    _check_alone(ev, e)
    scope = scope_of(used.tree, chain)
    given = _arguments(ev, e, scope)
    values = {name: _value(ev, scope, name, part) for name, part in given.items()
              if name in scope.declared}  # fmt: skip
    bind_constants(scope, dict(_numbers(ev, scope, given)))
    bind_sizes(scope, None)
    _solve_sizes(ev, e, scope, given, values, prefix)
    return _built(ev, e, scope, values, prefix)


def _check_alone(ev: Evaluator, e: Call) -> None:
    """What is wrong with a cell for itself is its own mistake."""
    used = ev.scope.used[e.function.id]
    try:
        check(used.tree, chain=(*ev.scope.chain, used.tree.text.name))
    except CellError as error:
        raise broken(used.item, error) from None


# --- arguments -----------------------------------------------------------------------------


def _arguments(ev: Evaluator, e: Call, scope: Scope) -> dict[str, Expr]:
    inputs = [d.name for d in scope.declared.values() if d.kind in ("input", "context")]
    ev.counted(e, 0, len(inputs), [k.name for k in e.keywords])
    given = dict(zip(inputs, e.arguments, strict=False))
    free = [d.name for d in scope.declared.values() if d.kind == "state"]
    known = [*inputs, *free, *scope.constants, *_symbols(scope)]
    for keyword in e.keywords:
        if keyword.name not in known:
            text = f"'{e.function.id}' has no '{keyword.name}' to give"
            guess = did_you_mean(keyword.name, known)
            raise Fault(text + guess, keyword.span, notes=[f"it takes {listed(known)}"])
        if keyword.name in given:
            raise Fault(f"'{keyword.name}' is given twice", keyword.span)
        given[keyword.name] = keyword.value
    missing = [name for name in inputs if name not in given]
    if missing:
        raise Fault(f"'{missing[0]}' is not given to '{e.function.id}'", e.span)
    return given


def _symbols(scope: Scope) -> list[str]:
    bind_sizes(scope, None)
    return list(scope.size_places)


def _value(ev: Evaluator, scope: Scope, name: str, part: Expr) -> Any:
    return ev.typed(ev.evaluate(part), part, scope.declared[name].dtype)


def _numbers(ev: Evaluator, scope: Scope, given: dict[str, Expr]) -> Iterator[tuple[str, Any]]:
    for name, part in given.items():
        if name in scope.constants:
            value = ev.evaluate(part)
            if not isinstance(value, int | float):
                raise Fault(f"'{name}' is a constant: give it a number", part.span)
            yield name, value


# --- sizes ---------------------------------------------------------------------------------


def _solve_sizes(ev: Evaluator, e: Call, scope: Scope, given: dict[str, Expr],
                 values: dict[str, Any], prefix: str) -> None:  # fmt: skip
    own = {name: f"{prefix}{name}" for name in scope.size_places}
    scope.sizes.update({name: Size.symbol(symbol) for name, symbol in own.items()})
    for name in own:
        if name in given:
            _put(scope, own[name], _dim(ev, given[name]))
    evaluator = Evaluator(scope, Graph())
    for name, value in values.items():
        part, wanted = given[name], shape_of(evaluator, scope.declared[name]) or ()
        if value.shape is None or any(map(is_open, value.shape)):
            raise Unknown("the shape of an argument")
        if len(wanted) != len(value.shape) or not all(
            _fits(scope, a, b, own) for a, b in zip(wanted, value.shape, strict=True)
        ):
            text = f"'{name}' of '{e.function.id}' is {show_shape(_plain(wanted, prefix))}"
            raise ev.mismatch(text, [part], [value])
    for name, symbol in own.items():
        if scope.sizes[name] == Size.symbol(symbol):
            if name not in ev.scope.sizes:
                text = f"the size '{name}' of '{e.function.id}' is not known"
                note = f"give it in the call: {e.function.id}(..., {name}=...)"
                raise Fault(text, e.span, notes=[note])
            _put(scope, symbol, ev.scope.sizes[name])


def _dim(ev: Evaluator, part: Expr) -> Dim:
    value = ev.evaluate(part)
    if not isinstance(value, int | Size):
        raise Fault("a size is made of whole numbers, constants and sizes", part.span)
    return value


def _plain(shape: tuple[Dim, ...], prefix: str) -> tuple[Any, ...]:
    return tuple(str(dim).replace(prefix, "") for dim in shape)


def _fits(scope: Scope, wanted: Dim, have: Dim, own: dict[str, str]) -> bool:
    """Make a size of the inner cell what an argument has, if it can be."""
    bound = {symbol: scope.sizes[name] for name, symbol in own.items()}
    difference = (wanted.bind(bound) if isinstance(wanted, Size) else wanted) - have
    if not isinstance(difference, Size):
        return bool(difference == 0)
    for symbol in sorted(difference.symbols() & set(own.values())):
        try:
            solved = difference.solve(symbol)
        except SizeError:
            continue
        if solved is not None and (not isinstance(solved, int) or solved > 0):
            _put(scope, symbol, solved)
            return True
    return False


def _put(scope: Scope, symbol: str, value: Dim) -> None:
    for name, dim in scope.sizes.items():
        if isinstance(dim, Size):
            scope.sizes[name] = dim.bind({symbol: value})


# --- the graph -----------------------------------------------------------------------------


def _built(ev: Evaluator, e: Call, scope: Scope, values: dict[str, Any], prefix: str) -> Value:
    guessing = isinstance(ev.build, Guesses)
    graph = Graph() if guessing else ev.build
    if guessing:
        values = {k: graph.input(k, v.shape, v.dtype) for k, v in values.items()}
    builder = Builder(scope, graph, prefix, values)
    fill(builder, ordered(scope))
    if scope.reports:
        first = next(iter(scope.reports))
        note = f"{scope.cell.text.where(first.span)}: {first.message}"
        raise Fault(f"'{e.function.id}' cannot be used like this", e.span, notes=[note])
    made = [builder.reference(output) for output in builder.outputs()]
    nodes = [builder.node(value, Name(e.function.id, span=e.span)) for value in made]
    if guessing:
        nodes = [Guess(ev.build, node.shape, node.dtype) for node in nodes]
    return nodes[0] if len(nodes) == 1 else tuple(nodes)


Evaluator.use = staticmethod(call_cell)
