"""Runs in which chosen values are given: by name, step, row and unit, at the speed of any run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..activity import differentiable
from ..compiled import Compiled, Pullback
from ..passes.override import VALUE, inputs_of, overridable, override
from ..runtime.arguments import Arguments
from ..runtime.arrays import REAL, ArgumentError, Array, names_of
from .batch import Batch
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
        state: Mapping[str, Any] | None = None, *, outputs: Iterable[str] | None = None,
        **options: Any,
    ) -> tuple[Any, dict[str, Array]]:  # fmt: skip
        """``compiled.run`` with values given, and its options: ``(y, state)``.

        With ``batch_first=True`` masks and values are ``[B, T, *shape]`` as well.
        Raises ArgumentError naming the value, the shape expected and the shape given.
        """
        inputs = self._inputs(params, x, given, state, options)
        return self.program.run(params, inputs, state, outputs=outputs, **options)

    def trace(
        self, params: Mapping[str, Any], x: Any, given: Overrides,
        state: Mapping[str, Any] | None = None, *, names: Iterable[str] | None = None,
        **options: Any,
    ) -> dict[str, Array]:  # fmt: skip
        """``compiled.trace`` with values given, which are shown as they are given."""
        inputs = self._inputs(params, x, given, state, options)
        return self.program.trace(params, inputs, state, names=names, **options)

    def vjp(
        self, params: Mapping[str, Any], x: Any, given: Overrides,
        state: Mapping[str, Any] | None = None, *, outputs: Iterable[str] | None = None,
        wrt: Iterable[str] | None = None, checkpoint_every: int | str | None = None,
        memory_budget: int | None = None, **options: Any,
    ) -> tuple[Any, dict[str, Array], Pullback]:  # fmt: skip
        """``compiled.vjp`` with values given: ``(y, state, pullback)``.

        The gradients of inputs hold that of each given value too, as ``value(name)``: exact, and
        0 where its mask is false.
        """
        inputs = self._inputs(params, x, given, state, options)
        if wrt is None:
            wrt = [*differentiable(self.compiled.graph), *(f"{VALUE}({name})" for name in given)]
        return self.program.vjp(params, inputs, state, outputs=outputs, wrt=wrt,
                                checkpoint_every=checkpoint_every, memory_budget=memory_budget,
                                **options)  # fmt: skip

    def _inputs(
        self, params: Mapping[str, Any], x: Any, given: Overrides, state: Any,
        options: Mapping[str, Any],
    ) -> dict[str, Any]:  # fmt: skip
        """All inputs, in the caller's order of axes, for a call with the options of a run."""
        arguments = Arguments(self.compiled.graph, REAL[self.compiled.dtype])
        call = arguments.call(params, x, state, **{**options, "seed": None})  # not to draw twice
        lead = {"T": call.steps, "B": call.rows}
        if call.batch_first:
            lead = {"B": call.rows, "T": call.steps}
        return {**arguments.named(x), **self._overrides(lead, given)}

    def inputs(self, rows: Batch, given: Overrides) -> dict[str, Array]:
        """Inputs of the program for a batch: its own, and masks and values of all names."""
        return {**rows.x, **self._overrides({"T": rows.steps, "B": rows.rows}, given)}

    def _overrides(self, lead: Mapping[str, int], given: Overrides) -> dict[str, Array]:
        """Masks and values of all names, in the order of axes that ``lead`` has."""
        for name in given:
            if name not in self.nodes:
                raise ArgumentError(f"'{name}' cannot be overridden here; choose from "
                                    f"{', '.join(self.nodes)}")
        nothing = _Zeros(REAL[self.compiled.dtype])
        pairs = {}
        for name, node in self.nodes.items():
            pairs[name] = (nothing.like((*lead.values(), *node.shape)),) * 2
            if name in given:
                pairs[name] = _fitted(name, given[name], lead, node.shape, nothing.dtype)
        return inputs_of(pairs)


class _Zeros:
    """Zeros of each shape, made once."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype, self._made = dtype, dict[tuple[int, ...], Array]()

    def like(self, shape: tuple[int, ...]) -> Array:
        if shape not in self._made:
            self._made[shape] = np.zeros(shape, self.dtype)
        return self._made[shape]


def _fitted(
    name: str, pair: tuple[Any, Any], lead: Mapping[str, int], shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> tuple[Array, Array]:  # fmt: skip
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise ArgumentError(f"the override of '{name}' must be a pair (mask, value)")
    mask, value = (_spread(array, f"the {what} of '{name}'", lead, shape)
                   for what, array in zip(("mask", "value"), pair, strict=True))
    if mask.dtype.kind != "b" and not np.isin(mask, (0, 1)).all():
        raise ArgumentError(f"the mask of '{name}' must hold truth values (or 0 and 1)")
    return np.ascontiguousarray(mask, dtype), np.ascontiguousarray(value, dtype)


def _spread(array: Any, what: str, lead: Mapping[str, int], shape: tuple[int, ...]) -> Array:
    found, whole = np.asarray(array), (*lead.values(), *shape)
    if found.dtype.kind not in "fiub":
        raise ArgumentError(f"{what} holds {found.dtype}, expected numbers")
    try:
        return np.broadcast_to(found, whole)
    except ValueError:
        raise ArgumentError(f"{what} has shape {list(found.shape)}, expected [{', '.join(lead)}, "
                            f"...] = {list(whole)}, or what broadcasts to it") from None


def shared(compiled: Compiled, names: Iterable[str] = ()) -> Overridable:
    """An Overridable for the names and all gates and states: one program for all analyses.

    Other outputs than states, which may be as wide as a vocabulary, have to be named.
    """
    graph = compiled.graph
    inner = [name for name in overridable(graph)
             if name in graph.states or name not in graph.outputs]
    return Overridable(compiled, dict.fromkeys([*inner, *sorted(names_of(names, "names"))]))
