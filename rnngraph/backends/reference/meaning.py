"""What a graph means: the NumPy oracle for every stage.

It knows nothing of schedules. A value is asked for at a time-step; state leaves ask for their
next value at another step; results are remembered. That is slow, and obviously right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import Graph, Node, Varies
from ...ops import OPS

Array = np.ndarray[Any, Any]


@dataclass
class Result:
    """``outputs``, ``finals`` (of the states) and traced ``values`` of a sequence, by name."""

    outputs: dict[str, Array]
    finals: dict[str, Array]
    values: dict[str, Array]


def evaluate(
    graph: Graph,
    given: Mapping[str, Array],
    steps: int,
    rows: int,
    initial: Mapping[str, Array] | None = None,
    trace: Iterable[str] = (),
    dtype: Any = np.float64,
    rounded: Callable[[Array], Array] = lambda value: value,
) -> Result:
    """Evaluate a graph with bound sizes over a whole sequence.

    ``given`` holds inputs ``[T, B, *shape]``, contexts ``[B, *shape]`` and params ``[*shape]``
    by name; ``initial`` the states' first values ``[B, *shape]`` (default: their ``init``).
    ``trace`` lists named values to return as ``values``. Every real result goes through
    ``rounded``: what a rounding at random does to them tells how well-conditioned the equations
    are (Monte Carlo arithmetic: Parker 1997, UCLA CSD-970002).
    """
    run = _Run(graph, given, initial or {}, steps, rows, np.dtype(dtype), rounded)
    with np.errstate(all="ignore"):
        return Result(
            {name: run.sequence(node) for name, node in graph.outputs.items()},
            {name: run.final(name) for name in graph.states},
            {name: run.sequence(graph.names[name].node) for name in trace},
        )


class _Run:
    def __init__(
        self,
        graph: Graph,
        given: Mapping[str, Array],
        initial: Mapping[str, Array],
        steps: int,
        rows: int,
        dtype: np.dtype[Any],
        rounded: Callable[[Array], Array],
    ) -> None:
        self.graph, self.given, self.initial = graph, given, initial
        self.steps, self.rows, self.dtype, self.rounded = steps, rows, dtype, rounded
        self.known: dict[tuple[int, int], Array] = {}

    def key(self, node: Node, t: int) -> tuple[int, int]:
        return node.id, t if node.varies is Varies.STEP else 0

    def sequence(self, node: Node) -> Array:
        """A value for all steps, shaped as the node varies."""
        if node.varies is Varies.ONCE:
            once: Array = self.value(node, 0)[0]
            return once
        if node.varies is Varies.ROW:
            return self._full(self.value(node, 0), node)
        found = [self._full(self.value(node, t), node) for t in range(self.steps)]
        empty = np.zeros((0, self.rows, *node.shape), _dtype(node, self.dtype))
        return np.stack(found) if found else empty

    def final(self, name: str) -> Array:
        """A state's value after the last step in its direction of time."""
        state = self.graph.states[name]
        if self.steps == 0:
            return self._initial(name)
        assert state.next is not None
        last = self.steps - 1 if state.delay > 0 else 0
        return self._full(self.value(state.next, last), state.next)

    def _full(self, value: Array, node: Node) -> Array:
        return np.broadcast_to(value, (self.rows, *node.shape)).copy()

    def _initial(self, name: str) -> Array:
        state = self.graph.states[name]
        value: Array | float | None = self.initial.get(name)
        if value is None:
            value = self.given[state.init] if isinstance(state.init, str) else state.init
        shape = (self.rows, *state.leaf.shape)
        return np.broadcast_to(np.asarray(value, self.dtype), shape).copy()

    def value(self, node: Node, t: int) -> Array:
        """The node's value at step ``t``, with one leading row axis (length 1 if ONCE)."""
        stack = [(node, t)]
        while stack:
            node, t = stack[-1]
            if self.key(node, t) in self.known:
                stack.pop()
                continue
            missing = [n for n in self._needs(node, t) if self.key(*n) not in self.known]
            if missing:
                stack.extend(missing)
                continue
            value = self._compute(node, t)
            self.known[self.key(node, t)] = self.rounded(value) if node.dtype == "real" else value
            stack.pop()
        return self.known[self.key(node, t)]

    def _needs(self, node: Node, t: int) -> list[tuple[Node, int]]:
        if node.op == "state":
            state = self.graph.state_of(node)
            before = t - state.delay
            inside = 0 <= before < self.steps and state.next is not None
            return [(state.next, before)] if inside else []  # type: ignore[list-item]
        if node.op == "total":
            operand = node.operands[0]
            count = self.steps if operand.varies is Varies.STEP else 1
            return [(operand, s) for s in range(count)]
        return [(x, t) for x in node.operands]

    def _compute(self, node: Node, t: int) -> Array:
        if node.op == "state":
            needs = self._needs(node, t)
            return self.known[self.key(*needs[0])] if needs else self._initial(node.attrs["name"])
        if OPS[node.op].kind == "leaf":
            return self._leaf(node, t)
        if node.op == "total":
            return self._total(node)
        operands = [self.known[self.key(x, t)] for x in node.operands]
        if OPS[node.op].elementwise:
            rank = max(x.ndim for x in operands)
            operands = [x.reshape(*x.shape, *(1,) * (rank - x.ndim)) for x in operands]
        reference = OPS[node.op].reference
        assert reference is not None
        return np.asarray(reference(*operands, **node.attrs), _dtype(node, self.dtype))

    def _leaf(self, node: Node, t: int) -> Array:
        if node.op == "constant":
            return np.full((1, *node.shape), node.attrs["value"], self.dtype)
        if node.op == "eye":
            return np.eye(node.shape[0], dtype=self.dtype)[None]
        if node.op == "iota":
            return np.arange(node.shape[0], dtype=self.dtype)[None]
        value = np.asarray(self.given[node.attrs["name"]], _dtype(node, self.dtype))
        if node.varies is Varies.STEP:
            step: Array = value[t]
            return step
        return value if node.varies is Varies.ROW else value[None]

    def _total(self, node: Node) -> Array:
        operand = node.operands[0]
        count = self.steps if operand.varies is Varies.STEP else 1
        parts = [self._full(self.known[self.key(operand, t)], operand) for t in range(count)]
        whole = np.zeros((self.rows, *node.shape), self.dtype)
        for part in parts:
            whole = whole + part
        return whole if node.varies is Varies.ROW else whole.sum(0, keepdims=True)


def _dtype(node: Node, real: np.dtype[Any]) -> Any:
    return {"real": real, "int": np.int64, "bool": np.bool_}[node.dtype]
