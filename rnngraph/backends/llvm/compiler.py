"""The backend's face: a schedule in, machine code and the layout of its table out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ... import entries
from ...ops.lanes import Real
from ...schedule import Schedule
from . import cache
from .jit import Machine, compile_module, load_object
from .procedures import Layout, write_module
from .target import named


def compile_schedule(
    schedule: Schedule, real: Real, target_name: str, cached: bool = True
) -> tuple[Machine, Layout]:
    """Machine code for a schedule: from the cache on disk if it is there, else made and kept."""
    target = named(target_name)
    scanned = repr([phase.scan is not None for p in schedule.procedures for phase in p.phases])
    names = [p.name for p in schedule.procedures]
    decided = [repr(schedule.memory), *names, schedule.precision, scanned]
    key = cache.key_of(schedule.graph, decided, real, target)
    found = entries.load(key) if cached else None
    if found is not None:
        code, layout = found
        return load_object(code, target), _layout(layout)
    module, made = write_module(schedule, real, target)
    machine = compile_module(module, target)
    if cached:
        entries.store(key, machine.object, asdict(made))
    return machine, made


def _layout(kept: dict[str, Any]) -> Layout:
    return Layout(**kept)
