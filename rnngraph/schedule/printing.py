"""Schedules as text: procedures, phases, kernels with their equations, then buffers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..graph import Node
from ..graph.printing import Printer
from ..ops import show_shape
from .grammar import (
    PIECE,
    Buffer,
    ColumnTotal,
    Extent,
    Kernel,
    Narrow,
    OuterTotal,
    Phase,
    Product,
    Reduction,
    Role,
    ScatterTotal,
    Tile,
    View,
)
from .packing import groups

if TYPE_CHECKING:
    from .schedule import Schedule

TITLES = {
    "once": "once, on parameters alone",
    "rows": "once for every row",
    "batch": "for all time-steps at once",
}


def show(schedule: Schedule) -> str:
    """The schedule as text."""
    printer = printer_of(schedule)
    lines = []
    for procedure in schedule.procedures:
        lines.append(f"{procedure.name}:")
        for phase in procedure.phases:
            lines.append(f"  {title(phase)}")
            lines += [f"    {line}" for k in phase.kernels for line in _kernel(k, printer)]
    lines.append("buffers:")
    own = [b for b in schedule.buffers.values() if b.role is not Role.GIVEN]
    lines += [f"  {_buffer(b, schedule.memory)}" for b in own]
    if schedule.saved:
        lines.append(f"saved for the backward run: {', '.join(schedule.saved)}")
    return "\n".join(lines) + "\n"


def printer_of(schedule: Schedule) -> Printer:
    """Everything that is stored or accumulated is written by its own label."""
    printer = Printer(schedule.graph)
    kernels = [k for p in schedule.procedures for phase in p.phases for k in phase.kernels]
    for kernel in kernels:
        if isinstance(kernel, Tile):
            held = [a.node for a in kernel.accumulators] + [node for node, _ in kernel.stores]
            for node in held:
                printer.labels.setdefault(node.id, f"%{node.id}")
    return printer


def title(phase: Phase) -> str:
    """What a phase does, in words."""
    if phase.kind != "loop":
        sums = any(not isinstance(kernel, Tile) for kernel in phase.kernels)
        back = ", sums from the last to the first:" if phase.direction < 0 and sums else ":"
        return TITLES[phase.kind] + back
    kind = f" ({phase.recurrence})" if phase.recurrence and str(phase.recurrence) else ""
    how = f"in pieces of {PIECE} steps at once" if phase.scan else "step by step"
    return f"{how}, {'forward' if phase.direction > 0 else 'backward'} in time{kind}:"


def _kernel(kernel: Kernel, printer: Printer) -> list[str]:
    if isinstance(kernel, Tile):
        return _tile(kernel, printer)
    if isinstance(kernel, OuterTotal):
        left, right = _view(kernel.left), _view(kernel.right)
        return [f"{_view(kernel.target)} += sum of outer({left}, {right}) over time and rows"]
    if isinstance(kernel, ScatterTotal):
        return [f"{_view(kernel.target)}[{_view(kernel.index)}] += {_view(kernel.value)}"]
    if isinstance(kernel, Narrow):
        scale = f", {_view(kernel.scale)}" if kernel.scale else ""
        return [f"narrow: {_view(kernel.target)}{scale} = {_view(kernel.source)}"]
    assert isinstance(kernel, ColumnTotal)
    body = [f"  {line}" for line in _body(kernel.closure.body, printer)]
    source = printer.text(kernel.source)
    return [*body, f"{_view(kernel.target)} += sum of {source} over time and rows"]


def _tile(kernel: Tile, printer: Printer) -> list[str]:
    lines = [f"kernel over {show_shape(kernel.closure.space)}:"]
    for accumulator in kernel.accumulators:
        lines.append(f"  {_accumulator(accumulator, printer)}")
    for group in groups(kernel):
        if len(group.members) > 1:
            lines.append(f"  weights of {_view(group.operand)} packed {len(group.members)} abreast")
    lines += [f"  {line}" for line in _body(kernel.closure.body, printer)]
    stores = ", ".join(f"{printer.text(node)} -> {_view(view)}" for node, view in kernel.stores)
    return [*lines, f"  store {stores}"] if stores else lines


def _accumulator(accumulator: Product | Reduction, printer: Printer) -> str:
    label = printer.labels.get(accumulator.node.id, f"%{accumulator.node.id}")
    if isinstance(accumulator, Reduction):
        source = printer.text(accumulator.source)
        return f"{label} = {accumulator.op} of {source} along axis {accumulator.axis}"
    terms = [f"{_view(t.weight)} @ {_view(t.operand)}" for t in accumulator.terms]
    start = [_view(accumulator.start)] if accumulator.start else []
    format = "" if accumulator.format == "real" else f" in {accumulator.format}"
    return f"{label} = {' + '.join([*start, *terms])}{format}"


def _body(body: tuple[Node, ...], printer: Printer) -> list[str]:
    shown = [n for n in body if n.id in printer.labels] or list(body[-1:])
    return [f"{printer.text(n)} = {printer.expression(n)[0]}" for n in shown]


def _view(view: View) -> str:
    text = view.buffer.name
    if len(view.shape) == 2 and 1 == view.strides[0] < view.strides[1]:
        straight = replace(view, shape=view.shape[::-1], strides=view.strides[::-1])
        return f"transpose({_view(straight)})"
    if view.shape != view.buffer.shape or view.offset or view.index:
        text += show_shape(view.shape) + (f"+{view.offset}" if view.offset else "")
    if view.index:
        text += f" at {view.index.buffer.name}"
    return text + (" (one step on)" if view.shift and view.buffer.extent is Extent.SEQUENCE else "")


def _buffer(buffer: Buffer, memory: dict[str, str]) -> str:
    slots = {Extent.ONE: "", Extent.RING: "2, ", Extent.STEPS: "T, ", Extent.SEQUENCE: "T+1, ",
             Extent.PIECES: "pieces, "}  # fmt: skip
    rows = "B, " if buffer.varies else ""
    inside = f"{slots[buffer.extent]}{rows}{show_shape(buffer.shape)[1:-1]}".rstrip(", ")
    shared = f", in the memory of {memory[buffer.name]}" if buffer.name in memory else ""
    return f"{buffer.name:<24} [{inside}]  {buffer.role.value}{shared}"
