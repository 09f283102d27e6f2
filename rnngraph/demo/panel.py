"""From traces to the rows of the picture, for any cell: which element, which label, which range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..explain.report import shown_values
from ..graph import Graph, Node
from ..train.loop import Array
from .carrier import Carrier
from .picture import Row

Range = tuple[float, float]


def rows_of(graph: Graph, carrier: Carrier, traces: Sequence[Mapping[str, Array]]) -> list[Row]:
    """A row for every named value that varies and then every state of a cell's step graph.

    traces: for each sentence the values by name, [words, 2, *shape]; a state's name gives its next
    value. Values that have the carrier's units show the carrying unit; others show the element
    that differs most between the two versions of the sentences.
    """
    return [_row(one.box, one.label, one.name if one.name in graph.states else "", one.node,
                 carrier, [trace[one.name] for trace in traces])
            for one in shown_values(graph)]


def _row(name: str, label: str, state: str, node: Node, carrier: Carrier, values: list[Array]
         ) -> Row:
    owns = node.id in carrier.units.aligned and bool(node.shape)
    if owns:
        values = [value[:, :, carrier.unit] for value in values]
    element = _most_different(values)
    key: tuple[Any, ...] = (slice(None), slice(None), *element)
    index = [*([carrier.unit] if owns else []), *element]
    shown = name if owns and not element else f"{name}{index or ''}"
    return Row(shown, label, tuple(value[key].T for value in values), range_of(node), state=state)


def _most_different(values: list[Array]) -> tuple[int, ...]:
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
