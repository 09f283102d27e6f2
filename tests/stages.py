"""The stages of a cell, in order, for tests that compare each with the one before."""

from __future__ import annotations

from functools import cache

import numpy as np
from cells_for_tests import cell
from tolerances import assert_close

from rnngraph.backends.reference import Result
from rnngraph.graph import Graph
from rnngraph.passes.gradient import gradient
from rnngraph.passes.hoist import hoist
from rnngraph.passes.lower import lower
from rnngraph.passes.pin import pin
from rnngraph.passes.simplify import simplify
from rnngraph.schedule import Schedule, schedule
from rnngraph.verify import verify


def always(product, outer) -> bool:
    """A cost model that hoists everything."""
    return True


def late_names(graph: Graph) -> list[str]:
    """The leaves and states of a gradient graph that are given only once there are cotangents."""
    return [name for name in graph.leaves if name.startswith(("dout(", "d("))]


def graph_stages(graph: Graph, names=()) -> dict[str, Graph]:
    """The graph after every pass, each verified."""
    simple = verify(simplify(graph))
    pinned = verify(pin(simple, simple.outputs, names))
    low = verify(lower(pinned))
    return {"graph": verify(graph), "simplify": simple, "pin": pinned, "lower": low,
            "hoist": verify(hoist(low, always))}  # fmt: skip


@cache
def forward_stages(title: str) -> dict[str, Graph]:
    """Of a cell by its title, with every named value kept as an output."""
    return graph_stages(cell(title), cell(title).names)


@cache
def gradient_stages(title: str) -> dict[str, Graph]:
    """Of a cell's gradient (of the simplified cell, as the compiler takes it)."""
    return graph_stages(gradient(forward_stages(title)["simplify"]))


@cache
def schedules(title: str, of: str) -> dict[str, Schedule]:
    """Of a cell ("forward") or its gradient, from both last stages, late names apart."""
    stages = {"forward": forward_stages, "gradient": gradient_stages}[of](title)
    late = late_names(stages["graph"])
    made = {name: schedule(stages[name], late) for name in ("lower", "hoist")}
    return made | ({"at once": schedule(stages["lower"])} if late else {})


def assert_same(got: Result, expected: Result, what: str, kind="reordered", dtype="f64") -> None:
    """Outputs (of those expected) and final states agree."""
    for part in ("outputs", "finals"):
        found, wanted = getattr(got, part), getattr(expected, part)
        assert set(found) >= set(wanted), f"{what}: {part} lack {set(wanted) - set(found)}"
        for name in wanted:
            assert_close(found[name], wanted[name], kind, dtype, f"{what}: {part} {name}")


def assert_same_bits(got: Result, expected: Result, what: str) -> None:
    """Not a bit differs."""
    for part in ("outputs", "finals"):
        found, wanted = getattr(got, part), getattr(expected, part)
        for name in wanted:
            assert np.array_equal(found[name], wanted[name], equal_nan=True), f"{what}: {name}"
