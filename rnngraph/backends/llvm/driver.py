"""The driver of a procedure: which kernels run, in which order, at which pointers, on whose part.

A member of a team takes a range of rows through a whole loop where there are rows enough, else
a range of units of every kernel, with a barrier after each, but for loops in which no element
needs another. Work on all time-steps is divided by time, sums over time by their targets; so no
result depends on how many members there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from ...graph import Varies
from ...schedule import Schedule
from ...schedule.cost import CHUNK_ROWS, rows_per_part
from ...schedule.grammar import Buffer, Extent, Kernel, Phase, Procedure, Total, views, written
from ...schedule.series import LARGEST, is_series, moves
from ..frame import VOUCHED
from .emitter import I64, POINTER, Emitter, Stream, number, stream
from .pieces import Pieces, ScanFunctions
from .team import Team
from .weights import Packing, Refresher, at_start

Part = tuple[ir.Value, ir.Value]
WHOLE: Part = (number(0), number(1))


@dataclass(frozen=True)
class Series:
    """``void kernel(i64 steps, i64 batch, i64 rows, i64 part, i64 parts, ptr ...)``: so many
    units of each row, element by element through all steps."""

    function: ir.Function
    units: int


@dataclass(frozen=True)
class KernelFunction:
    """``void kernel(i64 rows, i64 part, i64 parts, ptr ...)`` with its streams and packings;
    for some loops, ``series`` and ``scan``; and where it is given windows instead of buffers,
    their ``offsets`` in these."""

    kernel: Kernel
    function: ir.Function
    streams: tuple[Stream, ...]
    packings: tuple[Packing, ...]
    series: Series | None = None
    scan: ScanFunctions | None = None
    offsets: tuple[int, ...] = ()

    @property
    def sums(self) -> bool:
        """True for sums over time and rows."""
        return isinstance(self.kernel, Total)


@dataclass(frozen=True)
class Program:
    """What the driver calls: the schedule, its functions by kernel, and the team's."""

    schedule: Schedule
    functions: dict[int, KernelFunction]
    refresh: ir.Function
    team: Team | None
    names: list[str]

    def of(self, phase: Phase) -> list[KernelFunction]:
        """The functions of a phase's kernels."""
        return [self.functions[id(kernel)] for kernel in phase.kernels]


class Driver:
    """Writes the body of ``procedure(table, T, B, part, parts, control)``."""

    def __init__(
        self, emitter: Emitter, program: Program, procedure: Procedure, function: ir.Function
    ) -> None:
        self.emitter, self.builder = emitter, emitter.builder
        self.program, self.procedure, self.name = program, procedure, procedure.name
        table, self.steps, self.rows, self.part, self.parts, self.control = function.args
        self.bases = {entry: self._entry(table, i) for i, entry in enumerate(program.names)}
        b = self.builder
        self.alone = b.icmp_signed("==", self.parts, number(1))
        least = b.mul(self.parts, number(rows_per_part(procedure)))
        enough = b.icmp_signed(">=", self.rows, least)
        self.by_rows = b.or_(self.alone, enough)
        low, high = (self._row_border(p) for p in (self.part, b.add(self.part, number(1))))
        self.first_row, self.own_rows = low, b.sub(high, low)

    def _entry(self, table: ir.Value, place: int) -> ir.Value:
        address = self.builder.gep(table, [number(place)], source_etype=POINTER)
        return self.builder.load(address, typ=POINTER, align=8)

    def _row_border(self, part: ir.Value) -> ir.Value:
        """The first row of a part: pairs of rows, as evenly as they go. (Tiles of any even height
        are about as good as whole ones; what counts is that nobody has more rows than the others.)
        """
        b, pair = self.builder, number(2)
        pairs = b.sdiv(b.add(self.rows, number(1)), pair)
        border = b.mul(b.sdiv(b.mul(part, pairs), self.parts), pair)
        return self.emitter.least(border, self.rows)

    def write(self) -> None:
        """All phases, with a barrier after each."""
        b, phases = self.builder, self.procedure.phases
        functions = [f for phase in phases for f in self.program.of(phase)]
        early = [p for f in functions for p in f.packings if at_start(p)]
        vouched = b.ptrtoint(self.bases[VOUCHED], I64)
        with b.if_then(b.icmp_signed("==", vouched, number(0))):
            self._pack(early, "")
        for place, phase in enumerate(phases):
            functions = self.program.of(phase)
            late = [p for f in functions for p in f.packings if not at_start(p)]
            if late:
                self._pack(late, f"_{place}")
            runs = {"once": self._once, "rows": self._per_row, "loop": self._loop,
                    "batch": self._batch}  # fmt: skip
            runs[phase.kind](phase, functions)
            self.wait()

    def wait(self) -> None:
        """Continue only when all members have come here."""
        if self.program.team is not None:
            self.program.team.wait(self.emitter, self.control, self.part, self.parts)

    def _first(self, body: Callable[[], None]) -> None:
        """What just one member does, the others waiting for it."""
        with self.builder.if_then(self.builder.icmp_signed("==", self.part, number(0))):
            body()
        self.wait()

    def _pack(self, packings: list[Packing], suffix: str) -> None:
        label = f"{self.name}{suffix}"
        member = self.part, self.parts
        refresher = Refresher(self.emitter, self.program.refresh, self.bases, label, member)
        refresher.compare(packings)
        self.wait()
        refresher.pack(packings)
        self.wait()

    # --- phases --------------------------------------------------------------------------

    def _once(self, phase: Phase, functions: list[KernelFunction]) -> None:
        self._first(lambda: self._call_all(functions, number(1)))

    def _per_row(self, phase: Phase, functions: list[KernelFunction]) -> None:
        self._first(lambda: self._call_all(functions, self.rows))

    def _call_all(self, functions: list[KernelFunction], rows: ir.Value) -> None:
        for function in functions:
            self._call(function, rows, number(0))

    def _loop(self, phase: Phase, functions: list[KernelFunction]) -> None:
        series = functions[0].series
        if functions[0].scan is not None:
            Pieces(self, phase, functions[0]).write()
            return
        if series is None:
            self._step_by_step(phase, functions)
            return
        b = self.builder
        rows = b.select(self.by_rows, self.own_rows, self.rows)
        few = b.icmp_signed("<=", b.mul(rows, number(series.units)), number(LARGEST))
        with b.if_else(few) as (one_by_one, abreast):
            with one_by_one:
                self._element_by_element(phase, functions[0], series, rows)
            with abreast:
                self._step_by_step(phase, functions)

    def _step_by_step(self, phase: Phase, functions: list[KernelFunction]) -> None:
        meet = not is_series(phase)
        with self.builder.if_else(self.by_rows) as (rows, units):
            with rows:
                self._every_step(phase, lambda t: self._step_of_rows(functions, t))
            with units:
                self._every_step(phase, lambda t: self._step_of_units(functions, t, meet))

    def _element_by_element(
        self, phase: Phase, function: KernelFunction, series: Series, rows: ir.Value
    ) -> None:
        b, zero, one = self.builder, number(0), number(1)
        part = b.select(self.by_rows, zero, self.part)
        parts = b.select(self.by_rows, one, self.parts)
        first_row = b.select(self.by_rows, self.first_row, zero)
        last = b.sub(self.steps, one)
        begin, end = (zero, last)[:: phase.direction]
        kept = {stream(view) for view in written(function.kernel) if not moves(view.buffer)}
        pointers = [
            self.pointer(*key, end if key in kept else begin, first_row)
            for key in function.streams
        ]
        b.call(series.function, [self.steps, self.rows, rows, part, parts, *pointers])

    def _every_step(self, phase: Phase, body: Callable[[ir.Value], None]) -> None:
        last = self.builder.sub(self.steps, number(1))

        def step(i: ir.Value) -> None:
            body(i if phase.direction > 0 else self.builder.sub(last, i))

        self.emitter.loop(number(0), self.steps, 1, step)

    def _step_of_rows(self, functions: list[KernelFunction], t: ir.Value) -> None:
        for function in functions:
            self._call(function, self.own_rows, t, first_row=self.first_row)

    def _step_of_units(
        self, functions: list[KernelFunction], t: ir.Value, meet: bool
    ) -> None:
        for function in functions:
            self._call(function, self.rows, t, (self.part, self.parts))
            if meet:
                self.wait()

    def _batch(self, phase: Phase, functions: list[KernelFunction]) -> None:
        """Alone, chunks of time-steps go through all kernels; in a team each member takes its
        share of the time-steps through the tiles, then a part of every sum."""
        tiles = [f for f in functions if not f.sums]
        sums = [f for f in functions if f.sums]
        everything, mine = (number(0), self.steps), (self.part, self.parts)
        with self.builder.if_else(self.alone) as (alone, together):
            with alone:
                self._run_chunks(phase, functions, everything, WHOLE)
            with together:
                self._run_chunks(phase, tiles, self.emitter.share(self.steps, mine), WHOLE)
                self.wait()
                self._run_chunks(phase, sums, everything, mine)

    def _chunk(self) -> ir.Value:
        """Time-steps of a chunk."""
        b, one = self.builder, number(1)
        width = b.select(b.icmp_signed(">", self.rows, one), self.rows, one)
        chunk = b.sdiv(number(CHUNK_ROWS), width)
        return b.select(b.icmp_signed(">", chunk, one), chunk, one)

    def _run_chunks(
        self,
        phase: Phase,
        functions: list[KernelFunction],
        times: Part,
        part: Part,
    ) -> None:
        """Time-steps from ``times[0]`` up to ``times[1]``, or the way back."""
        b, (low, high), chunk = self.builder, times, self._chunk()
        ends = b.add(low, high)

        def body(first: ir.Value) -> None:
            left = b.sub(high, first)
            steps = self.emitter.least(left, chunk)
            if phase.direction < 0:
                first = b.sub(b.sub(ends, first), steps)
            for function in functions:
                self._call_chunk(phase, function, (first, steps), part)

        if functions:
            self.emitter.loop(low, high, chunk, body)

    def _call_chunk(
        self, phase: Phase, function: KernelFunction, span: Part, part: Part
    ) -> None:
        """All rows of a chunk in one call, unless a value varies by row and not by step."""
        b, (first, steps) = self.builder, span
        if not any(view.buffer.varies is Varies.ROW for view in views(function.kernel)):
            self._call(function, b.mul(steps, self.rows), first, part)
            return
        last = b.sub(steps, number(1))

        def step(i: ir.Value) -> None:
            t = b.add(first, i if phase.direction > 0 else b.sub(last, i))
            self._call(function, self.rows, t, part)

        self.emitter.loop(number(0), steps, 1, step)

    # --- calls ---------------------------------------------------------------------------

    def _call(
        self,
        function: KernelFunction,
        rows: ir.Value,
        t: ir.Value,
        part: Part = WHOLE,
        first_row: ir.Value | None = None,
    ) -> None:
        pointers = [self.pointer(name, shift, t, first_row) for name, shift in function.streams]
        for place, offset in enumerate(function.offsets):
            pointers[place] = self.emitter.at(pointers[place], number(offset))
        self.builder.call(function.function, [rows, *part, *pointers])

    def pointer(
        self, name: str, shift: int, t: ir.Value, first_row: ir.Value | None
    ) -> ir.Value:
        """A buffer at time-step ``t`` with a shift, from a row on."""
        base, buffer = self.bases[name], self.program.schedule.buffers.get(name)
        if buffer is None or buffer.varies is Varies.ONCE:
            return base
        b, place = self.builder, number(0)
        if buffer.varies is Varies.STEP and buffer.extent is not Extent.ONE:
            slot = b.add(t, number(shift))
            if buffer.extent is Extent.RING:
                slot = b.and_(slot, number(1))
            place = b.mul(slot, self.rows)
        if first_row is not None:
            place = self.emitter.add(place, first_row)
        return self.emitter.at(
            base, self.emitter.mul(place, number(buffer.size)), self._element(buffer)
        )

    def _element(self, buffer: Buffer) -> ir.Type:
        return I64 if buffer.dtype == "int" else self.emitter.format.element
