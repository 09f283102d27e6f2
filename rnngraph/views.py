"""Views of a graph that can be drawn: the cell itself, its gradient, its schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from .activity import differentiable
from .compile import Request, stages
from .diagram import Diagram, diagram
from .graph import Graph, Named
from .passes.bind import bind, symbols
from .passes.gradient import gradient
from .passes.simplify import simplify
from .schedule import Schedule
from .schedule.grammar import Kernel, Tile
from .schedule.printing import title

DEFAULT_SIZE = 64  # for sizes that are still symbols where the schedule needs numbers
MARK = "d"


def cell_view(graph: Graph, detail: str | None = None) -> Diagram:
    """The step graph as its text describes it."""
    return diagram(graph, detail=detail or "gates")


def gradient_view(graph: Graph, detail: str | None = None) -> Diagram:
    """The cell and, running against it in time, its gradient."""
    return diagram(simplify(gradient(graph, differentiable(graph), MARK)), detail=detail or "ops")


def schedule_view(graph: Graph, detail: str | None = None) -> Diagram:
    """Every op in the kernel that computes it, and the kernels in their phases.

    Sizes that are still open are taken as 64.
    """
    bound = bind(graph, dict.fromkeys(symbols(graph), DEFAULT_SIZE))
    plan: Schedule = stages(bound, Request(tuple(bound.outputs)))["schedule"]
    labels = {name: named.label for name, named in bound.names.items()}
    names = {name: Named(node, labels.get(name, "")) for name, node in plan.graph.hints.items()}
    drawn = replace(plan.graph, names=names)
    return diagram(drawn, detail=detail or "ops", groups=dict(_groups(plan)))


VIEWS: Mapping[str, Callable[[Graph, str | None], Diagram]] = {
    "cell": cell_view,
    "gradient": gradient_view,
    "schedule": schedule_view,
}


def _groups(plan: Schedule) -> Iterator[tuple[int, str]]:
    number = 0
    for procedure in plan.procedures:
        for phase in procedure.phases:
            for kernel in phase.kernels:
                number += 1
                label = f"{title(phase).rstrip(':')}: kernel {number}"
                yield from ((node, label) for node in _computed(kernel))


def _computed(kernel: Kernel) -> Iterator[int]:
    if not isinstance(kernel, Tile):
        return
    yield from (accumulator.node.id for accumulator in kernel.accumulators)
    yield from (node.id for node in kernel.closure.body)
