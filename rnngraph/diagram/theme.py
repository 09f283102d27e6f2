"""How a diagram looks: one record, so that a paper can have its own.

The colours are the Okabe-Ito set for colour-blind readers (outline) over tints of themselves
(fill); what a colour says, the text in the box says too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..ops import OPS

INK, SOFT, FAINT = "#222222", "#666666", "#999999"


@dataclass(frozen=True)
class Paint:
    """Outline, fill and legend text of one kind of box."""

    line: str
    fill: str
    legend: str
    width: float = 1.2


KINDS: Mapping[str, Paint] = MappingProxyType({
    "input": Paint("#555555", "#FFFFFF", "input"),
    "context": Paint("#555555", "#F4F4F4", "context"),
    "noise": Paint("#6A51A3", "#EFEDF5", "noise"),
    "state": Paint("#0072B2", "#DCEBF6", "state", 1.6),
    "sigmoid": Paint("#C98A00", "#FDF1D6", "sigmoid gate"),
    "tanh": Paint("#009E73", "#DFF3EC", "tanh"),
    "activation": Paint("#8A8000", "#FAF7D4", "other activation"),
    "product": Paint("#B5618F", "#F8E8F1", "product"),
    "sum": Paint("#3C93C4", "#EEF7FC", "sum"),
    "value": Paint("#777777", "#F7F7F7", "other value"),
    "weight": Paint("#BBBBBB", "#F2F2F2", "weights", 0.8),
    "output": Paint("#222222", "#FFFFFF", "output", 1.6),
    "cotangent": Paint("#D55E00", "#FCEADF", "cotangent"),
})  # fmt: skip


@dataclass(frozen=True)
class Theme:
    """Sizes in points, colours, and which parts are shown.

    ``direction`` is a Graphviz rankdir, or "auto": left to right while it is narrow enough for a
    column of text, else bottom to top.
    """

    name_size: int = 15
    label_size: int = 10
    equation_size: int = 11
    equation_width: int = 190
    title_size: int = 16
    text_size: int = 11
    direction: str = "auto"
    dpi: int = 144
    legend: bool = True
    title: bool = True
    kinds: Mapping[str, Paint] = field(default_factory=lambda: KINDS)
    edge: str = "#555555"
    delay: str = "#0072B2"
    reads: str = "#C9C9C9"
    cluster_line: str = "#C4C4C4"
    cluster_fill: str = "#FBFBFB"


def kind_of(op: str) -> str:
    """The kind of a value whose outermost op is ``op``."""
    row = OPS[op]
    if op in ("sigmoid", "tanh"):
        return op
    if op in ("mul", "div"):
        return "product"
    if op in ("add", "sub"):
        return "sum"
    if row.elementwise and row.arity == 1 and not row.symbol and row.cost:
        return "activation"
    return "value"
