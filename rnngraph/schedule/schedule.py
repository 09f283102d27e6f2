"""The schedule as a whole: the value that backends spell and users print."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import Graph
from .grammar import Buffer, Procedure, StatePlan, View
from .printing import show


@dataclass(frozen=True)
class Schedule:
    """Everything a backend needs; ``graph`` is the lowered graph the nodes belong to.

    ``saved`` names the buffers that the forward run keeps just for the backward run.
    """

    graph: Graph
    procedures: tuple[Procedure, ...]
    buffers: dict[str, Buffer]
    states: dict[str, StatePlan]
    outputs: dict[str, View]
    saved: tuple[str, ...] = ()

    def __str__(self) -> str:
        return show(self)
