"""A trace as tables and figures take it: checked, with words for steps and labels for values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..graph import Graph, Varies
from ..passes.override import overridable
from ..runtime.arrays import ArgumentError, Array, names_of
from .batch import inside
from .saturation import range_of

Words = Sequence[str] | Sequence[Sequence[str]]


@dataclass(frozen=True)
class Value:
    """A traced value, [T, B, *shape]; label: its meaning, as the cell's text says; range: that of
    its outermost function, if it has one."""

    name: str
    array: Array
    label: str
    range: tuple[float, float] | None

    @property
    def title(self) -> str:
        """What a reader calls it: "forget gate f"."""
        return f"{self.label} {self.name}".strip()

    def of_row(self, row: int, length: int) -> Array:
        """[length, units] of one row; a unit is an element of a step, in row-major order."""
        return self.array[:length, row].reshape(length, -1).astype(np.float64)


@dataclass(frozen=True)
class Traced:
    """Values of one call. words: what the steps are called, [rows][steps] ("" where a row is over);
    inside: where rows last, bool [T, B]."""

    values: list[Value]
    words: list[list[str]]
    inside: Array

    @property
    def lengths(self) -> list[int]:
        """How many steps each row has."""
        return [int(count) for count in self.inside.sum(0)]


def inner_names(graph: Graph) -> list[str]:
    """Gates and states: real values that vary from step to step and are no input or mere output."""
    return [name for name in overridable(graph)
            if name in graph.states or name not in {**graph.outputs, **graph.inputs}]


def traced(
    compiled: Compiled, trace: Mapping[str, Any], names: Iterable[str] | None, words: Words | None,
    lengths: Any,
) -> Traced:  # fmt: skip
    """A trace of ``compiled``; its gates and states, or the values named.

    Raises ArgumentError for a name that is not traced or does not vary from step to step, arrays
    that are not [T, B, *shape] with one T and B, or words or lengths that do not fit them.
    """
    chosen = (list(names_of(names, "names")) if names is not None
              else [name for name in inner_names(compiled.graph) if name in trace])
    if not chosen:
        raise ArgumentError("the trace has no gate and no state: give names, or trace some")
    values = [_value(compiled, trace, name) for name in chosen]
    steps, rows = values[0].array.shape[:2]
    for value in values:
        if value.array.shape[:2] != (steps, rows):
            raise ArgumentError(f"'{value.name}' has [T, B] = {list(value.array.shape[:2])}, but "
                                f"'{values[0].name}' has {[steps, rows]}")
    if lengths is not None and np.shape(lengths) != (rows,):
        raise ArgumentError(f"lengths have shape {list(np.shape(lengths))}, expected [{rows}]")
    lasts = inside(steps, rows, lengths)
    return Traced(values, _words(words, lasts), lasts)


def _value(compiled: Compiled, trace: Mapping[str, Any], name: str) -> Value:
    graph = compiled.graph
    if name not in trace or name not in compiled.named:
        raise ArgumentError(f"no value '{name}' is traced; there are {', '.join(trace)}")
    named, state = graph.names.get(name), graph.states.get(name)
    node = named.node if named else overridable(graph).get(name)
    if node is None or node.varies is not Varies.STEP:
        raise ArgumentError(f"'{name}' does not vary from step to step")
    array = np.asarray(trace[name])
    if array.ndim != 2 + len(node.shape) or array.shape[2:] != node.shape:
        raise ArgumentError(f"'{name}' has shape {list(array.shape)}, expected [T, B, ...] with "
                            f"{list(node.shape)} last")
    label = (named.label if named else "") or (state.label if state else "")
    return Value(name, array, label, range_of(node))


def _words(words: Words | None, lasts: Array) -> list[list[str]]:
    """What the steps of every row are called; their numbers where no words are given."""
    steps, rows = lasts.shape
    if words is None:
        given: list[list[str]] = [[str(step) for step in range(steps)]] * rows
    elif all(isinstance(word, str) for word in words):
        given = [[str(word) for word in words]] * rows
    else:
        given = [list(row) for row in words]
    if len(given) != rows:
        raise ArgumentError(f"words are given for {len(given)} rows, expected {rows}")
    for row, length in zip(given, lasts.sum(0), strict=True):
        if not length <= len(row) <= steps:
            raise ArgumentError(f"a row of {length} steps has {len(row)} words")
    return [[*row[:length], *[""] * (steps - length)]
            for row, length in zip(given, lasts.sum(0), strict=True)]
