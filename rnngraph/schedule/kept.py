"""Schedules kept on disk (``rnngraph.entries``): a cell that is compiled again is only read.

A schedule is kept as its graph and, apart from it, all else, in which nodes are told by their
number in the graph.
"""

from __future__ import annotations

import pickle
import sys
from contextlib import suppress
from dataclasses import fields
from io import BytesIO
from typing import Any

from .. import entries
from ..graph import Graph, Node
from .schedule import Schedule

SUFFIX = ".schedule"
# whose code decides about schedules
ROOMS = ("ops", "graph", "passes", "schedule", "activity.py", "components.py", "recurrence.py",
         "rewrite.py", "compile.py")  # fmt: skip


def key_of(graph: Graph, request: object) -> str:
    """The name of the entry for what is asked of a graph; ``request`` tells all by its repr."""
    parts = [repr(graph.__getstate__()), repr(request), sys.version, entries.version_of(*ROOMS)]
    return entries.name_of(parts) + SUFFIX


def load(key: str) -> Schedule | None:
    """The schedule of an entry; None if there is none, or none to be trusted."""
    found = entries.load(key)
    try:
        return None if found is None else loads(found[0])
    except pickle.UnpicklingError:
        return None


def store(key: str, schedule: Schedule) -> None:
    """Keep an entry, unless the schedule is of a kind that cannot be."""
    with suppress(pickle.PicklingError, RecursionError):
        entries.store(key, dumps(schedule))


def dumps(schedule: Schedule) -> bytes:
    """The schedule as bytes."""
    file = BytesIO()
    pickle.dump(schedule.graph, file, pickle.HIGHEST_PROTOCOL)
    _Writer(schedule, file).dump({f.name: getattr(schedule, f.name)
                                  for f in fields(schedule) if f.name != "graph"})  # fmt: skip
    return file.getvalue()


def loads(content: bytes) -> Schedule:
    """The schedule that ``dumps`` was given. Raises UnpicklingError for what is not ours."""
    file = BytesIO(content)
    graph = _Reader(file, None).load()
    return Schedule(graph, **_Reader(file, graph).load())


class _Writer(pickle.Pickler):
    def __init__(self, schedule: Schedule, file: BytesIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.graph = schedule.graph

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, Node):
            return None
        if obj.graph is not self.graph:
            raise pickle.PicklingError(f"{obj} is of another graph than the schedule")
        return obj.id


class _Reader(pickle.Unpickler):
    """Makes nothing but what rnngraph itself defines."""

    def __init__(self, file: BytesIO, graph: Graph | None) -> None:
        super().__init__(file)
        self.graph = graph

    def persistent_load(self, pid: int) -> Node:
        assert self.graph is not None
        return self.graph.nodes[pid]

    def find_class(self, module: str, name: str) -> Any:
        if not module.startswith("rnngraph."):
            raise pickle.UnpicklingError(f"a schedule has no {module}.{name}")
        return super().find_class(module, name)
