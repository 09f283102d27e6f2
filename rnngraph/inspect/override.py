"""Runs in which chosen values are given: by name, step, row and unit, at the speed of any run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..activity import differentiable
from ..compiled import Compiled, Pullback
from ..passes.override import VALUE, inputs_of, overridable, override
from ..runtime.arrays import REAL, ArgumentError, Array, names_of
from .batch import Batch, batch
from .derived import derived

Overrides = Mapping[str, tuple[Any, Any]]


class Overridable:
    """A compiled cell some values of which can be given, all by one compiled program.

    An override is ``{name: (mask, value)}``: where ``mask`` is true, ``value`` takes the place of
    what the cell computes, and all that reads it reads ``value``: in the same step, and in the
    next if it is a state's. A name is a gate or other named value, a state (its next value), or a
    real input. Both arrays are ``[T, B, *shape]``, or broadcast to that; no bit changes where the
    mask is false.
    """

    def __init__(self, compiled: Compiled, names: Iterable[str] | None = None) -> None:
        """``names``: what can be overridden (default: named values, states and real inputs).

        Raises ArgumentError for a name that the cell does not have, or whose value is no real
        number, or the same at every step.
        """
        self.compiled, known = compiled, overridable(compiled.graph)
        chosen = (*known,) if names is None else names_of(names, "names")
        for name in chosen:
            if name not in known:
                raise ArgumentError(f"'{name}' is no real value that varies from step to step, and "
                                    f"so cannot be overridden; choose from {', '.join(known)}")
        self.nodes = {name: known[name] for name in chosen}

    @property
    def program(self) -> Compiled:
        """The cell that takes ``mask(name)`` and ``value(name)`` as inputs."""
        graph, names = self.compiled.graph, tuple(self.nodes)
        return derived(self.compiled, ("override", names), lambda: override(graph, names))

    def run(
        self, params: Mapping[str, Any], x: Any, given: Overrides,
        state: Mapping[str, Any] | None = None, **options: Any,
    ) -> tuple[Any, dict[str, Array]]:  # fmt: skip
        """``compiled.run`` with values given: ``(y, state)``. All arrays are time-major.

        Raises ArgumentError naming the value, the shape expected and the shape given.
        """
        return self.program.run(params, *self._given(params, x, given, state, options), **options)

    def trace(
        self, params: Mapping[str, Any], x: Any, given: Overrides,
        state: Mapping[str, Any] | None = None, **options: Any,
    ) -> dict[str, Array]:  # fmt: skip
        """``compiled.trace`` with values given, which are shown as they are given."""
        return self.program.trace(params, *self._given(params, x, given, state, options), **options)

    def vjp(
        self, params: Mapping[str, Any], x: Any, given: Overrides,
        state: Mapping[str, Any] | None = None, **options: Any,
    ) -> tuple[Any, dict[str, Array], Pullback]:  # fmt: skip
        """``compiled.vjp`` with values given: ``(y, state, pullback)``.

        The gradients of inputs hold that of each given value too, as ``value(name)``: exact, and
        0 where its mask is false.
        """
        graph = self.compiled.graph
        values = [f"{VALUE}({name})" for name in given]
        options.setdefault("wrt", [*differentiable(graph), *values])
        return self.program.vjp(params, *self._given(params, x, given, state, options), **options)

    def _given(
        self, params: Mapping[str, Any], x: Any, given: Overrides, state: Any,
        options: Mapping[str, Any],
    ) -> tuple[dict[str, Array], Any]:  # fmt: skip
        if options.get("batch_first"):
            raise ArgumentError("overrides are time-major: give [T, B, ...], not batch_first=True")
        size = {name: options[name] for name in ("lengths", "steps", "rows") if name in options}
        return self.inputs(batch(self.compiled, params, x, state, **size), given), state

    def inputs(self, rows: Batch, given: Overrides) -> dict[str, Array]:
        """Inputs of the program for a batch: its own, and masks and values of all names."""
        for name in given:
            if name not in self.nodes:
                raise ArgumentError(f"'{name}' cannot be overridden here; choose from "
                                    f"{', '.join(self.nodes)}")
        nothing = _Zeros(REAL[self.compiled.dtype])
        pairs = {}
        for name, node in self.nodes.items():
            shape = (rows.steps, rows.rows, *node.shape)
            pairs[name] = (nothing.like(shape),) * 2
            if name in given:
                pairs[name] = _fitted(name, given[name], shape, nothing.dtype)
        return {**rows.x, **inputs_of(pairs)}


class _Zeros:
    """Zeros of each shape, made once."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype, self._made = dtype, dict[tuple[int, ...], Array]()

    def like(self, shape: tuple[int, ...]) -> Array:
        if shape not in self._made:
            self._made[shape] = np.zeros(shape, self.dtype)
        return self._made[shape]


def _fitted(
    name: str, pair: tuple[Any, Any], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> tuple[Array, Array]:
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise ArgumentError(f"the override of '{name}' must be a pair (mask, value)")
    mask, value = (_spread(array, f"the {what} of '{name}'", shape)
                   for what, array in zip(("mask", "value"), pair, strict=True))
    if mask.dtype.kind != "b" and not np.isin(mask, (0, 1)).all():
        raise ArgumentError(f"the mask of '{name}' must hold truth values (or 0 and 1)")
    return np.ascontiguousarray(mask, dtype), np.ascontiguousarray(value, dtype)


def _spread(array: Any, what: str, shape: tuple[int, ...]) -> Array:
    found = np.asarray(array)
    if found.dtype.kind not in "fiub":
        raise ArgumentError(f"{what} holds {found.dtype}, expected numbers")
    try:
        return np.broadcast_to(found, shape)
    except ValueError:
        raise ArgumentError(f"{what} has shape {list(found.shape)}, expected [T, B, ...] = "
                            f"{list(shape)}, or what broadcasts to it") from None


def shared(compiled: Compiled, names: Iterable[str] = ()) -> Overridable:
    """An Overridable for the names and all gates and states: one program for all analyses.

    Other outputs than states, which may be as wide as a vocabulary, have to be named.
    """
    graph = compiled.graph
    inner = [name for name in overridable(graph)
             if name in graph.states or name not in graph.outputs]
    return Overridable(compiled, dict.fromkeys([*inner, *sorted(names_of(names, "names"))]))
