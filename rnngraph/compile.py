"""The way of a cell as a named, ordered list of stages.

    graph -> (masks) -> simplified -> selected -> (gradient) -> (tangent) -> pinned -> lowered
          -> hoisted -> schedule -> machine code

``STAGES`` is that list; every value on the way can be printed, verified and evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import entries
from .graph import Graph
from .passes.gradient import gradient
from .passes.hoist import hoist
from .passes.lower import lower
from .passes.mask import reverse, with_lengths, with_reset
from .passes.pin import pin, select
from .passes.share import share
from .passes.simplify import simplify
from .passes.still import still
from .passes.tangent import tangent
from .runtime.executable import Executable
from .schedule import Schedule, kept, schedule
from .schedule.cost import hoisting_pays
from .schedule.scan import with_scans
from .schedule.verify import verify_schedule
from .settings import settings
from .verify import verify

# marks of cotangents, d(name), and of tangents, t(name)
MARK, PUSH = "d", "t"


@dataclass(frozen=True)
class Request:
    """What is asked of a graph: which outputs and named values, gradients with respect to what,
    tangents along what, which masks, whether few rows (then hoisting pays) or many are to be
    expected, whether noise is drawn (or is its mean), what the weights of products are rounded
    to, and whether linear recurrences run in pieces of time."""

    outputs: tuple[str, ...]
    names: tuple[str, ...] = ()
    wrt: tuple[str, ...] | None = None
    along: tuple[str, ...] | None = None
    lengths: bool = False
    reset: bool = False
    reverse: bool = False
    few_rows: bool = False
    noisy: bool = False
    precision: str = "f32"
    parallel_scan: bool = False

    @property
    def pulls_back(self) -> bool:
        """True when gradients wait for cotangents that are given after the forward run."""
        return self.wrt is not None and self.along is None


def _mask(graph: Graph, request: Request) -> Graph:
    if graph.noises and not request.noisy:
        graph = still(graph)
    # the direction first: a sequence has its start at the other end for what runs backwards
    for wanted, apply in (
        (request.reverse, reverse),
        (request.reset, with_reset),
        (request.lengths, with_lengths),
    ):
        graph = apply(graph) if wanted else graph
    return graph


def _select(graph: Graph, request: Request) -> Graph:
    return share(select(graph, request.outputs, request.names))


def _differentiate(graph: Graph, request: Request) -> Graph:
    if request.wrt is None:
        return graph
    return share(simplify(gradient(graph, request.wrt, MARK)))


def _push(graph: Graph, request: Request) -> Graph:
    if request.along is None:
        return graph
    return share(simplify(tangent(graph, request.along, PUSH)))


def _hoist(graph: Graph, request: Request) -> Graph:
    return hoist(graph, hoisting_pays(request.few_rows, request.precision))


def _schedule(graph: Graph, request: Request) -> Schedule:
    late: list[str] = []
    if request.pulls_back:
        late = [name for name in graph.leaves if name.startswith((f"{MARK}(", f"{MARK}out("))]
    made = schedule(graph, late, request.precision)
    return with_scans(made) if request.parallel_scan else made


STAGES: tuple[tuple[str, Callable[[Any, Request], Any]], ...] = (
    ("masked", _mask),
    ("simplified", lambda graph, request: simplify(graph)),
    ("selected", _select),
    ("gradient", _differentiate),
    ("tangent", _push),
    ("pinned", lambda graph, request: pin(graph, graph.outputs)),
    ("lowered", lambda graph, request: lower(graph, {*request.names} - {*request.outputs})),
    ("hoisted", _hoist),
    ("schedule", _schedule),
)


def stages(graph: Graph, request: Request) -> dict[str, Any]:
    """Every stage's value by name, from the graph to its schedule."""
    values: dict[str, Any] = {"graph": graph}
    value: Any = graph
    for name, step in STAGES:
        value = step(value, request)
        _verify(value)
        values[name] = value
    return values


def value_at(graph: Graph, request: Request, stage: str) -> Any:
    """What the compiler has after the stage. Raises ValueError for a stage that there is not."""
    value: Any = graph
    for name, step in STAGES:
        value = step(value, request)
        if name == stage:
            return value
    raise ValueError(f"there is no stage '{stage}'")


def _verify(value: Graph | Schedule) -> None:
    """Graphs are verified after every pass; a schedule, which takes longer, on request."""
    if isinstance(value, Graph):
        verify(value)
    elif settings.verifies:
        verify_schedule(value)


def build(
    graph: Graph, request: Request, real: str, target: str, threads: int = 1
) -> Executable:
    """The executable that answers a request."""
    return Executable(scheduled(graph, request), real, target, threads)


def scheduled(graph: Graph, request: Request) -> Schedule:
    """The schedule that answers a request, from the cache on disk if it is there."""
    if settings.verifies or entries.folder() is None:
        return stages(graph, request)["schedule"]  # type: ignore[no-any-return]
    key = kept.key_of(graph, request)
    found = kept.load(key)
    if found is None:
        found = stages(graph, request)["schedule"]
        kept.store(key, found)
    return found
