"""From traces to the rows of the picture, for any cell: which element, which label, which range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..graph import Graph, Node
from .carrier import Carrier
from .picture import Row

Range = tuple[float, float]


def rows_of(graph: Graph, carrier: Carrier, traces: Sequence[Mapping[str, np.ndarray]]
            ) -> list[Row]:
    """A row for every named value and every state of a cell's (unbound) step graph.

    traces: for each sentence the values by name, [words, 2, *shape]; a state's name gives its next
    value. Values that have the carrier's units show the carrying unit; others show the element
    that differs most between the two versions of the sentences.
    """
    named = {name: (named.node, named.label) for name, named in graph.names.items()}
    states = {f"{state.name}'": (state.next, state.label) for state in graph.states.values()}
    rows = []
    for shown, (node, label) in {**named, **states}.items():
        if node is None or (shown in states and node.op in ("input", "context", "param")):
            continue
        values = [trace[shown.removesuffix("'") if shown in states else shown] for trace in traces]
        rows.append(_row(shown, label, node, carrier, values))
    return rows


def _row(name: str, label: str, node: Node, carrier: Carrier, values: list[np.ndarray]) -> Row:
    owns = bool(node.shape) and node.shape[0] == carrier.units.size
    if owns:
        values = [value[:, :, carrier.unit] for value in values]
    element = _most_different(values)
    key: tuple[Any, ...] = (slice(None), slice(None), *element)
    lines = tuple(value[key].T for value in values)
    index = ([carrier.unit] if owns else []) + list(element)
    shown = name if index in ([], [carrier.unit]) and owns else f"{name}{index if index else ''}"
    return Row(shown, label, lines, range_of(node))


def _most_different(values: list[np.ndarray]) -> tuple[int, ...]:
    """The index in the remaining axes [words, 2, ...] where the two versions differ most."""
    apart = np.max([np.abs(value[:, 0] - value[:, 1]).max(0) for value in values], axis=0)
    return tuple(int(i) for i in np.unravel_index(int(apart.argmax()), apart.shape))


def range_of(node: Node) -> Range | None:
    """The range that the equation of a value allows, if its ops bound it; else None."""
    if node.op == "sigmoid":
        return 0.0, 1.0
    if node.op in ("tanh", "sin", "cos"):
        return -1.0, 1.0
    if node.op == "constant":
        return node.attrs["value"], node.attrs["value"]
    if node.op in ("slice", "expand", "reshape"):
        return range_of(node.operands[0])
    if node.op in ("sub", "mul"):
        return _combined(node.op, *(range_of(operand) for operand in node.operands))
    return None


def _combined(op: str, a: Range | None, b: Range | None) -> Range | None:
    if a is None or b is None:
        return None
    if op == "sub":
        return a[0] - b[1], a[1] - b[0]
    corners = [x * y for x in a for y in b]
    return min(corners), max(corners)
