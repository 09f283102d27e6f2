"""The part of a driver that runs a parallel scan (``schedule.scan`` has the plan).

Members of a team who divide the rows do all pieces of their own; else they divide the pieces, and
meet between the three passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llvmlite import ir

from ...schedule.grammar import PIECE, Buffer, Phase, Scan, Tile, written
from ...schedule.series import carried, moves
from .emitter import Stream, number, stream

if TYPE_CHECKING:
    from .driver import Driver, KernelFunction


@dataclass(frozen=True)
class ScanFunctions:
    """The functions of a scan (``scan`` has their signatures), and the streams of the first."""

    scan: Scan
    compose: ir.Function
    streams: tuple[Stream, ...]
    combine: ir.Function


class Pieces:
    """Writes one loop's scan into a procedure."""

    def __init__(self, driver: Driver, phase: Phase, function: KernelFunction) -> None:
        assert isinstance(function.kernel, Tile) and function.series and function.scan
        self.driver, self.emitter, self.builder = driver, driver.emitter, driver.builder
        self.function, self.series, self.scan = function, function.series, function.scan
        self.direction = phase.direction
        ((leaf, _, _),) = carried(function.kernel)
        self.state = stream(function.kernel.closure.loads[leaf])
        self.kept = {stream(v) for v in written(function.kernel) if not moves(v.buffer)}
        b, zero, one = driver.builder, number(0), number(1)
        self.count = b.sdiv(b.add(driver.steps, number(PIECE - 1)), number(PIECE))
        self.count = b.select(b.icmp_signed(">", self.count, one), self.count, one)
        self.rows = b.select(driver.by_rows, driver.own_rows, driver.rows)
        self.first_row = b.select(driver.by_rows, driver.first_row, zero)
        self.part = (b.select(driver.by_rows, zero, driver.part),
                     b.select(driver.by_rows, one, driver.parts))  # fmt: skip

    def write(self) -> None:
        """The three passes."""
        b = self.builder
        low, high = self.emitter.share(self.count, self.part)
        last = b.sub(self.count, number(1))
        ending = self.emitter.least(high, last)
        self.emitter.loop(low, ending, 1, self._compose)
        self._meet()
        with b.if_then(b.icmp_signed("==", self.part[0], number(0))):
            self._combine()
        self._meet()
        self.emitter.loop(low, high, 1, self._run)

    def _meet(self) -> None:
        b = self.builder
        with b.if_then(b.not_(self.driver.by_rows)):
            self.driver.wait()

    def _compose(self, k: ir.Value) -> None:
        own = {
            self.scan.scan.factors.name: self._slot(self.scan.scan.factors, k),
            self.scan.scan.starts.name: self._slot(self.scan.scan.starts, self._after(k)),
        }
        steps, begin, _ = self._times(k)
        pointers = [own.get(key[0]) or self._pointer(key, begin) for key in self.scan.streams]
        self._call(self.scan.compose, steps, pointers)

    def _combine(self) -> None:
        b, size = self.builder, number(self.scan.scan.starts.size)
        _, begin, _ = self._times(number(0))
        zero, scan = number(0), self.scan.scan
        b.call(self.scan.combine, [
            self.count, b.mul(self.driver.rows, size), b.mul(self.rows, size),
            self._pointer(self.state, begin), self._slot(scan.factors, zero),
            self._slot(scan.starts, zero),
        ])  # fmt: skip

    def _run(self, k: ir.Value) -> None:
        """One piece from its start; what just the last value is kept of goes, from any piece but
        the last, where its factor was."""
        b, scan = self.builder, self.scan.scan
        steps, begin, end = self._times(k)
        final = b.icmp_signed("==", self._after(k), self.count)
        spent = self._slot(scan.factors, k)
        choices: dict[Stream, Callable[[], ir.Value]] = {
            key: lambda key=key: b.select(final, self._pointer(key, end), spent)  # type: ignore[misc]
            for key in self.kept
        }
        choices[self.state] = lambda: self._slot(scan.starts, k)
        pointers = [
            choices[key]() if key in choices else self._pointer(key, begin)
            for key in self.function.streams
        ]
        self._call(self.series.function, steps, pointers)

    def _call(self, function: ir.Function, steps: ir.Value, pointers: list[ir.Value]) -> None:
        whole = (number(0), number(1))
        arguments = [steps, self.driver.rows, self.rows, *whole, *pointers]
        self.builder.call(function, arguments)

    def _times(self, k: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
        """(steps, first time-step, last time-step) of a piece, in the loop's direction."""
        b, total = self.builder, self.driver.steps
        begin = b.mul(k, number(PIECE))
        left = b.sub(total, begin)
        steps = self.emitter.least(left, number(PIECE))
        end = b.sub(b.add(begin, steps), number(1))
        if self.direction > 0:
            return steps, begin, end
        last = b.sub(total, number(1))
        return steps, b.sub(last, begin), b.sub(last, end)

    def _after(self, k: ir.Value) -> ir.Value:
        return self.emitter.add(k, number(1))

    def _pointer(self, key: Stream, t: ir.Value) -> ir.Value:
        return self.driver.pointer(*key, t, self.first_row)

    def _slot(self, buffer: Buffer, k: ir.Value) -> ir.Value:
        b = self.builder
        place = b.add(b.mul(k, self.driver.rows), self.first_row)
        elements = self.emitter.mul(place, number(buffer.size))
        return self.emitter.at(self.driver.bases[buffer.name], elements)
