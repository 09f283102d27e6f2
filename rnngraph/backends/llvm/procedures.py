"""From a schedule to one LLVM module: a function per kernel, and one per procedure that calls them.

    void forward(ptr table, i64 T, i64 B)

``table`` holds one pointer per buffer, in the order of ``Layout.entries``, then one per group of
packed weights and per copy of their sources. The module knows no T and no B: the same code runs any sequence and any batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from llvmlite import ir

from ...graph import Varies
from ...ops.lanes import Real
from ...schedule import Schedule
from ...schedule.cost import CHUNK_ROWS
from ...schedule.grammar import (
    Buffer,
    ColumnTotal,
    Extent,
    Kernel,
    OuterTotal,
    Phase,
    Procedure,
    Tile,
    views,
)
from ...schedule.packing import groups, packed_size, tile_shape
from .emitter import I64, POINTER, Emitter, Stream, number, stream
from .packing import write_packing
from .target import Target
from .tiles import packed_name, write_tile
from .totals import write_column_total, write_outer_total, write_scatter_total
from .weights import Packing, Refresher, at_start, copy_name, copy_size, write_refresh


@dataclass
class Layout:
    """What the table holds: buffers in order, then packed weights and copies of their sources,
    with their elements. These two are kept from call to call, and begin as zeros."""

    entries: list[str]
    packed: dict[str, int] = field(default_factory=dict)
    copies: dict[str, int] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """All entries in the order of the table."""
        return [*self.entries, *self.packed, *self.copies]

    @property
    def kept(self) -> dict[str, int]:
        """Entries that are kept from call to call, with their elements."""
        return {**self.packed, **self.copies}


def write_module(schedule: Schedule, real: Real, target: Target) -> tuple[ir.Module, Layout]:
    """The module of a schedule and the layout of its table."""
    writer = _ModuleWriter(schedule, real, target)
    for procedure in schedule.procedures:
        writer.prepare(procedure)
    for procedure in schedule.procedures:
        writer.write(procedure)
    return writer.module, writer.layout


@dataclass(frozen=True)
class _Function:
    kernel: Kernel
    function: ir.Function
    streams: tuple[Stream, ...]
    packings: tuple[Packing, ...]


class _ModuleWriter:
    def __init__(self, schedule: Schedule, real: Real, target: Target) -> None:
        self.schedule, self.real, self.target = schedule, real, target
        self.module = ir.Module("rnngraph")
        self.layout = Layout(list(schedule.buffers))
        self.functions: dict[int, _Function] = {}
        self.refresh = write_refresh(self.module, self._emitter)

    def _emitter(self, function: ir.Function) -> Emitter:
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        return Emitter(builder, self.real, self.target)

    # --- kernels -----------------------------------------------------------------------

    def prepare(self, procedure: Procedure) -> None:
        """Write the functions of all kernels, and of the packing of their weights."""
        for p, phase in enumerate(procedure.phases):
            for k, kernel in enumerate(phase.kernels):
                label = f"{procedure.name}_{p}_{k}"
                packings = tuple(self._packings(kernel, label))
                packed = [packing.streams[-1] for packing in packings]
                streams = tuple(dict.fromkeys([*map(stream, views(kernel)), *packed]))
                function, emitter, rows = self._open(label, streams)
                self._write_kernel(emitter, kernel, label, rows)
                emitter.builder.ret_void()
                self.functions[id(kernel)] = _Function(kernel, function, streams, packings)
                self._keep_copies(packings, procedure.name, p)

    def _keep_copies(self, packings: tuple[Packing, ...], procedure: str, phase: int) -> None:
        for packing in packings:
            label = procedure if at_start(packing) else f"{procedure}_{phase}"
            for source in packing.sources:
                self.layout.copies[copy_name(label, source)] = copy_size(source)

    def _open(
        self, name: str, streams: tuple[Stream, ...]
    ) -> tuple[ir.Function, Emitter, ir.Value]:
        kind = ir.FunctionType(ir.VoidType(), [I64] + [POINTER] * len(streams))
        function = ir.Function(self.module, kind, name)
        function.linkage = "internal"
        function.attributes.add("nounwind")
        function.attributes.add("noinline")
        emitter = self._emitter(function)
        emitter.pointers.update(zip(streams, function.args[1:], strict=True))
        return function, emitter, function.args[0]

    def _write_kernel(self, emitter: Emitter, kernel: Kernel, label: str, rows: ir.Value) -> None:
        graph = self.schedule.graph
        if isinstance(kernel, Tile):
            write_tile(emitter, graph, kernel, label, rows)
        elif isinstance(kernel, OuterTotal):
            write_outer_total(emitter, kernel, rows)
        elif isinstance(kernel, ColumnTotal):
            write_column_total(emitter, graph, kernel, rows)
        else:
            write_scatter_total(emitter, kernel, rows)

    def _packings(self, kernel: Kernel, label: str) -> Iterator[Packing]:
        if not isinstance(kernel, Tile):
            return
        for place, group in enumerate(groups(kernel)):
            shape = tile_shape(kernel, self.target.machine(self.real))
            name = packed_name(label, place)
            self.layout.packed[name] = packed_size(group, shape)
            weights = [stream(weight) for _, weight in group.members]
            streams = (*dict.fromkeys(weights), (name, 0))
            function, emitter, _ = self._open(f"pack_{label}_{place}", streams)
            write_packing(emitter, group, shape, name)
            emitter.builder.ret_void()
            sources = tuple(dict.fromkeys(weight.buffer for _, weight in group.members))
            yield Packing(function, streams, sources)

    # --- procedures --------------------------------------------------------------------

    def write(self, procedure: Procedure) -> None:
        """Write the function that runs all phases of a procedure."""
        kind = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])
        function = ir.Function(self.module, kind, procedure.name)
        function.attributes.add("nounwind")
        emitter = self._emitter(function)
        driver = _Driver(emitter, self, procedure.name, *function.args)
        driver.refresh([f for p in procedure.phases for f in self.of(p)])
        for number_, phase in enumerate(procedure.phases):
            driver.run(number_, phase)
        emitter.builder.ret_void()

    def of(self, phase: Phase) -> list[_Function]:
        """The functions of a phase's kernels."""
        return [self.functions[id(kernel)] for kernel in phase.kernels]


class _Driver:
    """Writes the calls of one procedure: which kernels, in which order, at which pointers."""

    def __init__(
        self,
        emitter: Emitter,
        module: _ModuleWriter,
        procedure: str,
        table: ir.Value,
        steps: ir.Value,
        rows: ir.Value,
    ) -> None:
        self.emitter, self.builder, self.module = emitter, emitter.builder, module
        self.procedure, self.steps, self.rows = procedure, steps, rows
        names = module.layout.names
        self.bases = {name: self._entry(table, place) for place, name in enumerate(names)}

    def _entry(self, table: ir.Value, place: int) -> ir.Value:
        address = self.builder.gep(table, [number(place)], source_etype=POINTER)
        return self.builder.load(address, typ=POINTER, align=8)

    # --- weights -------------------------------------------------------------------------

    def refresh(self, functions: list[_Function]) -> None:
        """Pack what parameters changed."""
        self._pack([p for f in functions for p in f.packings if at_start(p)], self.procedure)

    def _pack(self, packings: list[Packing], label: str) -> None:
        refresher = Refresher(self.emitter, self.module.refresh, self.bases, label)
        changed = refresher.compare(packings)
        for packing in packings:
            refresher.pack(packing, changed)

    # --- phases --------------------------------------------------------------------------

    def run(self, place: int, phase: Phase) -> None:
        """Pack what earlier phases computed, then run the phase's kernels."""
        functions = self.module.of(phase)
        late = [p for f in functions for p in f.packings if not at_start(p)]
        self._pack(late, f"{self.procedure}_{place}")
        {"once": self._once, "rows": self._per_row, "loop": self._loop, "batch": self._batch}[
            phase.kind
        ](phase, functions)

    def _once(self, phase: Phase, functions: list[_Function]) -> None:
        for function in functions:
            self._call(function, number(1), number(0))

    def _per_row(self, phase: Phase, functions: list[_Function]) -> None:
        for function in functions:
            self._call(function, self.rows, number(0))

    def _loop(self, phase: Phase, functions: list[_Function]) -> None:
        last = self.builder.sub(self.steps, number(1))

        def step(i: ir.Value) -> None:
            t = i if phase.direction > 0 else self.builder.sub(last, i)
            for function in functions:
                self._call(function, self.rows, t)

        self.emitter.loop(number(0), self.steps, 1, step)

    def _batch(self, phase: Phase, functions: list[_Function]) -> None:
        """Chunks of whole time-steps run through all kernels of the phase."""
        b = self.builder
        one = number(1)
        width = b.select(b.icmp_signed(">", self.rows, one), self.rows, one)
        chunk = b.sdiv(number(CHUNK_ROWS), width)
        chunk = b.select(b.icmp_signed(">", chunk, one), chunk, one)
        count = b.sdiv(b.add(self.steps, b.sub(chunk, one)), chunk)

        def body(c: ir.Value) -> None:
            first = b.mul(c, chunk)
            left = b.sub(self.steps, first)
            steps = b.select(b.icmp_signed("<", left, chunk), left, chunk)
            for function in functions:
                self._call_chunk(function, first, steps)

        self.emitter.loop(number(0), count, 1, body)

    def _call_chunk(self, function: _Function, first: ir.Value, steps: ir.Value) -> None:
        """All rows of a chunk in one call, unless a value varies by row and not by step."""
        by_row = any(view.buffer.varies is Varies.ROW for view in views(function.kernel))
        if not by_row:
            self._call(function, self.builder.mul(steps, self.rows), first)
            return
        self.emitter.loop(
            number(0), steps, 1,
            lambda i: self._call(function, self.rows, self.builder.add(first, i)),
        )  # fmt: skip

    def _call(self, function: _Function, rows: ir.Value, t: ir.Value) -> None:
        pointers = [self._pointer(name, shift, t) for name, shift in function.streams]
        self.builder.call(function.function, [rows, *pointers])

    def _pointer(self, name: str, shift: int, t: ir.Value) -> ir.Value:
        base = self.bases[name]
        buffer = self.module.schedule.buffers.get(name)
        if buffer is None or buffer.varies is not Varies.STEP or buffer.extent is Extent.ONE:
            return base
        slot = self.builder.add(t, number(shift))
        if buffer.extent is Extent.RING:
            slot = self.builder.and_(slot, number(1))
        size = self.builder.mul(self.rows, number(buffer.size))
        return self.emitter.at(base, self.builder.mul(slot, size), self._element(buffer))

    def _element(self, buffer: Buffer) -> ir.Type:
        return I64 if buffer.dtype == "int" else self.emitter.format.element
