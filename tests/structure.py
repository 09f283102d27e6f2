"""What a cell's schedule is made of, and the fewest cells that have everything between them.

The library is large: what costs a compilation for each cell is done for the cells that meet every
form of kernel, and only what is worth it for all of them, some of that by the slow tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from cells_for_tests import CELLS
from stages import schedules

from rnngraph.schedule import Schedule
from rnngraph.schedule.grammar import Kernel, Product, Tile, View, views, written

LIBRARY = tuple(title for title in CELLS if title.endswith(".cell"))
Form = tuple[object, ...]


def forms(schedule: Schedule) -> set[Form]:
    """The forms of all kernels: what they compute, where, from what kinds of memory."""
    found: set[Form] = set()
    for procedure in schedule.procedures:
        for phase in procedure.phases:
            where = (procedure.name, phase.kind)
            for kernel in phase.kernels:
                found.update((*where, type(kernel).__name__, *form) for form in _of(kernel))
    return found


def _of(kernel: Kernel) -> Iterator[Form]:
    stored = written(kernel)
    for view in views(kernel):
        yield ("store" if view in stored else "load", *_memory(view))
    if isinstance(kernel, Tile):
        yield "accumulators", tuple(sorted(_sums(kernel))), len(kernel.closure.space)
    if hasattr(kernel, "closure"):
        for node in kernel.closure.body:
            yield "op", node.op


def _sums(tile: Tile) -> Iterator[str]:
    for part in tile.accumulators:
        yield f"{len(part.terms)} products" if isinstance(part, Product) else part.op


def _memory(view: View) -> Form:
    buffer = view.buffer
    return (buffer.role.name, buffer.extent.name, view.varies.name, len(view.shape),
            view.offset != 0, view.shift, view.index is not None)  # fmt: skip


@cache
def _forms_of(title: str) -> frozenset[Form]:
    return frozenset(forms(schedules(title, "gradient")["hoist"]))


@cache
def representatives() -> tuple[str, ...]:
    """Cells of the library that have every form; those that have the most first."""
    return tuple(_cover({title: _forms_of(title) for title in LIBRARY}))


PLACES = range(12)  # of representatives that have nearly every form


def representative(place: int) -> str:
    """The name of a cell of the library that adds the most to those at the places before it."""
    return representatives()[place].removesuffix(".cell")


def _cover(sets: dict[str, Iterable[Form]]) -> Iterator[str]:
    """Greedy: always the one that adds the most, the first by name among equals."""
    left = set().union(*sets.values())
    while left:
        best = max(sets, key=lambda name: len(left.intersection(sets[name])))
        left.difference_update(sets[best])
        yield best
