"""Single steps as rows of a batch: what the next state is, and how it moves, at every old state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..graph import Graph
from ..passes.supply import only
from ..runtime.arguments import Arguments
from ..runtime.arrays import REAL, ArgumentError, Array
from .derived import derived
from .line import check_forward

NUMBERS = 1 << 21  # of a state, in the rows of one call


def following(state: str) -> str:
    """The output that holds a state's next value."""
    return f"next({state})"


def with_following(graph: Graph, outputs: tuple[str, ...] = ()) -> Graph:
    """The graph with these outputs, and every state's next value as one."""
    made = only(graph, outputs)
    for state in made.states.values():
        assert state.next is not None
        made.output(following(state.name), state.next)
    return made


@dataclass(frozen=True)
class Steps:
    """The steps of a call, side by side: R = T * B rows, those of step 0 first.

    ``x``: inputs [1, R, *shape] and contexts [R, *shape]; ``before``: the old states [R, *shape].
    """

    program: Compiled
    params: Mapping[str, Any]
    x: dict[str, Array]
    before: dict[str, Array]
    lead: tuple[int, int]

    @property
    def sizes(self) -> dict[str, int]:
        """How many numbers each state is."""
        states = self.program.graph.states.values()
        return {state.name: int(np.prod(state.leaf.shape)) for state in states}

    @property
    def flat(self) -> Array:
        """All old states in one vector a row, [R, n]."""
        return flat(self.before)

    def some(self, rows: Array) -> dict[str, Array]:
        """The inputs and contexts of some rows."""
        inputs = self.program.graph.inputs
        return {n: a[:, rows] if n in inputs else a[rows] for n, a in self.x.items()}

    def apart(self, vectors: Array) -> dict[str, Array]:
        """States by name from vectors [R, n]."""
        ends = np.cumsum(list(self.sizes.values()))[:-1]
        parts = np.split(vectors, ends, axis=1)
        leaves = {name: state.leaf for name, state in self.program.graph.states.items()}
        return {name: np.ascontiguousarray(part).reshape(len(part), *leaves[name].shape)
                for name, part in zip(leaves, parts, strict=True)}  # fmt: skip


def flat(states: Mapping[str, Array]) -> Array:
    """States [R, *shape] in one vector a row, [R, n]."""
    parts = [a.reshape(len(a), int(np.prod(a.shape[1:]))) for a in states.values()]
    return np.concatenate(parts, 1)


def steps_of(
    compiled: Compiled, params: Mapping[str, Any], x: Any, state: Mapping[str, Any] | None = None,
    lengths: Any = None,
) -> Steps:  # fmt: skip
    """The steps of a call in f64. Raises ArgumentError for a cell without states, or with states
    that run back in time."""
    graph = compiled.graph
    check_forward(graph)
    if not graph.states:
        raise ArgumentError(f"cell {graph.title} has no state")
    call = Arguments(graph, REAL["f64"]).call(params, x, state, lengths=lengths)
    program = derived(compiled, "steps", lambda: with_following(graph), "f64")
    given = {name: call.given[name] for name in (*graph.inputs, *graph.contexts)}
    options = {} if lengths is None else {"lengths": lengths}
    outputs = [following(name) for name in graph.states]
    y, _ = program.run(params, given, call.initial, outputs=outputs, **options)
    before = {name: np.concatenate([call.initial[name][None], y[following(name)]])
              for name in graph.states}  # fmt: skip
    rows = call.steps * call.rows
    side = {n: given[n].reshape(1, rows, *given[n].shape[2:]) for n in graph.inputs}
    side |= {n: np.tile(given[n], (call.steps, *(1 for _ in graph.contexts[n].shape)))
             for n in graph.contexts}  # fmt: skip
    old = {name: array[: call.steps].reshape(rows, *array.shape[2:])
           for name, array in before.items()}  # fmt: skip
    return Steps(program, params, side, old, (call.steps, call.rows))


def jacobians(steps: Steps, rows: Array, vectors: Array) -> tuple[Array, Array]:
    """F [R, n], the next states of old states ``vectors`` [R, n] with the inputs of ``rows``, and
    J [R, n, n] = dF / dS, forward-mode along all unit directions at once."""
    n = vectors.shape[1]
    count = max(1, NUMBERS // (n * n))
    parts = [_jacobians(steps, rows[i : i + count], vectors[i : i + count])
             for i in range(0, len(rows), count)]  # fmt: skip
    return np.concatenate([f for f, _ in parts]), np.concatenate([j for _, j in parts])


def _jacobians(steps: Steps, rows: Array, vectors: Array) -> tuple[Array, Array]:
    n = vectors.shape[1]
    each = np.repeat(np.arange(len(rows)), n)
    units = steps.apart(np.tile(np.eye(n), (len(rows), 1)))
    one = following(next(iter(steps.sizes)))
    _, _, after, moved = steps.program.jvp(
        steps.params, steps.some(rows[each]), state=steps.apart(vectors[each]), dstate=units,
        outputs=[one],
    )  # fmt: skip
    columns = flat(moved).reshape(len(rows), n, n)
    return flat(after)[::n], np.ascontiguousarray(columns.transpose(0, 2, 1))
