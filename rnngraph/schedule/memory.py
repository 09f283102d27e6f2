"""What training keeps in memory, value by value: saved, kept anyway or computed again, and why.

It is read off a schedule with a forward and a backward run: what the backward run loads is kept,
what both compute is computed again. ``residuals`` decides it, by a minimum cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

from ..graph import Node, Varies
from ..ops import OPS
from ..passes.pin import base
from .grammar import (
    Buffer,
    ColumnTotal,
    Extent,
    Kernel,
    Reduction,
    Role,
    Tile,
    View,
    views,
    written,
)
from .placement import PLAIN
from .printing import printer_of
from .residuals import can_repeat
from .schedule import Schedule

SAVED, KEPT, REPEATED = "saved", "kept anyway", "computed again"


@dataclass(frozen=True)
class Value:
    """One forward value that the backward run needs: its bytes per step and row (0 unless it is
    in memory), what happens to it, and why."""

    name: str
    fate: str
    bytes: int
    why: str


@dataclass(frozen=True)
class Memory:
    """Memory of a training step, in bytes per time-step and row.

    ``values``: what the backward run needs of the forward run. ``buffers``: bytes of everything
    that has all steps, by name, but for what the caller gives (``given``) and for scratch in the
    memory of other scratch (``shared``: the one, and in whose). ``units``: elements of the largest
    state.
    """

    values: tuple[Value, ...]
    buffers: dict[str, int]
    given: dict[str, int]
    shared: dict[str, str]
    units: int

    @property
    def kept(self) -> int:
        """Bytes per step and row of all values that are in memory for the backward run."""
        return sum(value.bytes for value in self.values)

    @property
    def peak(self) -> int:
        """Bytes per step and row of the whole training step, beyond what is given."""
        return sum(self.buffers.values())

    def __str__(self) -> str:
        lines = ["bytes per step and row that the backward run needs of the forward run:"]
        width = max((len(value.name) for value in self.values), default=0)
        for value in self.values:
            lines.append(f"  {value.name:<{width}} {value.bytes:>7}  {value.fate}: {value.why}")
        lines.append(f"  {self._sum(self.kept)}")
        lines.append("bytes per step and row of a training step:")
        lines += [f"  {count:>7}  {name}" for name, count in self.buffers.items()]
        lines += [f"        0  {a}, in the memory of {b}" for a, b in self.shared.items()]
        lines.append(f"  {self._sum(self.peak)}")
        given = ", ".join(f"{name} {count}" for name, count in self.given.items())
        return "\n".join([*lines, f"given by the caller: {given or 'nothing'}"]) + "\n"

    __repr__ = __str__

    def _sum(self, count: int) -> str:
        per_unit = f"{count / self.units:.1f} for each of {self.units} units"
        return f"in all {count}, {per_unit}"


def memory(schedule: Schedule, itemsize: int = 4) -> Memory:
    """The memory of a schedule with two procedures; ``itemsize``: bytes of a real.

    Raises ValueError where there is no backward run.
    """
    if len(schedule.procedures) < 2:
        raise ValueError("there is no backward run: memory of training is of schedules with one")
    long = [b for b in schedule.buffers.values() if _is_long(b)]
    sizes = {b.name: b.size * (8 if b.dtype == "int" else itemsize) for b in long}
    given = {b.name: sizes[b.name] for b in long if b.role is Role.GIVEN}
    shared = {name: host for name, host in schedule.memory.items() if name in sizes}
    own = {name: n for name, n in sizes.items() if name not in given and name not in shared}
    units = max((plan.buffer.size for plan in schedule.states.values()), default=1)
    return Memory(tuple(_values(schedule, itemsize)), own, given, shared, units)


def _is_long(buffer: Buffer) -> bool:
    return buffer.varies is Varies.STEP and buffer.extent in (Extent.STEPS, Extent.SEQUENCE)


def _values(schedule: Schedule, itemsize: int) -> Iterator[Value]:
    printer = printer_of(schedule)
    before, after = (list(_kernels(schedule, number)) for number in (0, 1))
    read = {view.buffer.name for kernel in after for view in _reads(kernel)}
    stored = {view.buffer.name: node for kernel in before if isinstance(kernel, Tile)
              for node, view in kernel.stores if view.buffer.name in read}  # fmt: skip
    for name, node in stored.items():
        buffer = schedule.buffers[name]
        if _is_long(buffer):
            saved = name in schedule.saved
            why = _needs(node) if saved else REASONS[buffer.role]
            size = buffer.size * itemsize
            yield Value(printer.text(node), SAVED if saved else KEPT, size, why)
    done = _bodies(before)
    for node in _bodies(after).values():
        if node.id in done and node.varies is Varies.STEP:
            operands = [x for x in node.operands if x.op != "constant"]
            cost = OPS[node.op].cost * prod(node.shape)
            what = ", ".join(dict.fromkeys(printer.text(x) for x in operands))
            why = f"{node.op} of {what}, {cost:g} operations"
            yield Value(printer.text(node), REPEATED, 0, why)


REASONS = {
    Role.STATE: "a state, at all steps",
    Role.RESULT: "an output of the call",
    Role.WORK: "read as a whole, by products or sums",
}


def _needs(node: Node) -> str:
    """What would have to be in memory, or done again, to compute a saved value again."""
    walls: dict[int, Node] = {}
    stack = [node]
    while stack:
        x = base(stack.pop())
        if x.op in (*PLAIN, "state") or x.varies is not Varies.STEP:
            continue
        if can_repeat(x):
            stack.extend(x.operands)
        else:
            walls[x.id] = x
    found = ", ".join(f"%{x.id} ({x.op} of {prod(x.shape)})" for x in walls.values())
    return f"to compute it again needs {found}" if found else "no set of values is smaller"


def _kernels(schedule: Schedule, number: int) -> Iterator[Kernel]:
    for phase in schedule.procedures[number].phases:
        yield from phase.kernels


def _reads(kernel: Kernel) -> list[View]:
    stores = {id(view) for view in written(kernel)}
    return [view for view in views(kernel) if id(view) not in stores]


def _bodies(kernels: Iterable[Kernel]) -> dict[int, Node]:
    """All elementwise work of kernels, by node."""
    found: dict[int, Node] = {}
    for kernel in kernels:
        closures = [kernel.closure] if isinstance(kernel, (Tile, ColumnTotal)) else []
        inner = kernel.accumulators if isinstance(kernel, Tile) else ()
        closures += [a.closure for a in inner if isinstance(a, Reduction)]
        found |= {node.id: node for closure in closures for node in closure.body}
    return found
