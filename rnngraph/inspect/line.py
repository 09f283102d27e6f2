"""The straight line from one call's inputs to another's, as rows of a batch."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..graph import Graph
from ..passes.label import label
from ..passes.mask import INSIDE
from ..passes.supply import alone, name_lookups, supply
from ..runtime.arguments import Arguments, Call
from ..runtime.arrays import REAL, ArgumentError, Array
from .decision import Decision
from .derived import derived


@dataclass(frozen=True)
class Line:
    """Where the values that change begin, and how far they go, [T, B, *shape] by name; what stays
    (``still``), the states at the beginning, and the labelled graph in which what changes is an
    input."""

    graph: Graph
    key: Hashable
    start: dict[str, Array]
    step: dict[str, Array]
    still: dict[str, Array]
    state: dict[str, Array]
    lengths: Array | None

    @property
    def rows(self) -> int:
        """How many pairs of sequences there are."""
        return int(next(iter(self.start.values())).shape[1])

    def at(self, rows: Array, places: Array) -> dict[str, Any]:
        """The inputs at places of the line, one for each row of the result."""
        moved = {}
        for name, start in self.start.items():
            scale = places.reshape(1, -1, *(1 for _ in start.shape[2:])).astype(start.dtype)
            moved[name] = start[:, rows] + scale * self.step[name][:, rows]
        return {**moved, **{name: self._rows(name, rows) for name in self.still}}

    def _rows(self, name: str, rows: Array) -> Array:
        array = self.still[name]
        return array[:, rows] if name in self.graph.inputs else array[rows]

    def options(self, rows: Array) -> dict[str, Any]:
        """State and options of a call on these rows."""
        state = {name: array[rows] for name, array in self.state.items()}
        lengths = {} if self.lengths is None else {"lengths": self.lengths[rows]}
        return {"state": state, **lengths}


def line(
    compiled: Compiled, params: Mapping[str, Any], x: Any, other: Any, decision: Decision,
    state: Mapping[str, Any] | None, lengths: Any, dtype: str,
) -> Line:  # fmt: skip
    """The line from ``x`` to ``other``, along every input and context that differs.

    Words differ as integers, which lie on no line: the first real values behind them do (the row
    of the embedding).
    """
    arguments = _arguments(compiled, decision, dtype)
    one, end = (arguments.call(params, v, state, lengths=lengths) for v in (x, other))
    differing = _differing(compiled.graph, one, end)
    if not differing:
        raise ArgumentError("the two calls do not differ")
    return _line(compiled, decision, one, end, differing, lengths)


def standing(
    compiled: Compiled, params: Mapping[str, Any], x: Any, decision: Decision,
    state: Mapping[str, Any] | None, lengths: Any, dtype: str,
) -> Line:  # fmt: skip
    """The point ``x`` as a line that goes nowhere, along every input and context."""
    call = _arguments(compiled, decision, dtype).call(params, x, state, lengths=lengths)
    reachable = compiled.graph.live([compiled.graph.outputs[decision.output]])
    given = {**compiled.graph.inputs, **compiled.graph.contexts}
    names = [name for name, leaf in given.items() if leaf in reachable]
    return _line(compiled, decision, call, call, names, lengths)


def _arguments(compiled: Compiled, decision: Decision, dtype: str) -> Arguments:
    check_decision(compiled.graph, decision)
    return Arguments(compiled.graph, REAL[dtype])


def _line(
    compiled: Compiled, decision: Decision, one: Call, other: Call, moving: list[str], lengths: Any
) -> Line:
    decision.check(compiled.graph, one.steps, one.rows)
    integers = tuple(n for n in moving if compiled.graph.leaves[n].dtype == "int")
    reals = tuple(n for n in moving if n not in integers)
    named, lookups = name_lookups(compiled.graph, integers, decision.output)
    graph = label(supply(named, [*lookups, *(n for n in reals if n in named.contexts)]))
    start, finish = (_values(compiled, named, lookups, call, reals) for call in (one, other))
    if not start:
        raise ArgumentError(f"what differs does not reach '{decision.output}'")
    still = {n: one.given[n] for n in (*graph.inputs, *graph.contexts) if n not in start}
    step = {name: finish[name] - start[name] for name in start}
    lasting = None if lengths is None else np.asarray(lengths)
    chosen = {name: one.initial[name] for name in one.given_states}
    key = (decision.output, reals, tuple(lookups))
    return Line(graph, key, start, step, still, chosen, lasting)


def _differing(graph: Graph, one: Call, other: Call) -> list[str]:
    if (one.steps, one.rows) != (other.steps, other.rows):
        raise ArgumentError(f"one call has {one.steps} steps of {one.rows} rows, the other "
                            f"{other.steps} of {other.rows}: align them, or pad one")  # fmt: skip
    names = (*graph.inputs, *graph.contexts)
    return [n for n in names if not np.array_equal(one.given[n], other.given[n])]


def _values(
    compiled: Compiled, named: Graph, lookups: list[str], call: Call, reals: tuple[str, ...]
) -> dict[str, Array]:
    """What changes, [T, B, *shape], at one end of the line."""
    made = {}
    for name in reals:
        array = call.given[name]
        wide = (call.steps, *array.shape) if name in compiled.graph.contexts else array.shape
        made[name] = _inside(call, np.broadcast_to(array, wide))
    if lookups:
        key = ("lookups", tuple(lookups))
        small = derived(compiled, key, lambda: alone(named, lookups), "f64")
        leaves = {*small.graph.inputs, *small.graph.contexts}
        params = {name: call.given[name] for name in small.graph.params}
        x = {name: call.given[name] for name in leaves}
        y, _ = small.run(params, x, outputs=lookups)
        for name, array in y.items():
            wide = (call.steps, call.rows, *small.graph.outputs[name].shape)
            made[name] = np.broadcast_to(array, wide)
    return made


def _inside(call: Call, array: Array) -> Array:
    """The array with zeros where sequences are over: padding may hold anything."""
    if INSIDE not in call.given:
        return array
    inside = call.given[INSIDE].reshape(*array.shape[:2], *(1 for _ in array.shape[2:]))
    return np.where(inside > 0, array, 0)


def check_decision(graph: Graph, decision: Decision) -> None:
    """Raises ArgumentError for an output that the cell lacks, or states that run back in time."""
    decision.check_output(graph)
    check_forward(graph)


def check_forward(graph: Graph) -> None:
    """Raises ArgumentError for states that run back in time: they have no earlier and later."""
    back = [state.name for state in graph.states.values() if state.delay != 1]
    if back:
        raise ArgumentError(f"state '{back[0]}' runs back in time; only forward ones are explained")
