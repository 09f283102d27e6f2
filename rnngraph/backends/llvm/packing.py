"""Writing packed weights (their layout: ``schedule.packing``)."""

from __future__ import annotations

from llvmlite import ir

from ...schedule.grammar import View
from ...schedule.packing import Group, Shape
from .emitter import Emitter, number


def write_packing(emitter: Emitter, group: Group, shape: Shape, target: str) -> None:
    """Write the body of the function that packs one group into the stream ``target``."""
    for member, (_, weight) in enumerate(group.members):
        _write_member(emitter, group, shape, target, member, weight)


def _write_member(
    emitter: Emitter, group: Group, shape: Shape, target: str, member: int, weight: View
) -> None:
    """Panel by panel, along k: a panel's units are read side by side and written in a row."""
    line = len(group.members) * shape.panel
    packed = emitter.at(emitter.pointers[target, 0], number(member * shape.panel))
    source = emitter.row_start(weight, number(0))
    whole, rest = divmod(shape.units, shape.panel)

    def panel(p: ir.Value, units: int) -> None:
        first = emitter.mul(p, number(shape.panel))
        base = emitter.at(packed, emitter.mul(p, number(group.depth * line)))

        def along(k: ir.Value) -> None:
            row = emitter.at(base, emitter.mul(k, number(line)))

            def unit(u: ir.Value) -> None:
                place = emitter.element(weight, source, (emitter.add(first, u), k))
                value = emitter.load_scalar(place)
                emitter.store_scalar(value, emitter.at(row, u))

            emitter.loop(number(0), number(units), 1, unit)

        emitter.loop(number(0), number(group.depth), 1, along)

    if whole:
        emitter.loop(number(0), number(whole), 1, lambda p: panel(p, shape.panel))
    if rest:
        panel(number(whole), rest)
