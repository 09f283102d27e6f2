"""From a schedule to one LLVM module: a function per kernel, and one per procedure that calls them.

    void forward(ptr table, i64 T, i64 B)

``table`` holds one pointer per buffer, in the order of ``Layout.entries``, then one per group of
packed weights. The module knows no T and no B: the same code runs any sequence and any batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from llvmlite import ir

from ...graph import Varies
from ...ops.lanes import Real
from ...schedule import Schedule
from ...schedule.grammar import (
    Buffer,
    ColumnTotal,
    Extent,
    Kernel,
    OuterTotal,
    Phase,
    Procedure,
    Product,
    Tile,
    views,
)
from .emitter import I64, POINTER, Emitter, Stream, number, stream
from .packing import Group, groups, packed_size, tile_shape, write_packing
from .target import Target
from .tiles import packed_name, write_tile
from .totals import write_column_total, write_outer_total, write_scatter_total

# rows that run through all kernels of a batch phase before the next ones: they stay in the cache
CHUNK_ROWS = 256


@dataclass
class Layout:
    """What the table holds: buffer names in order, then packed weights with their elements."""

    entries: list[str]
    packed: dict[str, int] = field(default_factory=dict)

    def place(self, name: str) -> int:
        """The position of an entry in the table."""
        return [*self.entries, *self.packed].index(name)


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
    packs: tuple[tuple[ir.Function, tuple[Stream, ...]], ...]


class _ModuleWriter:
    def __init__(self, schedule: Schedule, real: Real, target: Target) -> None:
        self.schedule, self.real, self.target = schedule, real, target
        self.module = ir.Module("rnngraph")
        self.layout = Layout(list(schedule.buffers))
        self.functions: dict[int, _Function] = {}

    # --- kernels -----------------------------------------------------------------------

    def prepare(self, procedure: Procedure) -> None:
        """Write the functions of all kernels, and of the packing of their weights."""
        for p, phase in enumerate(procedure.phases):
            for k, kernel in enumerate(phase.kernels):
                label = f"{procedure.name}_{p}_{k}"
                packs = tuple(self._packing(kernel, label))
                names = [s for _, streams in packs for s in streams if s[0] in self.layout.packed]
                streams = tuple(dict.fromkeys([*map(stream, views(kernel)), *names]))
                function, emitter, rows = self._open(label, streams)
                self._write_kernel(emitter, kernel, label, rows)
                emitter.builder.ret_void()
                self.functions[id(kernel)] = _Function(kernel, function, streams, packs)

    def _open(
        self, name: str, streams: tuple[Stream, ...]
    ) -> tuple[ir.Function, Emitter, ir.Value]:
        kind = ir.FunctionType(ir.VoidType(), [I64] + [POINTER] * len(streams))
        function = ir.Function(self.module, kind, name)
        function.linkage = "internal"
        function.attributes.add("nounwind")
        function.attributes.add("noinline")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        pointers = dict(zip(streams, function.args[1:], strict=True))
        return function, Emitter(builder, self.real, self.target, pointers), function.args[0]

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

    def _packing(
        self, kernel: Kernel, label: str
    ) -> Iterator[tuple[ir.Function, tuple[Stream, ...]]]:
        for place, group in enumerate(_groups(kernel)):
            assert isinstance(kernel, Tile)
            shape = tile_shape(kernel, self.real, self.target)
            name = packed_name(label, place)
            self.layout.packed[name] = packed_size(group, shape)
            weights = [stream(weight) for _, weight in group.members]
            streams = tuple(dict.fromkeys([*weights, (name, 0)]))
            function, emitter, _ = self._open(f"pack_{label}_{place}", streams)
            write_packing(emitter, group, shape, name)
            emitter.builder.ret_void()
            yield function, streams

    # --- procedures --------------------------------------------------------------------

    def write(self, procedure: Procedure) -> None:
        """Write the function that runs all phases of a procedure."""
        kind = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])
        function = ir.Function(self.module, kind, procedure.name)
        function.attributes.add("nounwind")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        table, steps, rows = function.args
        driver = _Driver(Emitter(builder, self.real, self.target), self, table, steps, rows)
        for phase in procedure.phases:
            driver.run(phase)
        builder.ret_void()


def _groups(kernel: Kernel) -> list[Group]:
    if not isinstance(kernel, Tile):
        return []
    return groups([a for a in kernel.accumulators if isinstance(a, Product)])


class _Driver:
    """Writes the calls of one procedure: which kernels, in which order, at which pointers."""

    def __init__(
        self,
        emitter: Emitter,
        module: _ModuleWriter,
        table: ir.Value,
        steps: ir.Value,
        rows: ir.Value,
    ) -> None:
        self.emitter, self.builder, self.module = emitter, emitter.builder, module
        self.steps, self.rows = steps, rows
        self.bases = {name: self._entry(table, name) for name in self._names()}

    def _names(self) -> list[str]:
        return [*self.module.layout.entries, *self.module.layout.packed]

    def _entry(self, table: ir.Value, name: str) -> ir.Value:
        place = number(self.module.layout.place(name))
        address = self.builder.gep(table, [place], source_etype=POINTER)
        return self.builder.load(address, typ=POINTER, align=8)

    def run(self, phase: Phase) -> None:
        """Pack what the phase multiplies with, then run its kernels."""
        functions = [self.module.functions[id(kernel)] for kernel in phase.kernels]
        for function in functions:
            for pack, streams in function.packs:
                self.builder.call(pack, [number(1), *(self.bases[name] for name, _ in streams)])
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
