"""When a cell's parts run: what its schedule does once, at all time-steps at once, and in turn.

    Part  ::= kind, what, stages         kind in {once, rows, batch, loop}
    stage ::= the values of one kernel   each stage of a loop waits for all units of the one before

Values are told by their names, or by an expression that is short; others are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..graph import Node
from ..graph.printing import Printer
from ..schedule import Schedule
from ..schedule.grammar import Kernel, Phase, Tile

LONGEST = 40  # signs of an expression without a name that is still worth reading
UNREADABLE = ("shape=", "full(")  # arrays of another shape, and sizes as numbers
MOVES = ("slice", "reshape", "transpose", "expand", "spread")


@dataclass(frozen=True)
class Part:
    """Phases of one kind, one after the other; ``recurrence`` says what kind a loop is."""

    kind: str
    stages: tuple[tuple[str, ...], ...]
    recurrence: str = ""

    @property
    def values(self) -> list[str]:
        """All values, stage by stage."""
        return list(dict.fromkeys(value for stage in self.stages for value in stage))


def parts(schedule: Schedule) -> list[Part]:
    """What the forward run does, in its order; neighbours of one kind are one part.

    What is done on parameters alone comes first, since it runs once for all calls.
    """
    reader = _Reader(schedule)
    (forward,) = [p for p in schedule.procedures if p.name == "forward"]
    found = [reader.part(phase) for phase in forward.phases]
    found.sort(key=lambda part: part.kind not in ("once", "rows"))
    merged: list[Part] = []
    for part in filter(lambda part: part.values, found):
        if merged and part.kind == merged[-1].kind != "loop":
            part = Part(part.kind, merged.pop().stages + part.stages)
        merged.append(part)
    return merged


class _Reader:
    """Names for the values of one schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self.printer = Printer(schedule.graph)
        labels = self.printer.labels
        self.printer.labels = {n: readable(name) for n, name in labels.items() if name[0] != "%"}

    def part(self, phase: Phase) -> Part:
        stages = tuple(tuple(dict.fromkeys(self.values(kernel))) for kernel in phase.kernels)
        return Part(phase.kind, stages, str(phase.recurrence or ""))

    def values(self, kernel: Kernel) -> Iterator[str]:
        """What a kernel makes: named values, and what it stores without a name."""
        if not isinstance(kernel, Tile):
            return
        accumulated = [accumulator.node for accumulator in kernel.accumulators]
        stored = [node for node, _ in kernel.stores]
        for node in (*accumulated, *kernel.closure.body):
            if node.id in self.printer.labels and not self.is_delay_line(node):
                yield self.printer.labels[node.id]
        for node in stored:
            if node.id not in self.printer.labels:
                yield from self.unnamed(node)

    def is_delay_line(self, node: Node) -> bool:
        """Whether a value is only handed on to the next step."""
        return self.printer.labels[node.id].startswith("prev(")

    def unnamed(self, node: Node) -> Iterator[str]:
        """The terms of a product, or an expression that is short enough to read."""
        texts = self.products(node) if node.op == "product" else [self.printer.text(node)]
        yield from (text for text in texts
                    if len(text) <= LONGEST and not any(word in text for word in UNREADABLE))

    def products(self, node: Node) -> Iterator[str]:
        pairs = node.operands[int(node.attrs["start"]) :]
        for weight, operand in zip(pairs[::2], pairs[1::2], strict=True):
            yield f"{self.printer.text(_whole(weight))} @ {self.side(_whole(operand))}"

    def side(self, node: Node) -> str:
        text = self.printer.text(node)
        return text if node.id in self.printer.labels else f"({text})"


def _whole(node: Node) -> Node:
    """The value that a window, or the same elements in another shape, are of."""
    while node.op in MOVES:
        node = node.operands[0]
    return node


def readable(name: str) -> str:
    """``prev(x)`` for the state that carries it."""
    found = re.fullmatch(r"prev_(.+)_(\d+)('?)", name)
    if not found:
        return name
    of, steps, prime = found.groups()
    return f"prev({of}{'' if steps == '1' else f', {steps}'}){prime}"
