"""What a caller gives, checked once per call against the cell's interface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..activity import differentiable
from ..graph import Graph, Node, Varies
from ..passes.mask import ENDS, INSIDE, STARTS
from .arrays import ArgumentError, Array, fitted, known, names_of
from .noise import drawn

OPTIONS = "lengths, reset, reverse, batch_first, seed, first_step, steps and rows"


@dataclass
class Call:
    """One call's fitting arrays: ``given`` by leaf name, ``initial`` by state name."""

    steps: int
    rows: int
    given: dict[str, Array]
    initial: dict[str, Array]
    given_states: tuple[str, ...] = ()
    lengths: bool = False
    reset: bool = False
    reverse: bool = False
    batch_first: bool = False
    noisy: bool = False

    def out(self, array: Array, varies: Varies = Varies.STEP) -> Array:
        """A result in the caller's order of axes."""
        swap = self.batch_first and varies is Varies.STEP
        return np.swapaxes(array, 0, 1) if swap else array


class Arguments:
    """Checks and converts the arguments of calls of one cell."""

    def __init__(self, graph: Graph, dtype: np.dtype[Any]) -> None:
        self.graph, self.dtype = graph, dtype
        self.limits = _index_limits(graph)

    def call(
        self,
        params: Mapping[str, Any],
        x: Any,
        state: Mapping[str, Any] | None = None,
        *,
        lengths: Any = None,
        reset: Any = None,
        reverse: bool = False,
        batch_first: bool = False,
        steps: int | None = None,
        rows: int | None = None,
        seed: int | None = None,
        first_step: int = 0,
        **others: Any,
    ) -> Call:
        """All arguments of a call. ``steps`` and ``rows`` are needed by cells without inputs."""
        if others:
            raise ArgumentError(f"unknown option '{next(iter(others))}'; the options are {OPTIONS}")
        given = self.named(x)
        inputs = {name: self._input(name, given[name], batch_first) for name in self.graph.inputs}
        contexts = {name: self._context(name, given[name]) for name in self.graph.contexts}
        steps, rows = _extent(inputs, contexts, steps, rows)
        state = {} if state is None else state
        initial = self.states(state, rows)
        call = Call(steps, rows, {**inputs, **contexts, **self.params(params)}, {},
                    tuple(initial), lengths is not None, reset is not None, reverse,
                    batch_first)  # fmt: skip
        call.initial = self.filled(initial, rows, call.given)
        if lengths is not None:
            self._set_lengths(call, lengths)
        self._check_indices(call.given)
        if reset is not None:
            self._set_reset(call, reset)
        if seed is not None:
            seed, first = _natural("seed", seed), _natural("first_step", first_step)
            call.given |= drawn(self.graph, seed, first, steps, rows, self.dtype)
            call.noisy = bool(self.graph.noises)
        return call

    # --- inputs ------------------------------------------------------------------------------

    def named(self, x: Any) -> Mapping[str, Any]:
        """Inputs and contexts by name; an array is the only one. Raises ArgumentError."""
        names = [*self.graph.inputs, *self.graph.contexts]
        if not isinstance(x, Mapping):
            if len(names) != 1:
                raise ArgumentError(f"give a dict with {', '.join(names)}: {{'{names[0]}': ...}}"
                                    if names else "this cell has no inputs: give {}")  # fmt: skip
            return {names[0]: x}
        known(x, names, "input")
        return x

    def with_time(self, x: Any) -> dict[str, Any]:
        """Inputs of one step, ``[B, *shape]``, as a sequence of length 1."""
        given = self.named(x)
        inputs = {
            name: fitted(given[name], name, ("B", *leaf.shape), self._dtype(leaf))[None]
            for name, leaf in self.graph.inputs.items()
        }
        return {**inputs, **{name: given[name] for name in self.graph.contexts}}

    def _input(self, name: str, value: Any, batch_first: bool) -> Array:
        leaf = self.graph.inputs[name]
        lead = ("B", "T") if batch_first else ("T", "B")
        array = fitted(value, name, (*lead, *leaf.shape), self._dtype(leaf))
        return np.ascontiguousarray(np.swapaxes(array, 0, 1)) if batch_first else array

    def _context(self, name: str, value: Any) -> Array:
        leaf = self.graph.contexts[name]
        return fitted(value, name, ("B", *leaf.shape), self._dtype(leaf))

    def _dtype(self, leaf: Node) -> np.dtype[Any]:
        return np.dtype(np.int64) if leaf.dtype == "int" else self.dtype

    def _check_indices(self, given: Mapping[str, Array]) -> None:
        """Integers that look something up must be rows of the table: nothing else checks them."""
        for name, limit in self.limits.items():
            array = given[name]
            low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
            if low < 0 or high >= limit:
                wrong = low if low < 0 else high
                raise ArgumentError(
                    f"'{name}' holds {wrong}, expected integers from 0 to {limit - 1}"
                )

    def params(self, params: Mapping[str, Any]) -> dict[str, Array]:
        """All parameters ``[*shape]`` by name. Raises ArgumentError."""
        known(params, list(self.graph.params), "parameter")
        return {
            name: fitted(params[name], name, leaf.shape, self.dtype)
            for name, leaf in self.graph.params.items()
        }

    # --- states ------------------------------------------------------------------------------

    def states(
        self, given: Mapping[str, Any], rows: int, zero: bool = False
    ) -> dict[str, Array]:
        """States ``[B, *shape]`` by name; those not given are 0 (``zero``) or left out."""
        known(given, list(self.graph.states), "state", some=True)
        made = {}
        for name, state in self.graph.states.items():
            shape = (rows, *state.leaf.shape)
            if name in given:
                made[name] = fitted(given[name], f"state {name}", shape, self.dtype)
            elif zero:
                made[name] = np.zeros(shape, self.dtype)
        return made

    def filled(
        self, states: Mapping[str, Array], rows: int, values: Mapping[str, Array]
    ) -> dict[str, Array]:
        """All states: those not given begin as the cell says, with its parameters ``values``."""
        made = dict(states)
        for name, state in self.graph.states.items():
            if name not in made:
                first = values.get(state.init, 0.0) if isinstance(state.init, str) else state.init
                made[name] = np.broadcast_to(
                    np.asarray(first, self.dtype), (rows, *state.leaf.shape)
                )
        return made

    # --- masks -------------------------------------------------------------------------------

    def _set_lengths(self, call: Call, lengths: Any) -> None:
        array = fitted(lengths, "lengths", (call.rows,), np.dtype(np.int64))
        if array.size and (array.min() < 0 or array.max() > call.steps):
            wrong = array.min() if array.min() < 0 else array.max()
            raise ArgumentError(f"'lengths' holds {wrong}, expected 0 to {call.steps}")
        inside = np.arange(call.steps)[:, None] < array[None, :]
        call.given[INSIDE] = inside.astype(self.dtype)
        for name, leaf in self.graph.inputs.items():
            if leaf.dtype == "int":  # padding may hold anything, -1 too
                mask = inside.reshape(*inside.shape, *(1 for _ in leaf.shape))
                call.given[name] = np.where(mask, call.given[name], 0)

    def _set_reset(self, call: Call, reset: Any) -> None:
        shape = (call.rows, call.steps) if call.batch_first else (call.steps, call.rows)
        array = fitted(reset, "reset", shape, self.dtype)
        if not np.all((array == 0) | (array == 1)):
            wrong = array[(array != 0) & (array != 1)][0]
            raise ArgumentError(f"'reset' holds {wrong}, expected truth values")
        starts = np.ascontiguousarray(array.T) if call.batch_first else array
        ends = np.zeros_like(starts)
        ends[:-1] = starts[1:]
        call.given[STARTS], call.given[ENDS] = starts, ends

    # --- cotangents and tangents ---------------------------------------------------------------

    def cotangents(
        self, call: Call, outputs: Iterable[str], dy: Any, mark: str
    ) -> dict[str, Array]:
        """Cotangents of the outputs, by the names of their leaves in the gradient graph."""
        names = list(outputs)
        if not isinstance(dy, Mapping):
            if len(names) != 1:
                raise ArgumentError(f"give the cotangents as a dict with {', '.join(names)}")
            dy = {names[0]: dy}
        for name in dy:
            if name not in names:
                raise ArgumentError(f"no output is named '{name}'; outputs are {', '.join(names)}")
        made = {}
        for name in names:
            node = self.graph.outputs[name]
            if node.dtype == "real":
                given = dy.get(name)
                made[f"{mark}out({name})"] = self._like(call, node, given, f"cotangent of {name}")
        return made

    def tangents(self, call: Call, dparams: Any, dx: Any) -> dict[str, Array]:
        """Directions by name of parameter, input or context; what is not given stays still."""
        graph = self.graph
        leaves = {**graph.inputs, **graph.contexts}
        real = [name for name, leaf in leaves.items() if leaf.dtype == "real"]
        dparams = {} if dparams is None else dparams
        dx = {} if dx is None else dx
        if not isinstance(dx, Mapping):
            if len(leaves) != 1:
                raise ArgumentError(f"give directions as a dict with some of {', '.join(real)}")
            dx = {next(iter(leaves)): dx}
        known(dparams, list(graph.params), "parameter", some=True)
        known(dx, real, "input", some=True)
        leaves |= graph.params
        return {
            name: self._like(call, leaves[name], value, f"direction of {name}")
            for name, value in {**dparams, **dx}.items()
        }

    def wrt(self, wrt: Iterable[str] | None) -> tuple[str, ...]:
        """What to differentiate to: all that can be, or those named."""
        known = differentiable(self.graph)
        names = tuple(known) if wrt is None else names_of(wrt, "wrt")
        for name in names:
            if name not in known:
                have = ", ".join(known)
                raise ArgumentError(f"cannot differentiate to '{name}'; choose from {have}")
        return names

    def moved(
        self, call: Call, moves: Mapping[str, Array], dstate: Mapping[str, Any] | None
    ) -> dict[str, Array]:
        """Directions of all initial states: learned ones move with their parameter."""
        made = self.states({} if dstate is None else dstate, call.rows, zero=True)
        for name, state in self.graph.states.items():
            still = name in call.given_states or name in (dstate or ())
            if state.init in moves and not still:
                made[name] = np.broadcast_to(moves[state.init], made[name].shape)  # type: ignore[index]
        return made

    def _like(self, call: Call, node: Node, value: Any, what: str) -> Array:
        """An array shaped like a node's value over the whole call; None is 0."""
        lead: tuple[int, ...] = {
            Varies.STEP: (call.steps, call.rows), Varies.ROW: (call.rows,), Varies.ONCE: ()
        }[node.varies]  # fmt: skip
        if value is None:
            return np.zeros((*lead, *node.shape), self.dtype)
        swap = call.batch_first and node.varies is Varies.STEP
        shape = (lead[1], lead[0]) if swap else lead
        array = fitted(value, what, (*shape, *node.shape), self.dtype)
        return np.ascontiguousarray(np.swapaxes(array, 0, 1)) if swap else array


def _natural(what: str, value: Any) -> int:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < 0:
        raise ArgumentError(f"{what} must be an integer of 0 or more, not {value!r}")
    return int(value)


def _extent(
    inputs: Mapping[str, Array], contexts: Mapping[str, Array], steps: int | None, rows: int | None
) -> tuple[int, int]:
    """T and B, which all inputs and contexts must agree on."""
    for what, count in (("steps", steps), ("rows", rows)):
        if count is not None and (not isinstance(count, (int, np.integer)) or count < 0):
            raise ArgumentError(f"{what} must be an integer of 0 or more, not {count!r}")
    for name, array in inputs.items():
        if steps is None:
            steps = array.shape[0]
        if array.shape[0] != steps:
            raise ArgumentError(f"'{name}' has {array.shape[0]} steps, expected {steps}")
    for name, count in [*((n, a.shape[1]) for n, a in inputs.items()),
                        *((n, a.shape[0]) for n, a in contexts.items())]:  # fmt: skip
        rows = count if rows is None else rows
        if count != rows:
            raise ArgumentError(f"'{name}' has {count} rows, expected {rows}")
    if steps is None or rows is None:
        raise ArgumentError("this cell has no inputs that tell: give steps= and rows=")
    return steps, rows


def _index_limits(graph: Graph) -> dict[str, int]:
    """For every integer leaf that looks something up: how many rows the smallest table has."""
    limits: dict[str, int] = {}
    for node in graph.reachable():
        if node.op == "gather" and "name" in node.operands[1].attrs:
            name, size = node.operands[1].attrs["name"], node.operands[0].shape[0]
            limits[name] = min(size, limits.get(name, size))
    return limits
