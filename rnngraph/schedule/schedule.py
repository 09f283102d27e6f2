"""The schedule as a whole: the value that backends spell and users print."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..graph import Graph
from .grammar import Buffer, Procedure, StatePlan, View
from .printing import show


@dataclass(frozen=True)
class Schedule:
    """Everything a backend needs; ``graph`` is the lowered graph the nodes belong to.

    ``saved`` names the buffers that the forward run keeps just for the backward run. ``memory``
    says, for scratch buffers that share memory, in whose they lie; when ``consumes``, the
    backward run overwrites what the forward run saved. ``precision`` is what the weights of
    products that run at every step are rounded to.
    """

    graph: Graph
    procedures: tuple[Procedure, ...]
    buffers: dict[str, Buffer]
    states: dict[str, StatePlan]
    outputs: dict[str, View]
    saved: tuple[str, ...] = ()
    memory: dict[str, str] = field(default_factory=dict)
    consumes: bool = False
    precision: str = "f32"

    def __str__(self) -> str:
        return show(self)
