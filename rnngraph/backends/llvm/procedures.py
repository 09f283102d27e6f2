"""From a schedule to one LLVM module: a function per kernel, and one per procedure that calls them.

    i64 forward_enter(ptr frame, ptr arrays)                      what Python calls
    void forward(ptr table, i64 T, i64 B, i64 part, i64 parts, ptr control)

``table``, the last part of the frame, holds one pointer per buffer, in the order of
``Layout.entries``, then one per group of packed weights and per copy of their sources. The module
knows no T and no B: the same code runs any sequence and any batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from llvmlite import ir

from ...ops.lanes import Real
from ...schedule import Schedule
from ...schedule.formats import FORMATS
from ...schedule.grammar import (
    ColumnTotal,
    Extent,
    Kernel,
    Narrow,
    OuterTotal,
    Phase,
    Procedure,
    Role,
    Tile,
    View,
    products,
    views,
)
from ...schedule.packing import groups, packed_size, passes, tile_shape, waits
from ...schedule.panels import format_of, narrow_shape, narrow_size
from ...schedule.scan import next_alone
from ...schedule.series import LARGEST, is_series, units
from ..frame import VOUCHED
from .codes import write_narrow, write_narrow_packing
from .driver import Driver, KernelFunction, Program, Series
from .emitter import I64, POINTER, Emitter, Stream, stream
from .gate import Gate
from .narrow import NarrowTile
from .outer import OuterWriter
from .packing import write_packing
from .pieces import ScanFunctions
from .products import ProductTile
from .scan import ComposeWriter, write_combine
from .series import SeriesWriter
from .target import Target
from .team import Team, supported
from .tiles import write_map
from .totals import Rows, write_column_total, write_scatter_total
from .waiting import WaitingTile
from .walks import packed_name
from .weights import Packing, at_start, digest_name, digest_size, write_refresh

SIDES = ("left", "right", "target")


@dataclass
class Layout:
    """What the table holds: buffers in order, then packed weights and digests of their
    sources, with their elements. These two are kept from call to call, and begin as zeros. Last
    is a word that vouches for the parameters."""

    entries: list[str]
    packed: dict[str, int] = field(default_factory=dict)
    digests: dict[str, int] = field(default_factory=dict)
    teams: bool = False

    @property
    def names(self) -> list[str]:
        """All entries in the order of the table."""
        return [*self.entries, *self.packed, *self.digests, VOUCHED]

    @property
    def kept(self) -> dict[str, int]:
        """Entries that are kept from call to call, with their elements."""
        return {**self.packed, **self.digests}


def write_module(schedule: Schedule, real: Real, target: Target) -> tuple[ir.Module, Layout]:
    """The module of a schedule and the layout of its table."""
    writer = _ModuleWriter(schedule, real, target)
    for procedure in schedule.procedures:
        writer.prepare(procedure)
    for procedure in schedule.procedures:
        writer.write(procedure)
    return writer.module, writer.layout


def sharable(kernel: Kernel) -> TypeGuard[OuterTotal]:
    """Whether a kernel's function serves others, too: all its windows are found by a pointer."""
    return isinstance(kernel, OuterTotal) and all(view.index is None for view in views(kernel))


def anywhere(view: View, name: str) -> View:
    """The same window, wherever it lies, of a buffer of this name."""
    buffer = replace(view.buffer, name=name, extent=Extent.STEPS, role=Role.WORK)
    return replace(view, buffer=buffer, offset=0, shift=0)


class _ModuleWriter:
    def __init__(self, schedule: Schedule, real: Real, target: Target) -> None:
        self.schedule, self.real, self.target = schedule, real, target
        self.module = ir.Module("rnngraph")
        self.layout = Layout(list(schedule.buffers))
        self.functions: dict[int, KernelFunction] = {}
        self.shared: dict[tuple[OuterTotal, int], ir.Function] = {}
        self.refresh = write_refresh(self.module, self._emitter)
        self.team = Team(self.module, target.triple) if supported(target.triple) else None
        self.layout.teams = self.team is not None
        self.gate = Gate(self.module, target.triple)

    def _emitter(self, function: ir.Function) -> Emitter:
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        return Emitter(builder, self.real, self.target)

    # --- kernels -----------------------------------------------------------------------

    def prepare(self, procedure: Procedure) -> None:
        """Write the functions of all kernels, and of the packing of their weights."""
        for p, phase in enumerate(procedure.phases):
            for k, kernel in enumerate(phase.kernels):
                label = f"{procedure.name}_{p}_{k}"
                made = (self._shared(phase, kernel, label) if sharable(kernel)
                        else self._function(phase, kernel, label))  # fmt: skip
                self.functions[id(kernel)] = made
                self._keep_digests(made.packings, procedure.name, p)

    def _function(self, phase: Phase, kernel: Kernel, label: str) -> KernelFunction:
        packings = tuple(self._packings(kernel, label))
        packed = [packing.streams[-1] for packing in packings]
        streams = tuple(dict.fromkeys([*map(stream, views(kernel)), *packed]))
        function, emitter, rows = self._open(label, streams)
        self._write_kernel(emitter, phase, kernel, label, rows)
        emitter.builder.ret_void()
        return KernelFunction(kernel, function, streams, packings, self._series(phase, label),
                              self._scan(phase, label))  # fmt: skip

    def _shared(self, phase: Phase, kernel: OuterTotal, label: str) -> KernelFunction:
        """One function for all sums that differ in nothing but where their windows lie."""
        windows = (kernel.left, kernel.right, kernel.target)
        common = OuterTotal("", kernel.varies, *map(anywhere, windows, SIDES))
        key = common, phase.direction
        if key not in self.shared:
            self.shared[key] = self._function(phase, common, label).function
        streams = tuple(stream(view) for view in windows)
        offsets = tuple(view.offset for view in windows)
        return KernelFunction(kernel, self.shared[key], streams, (), offsets=offsets)

    def _keep_digests(self, packings: tuple[Packing, ...], procedure: str, phase: int) -> None:
        size = digest_size(self.target.lanes(self.real))
        for packing in packings:
            label = procedure if at_start(packing) else f"{procedure}_{phase}"
            for source in packing.sources:
                self.layout.digests[digest_name(label, source)] = size

    def _open(
        self, name: str, streams: tuple[Stream, ...], counts: int = 1
    ) -> tuple[ir.Function, Emitter, ir.Value]:
        """A function of some counts, the last of them its rows, of its part, and of pointers."""
        integers = [I64] * (counts + 2)
        kind = ir.FunctionType(ir.VoidType(), integers + [POINTER] * len(streams))
        function = ir.Function(self.module, kind, name)
        function.linkage = "internal"
        function.attributes.add("nounwind")
        function.attributes.add("noinline")
        emitter = self._emitter(function)
        emitter.part = (function.args[counts], function.args[counts + 1])
        emitter.pointers.update(zip(streams, function.args[counts + 2 :], strict=True))
        return function, emitter, function.args[counts - 1]

    def _series(self, phase: Phase, label: str) -> Series | None:
        """The function that runs a kernel's elements through time one after another, where that
        is possible and may be worth it."""
        if not is_series(phase):
            return None
        (kernel,) = phase.kernels
        assert isinstance(kernel, Tile)
        if units(kernel) > LARGEST and phase.scan is None:
            return None
        streams = tuple(dict.fromkeys(map(stream, views(kernel))))
        function, emitter, rows = self._open(f"{label}_series", streams, counts=3)
        steps, batch = function.args[:2]
        graph = self.schedule.graph
        SeriesWriter(emitter, graph, kernel, phase.direction, batch).write(steps, rows)
        emitter.builder.ret_void()
        return Series(function, units(kernel))

    def _scan(self, phase: Phase, label: str) -> ScanFunctions | None:
        """The functions of a parallel scan, where a loop is one."""
        if phase.scan is None:
            return None
        (kernel,) = phase.kernels
        assert isinstance(kernel, Tile)
        alone = next_alone(kernel).loads.values()
        loads = [view for load in alone for view in (load, load.index) if view is not None]
        own = [(buffer.name, 0) for buffer in (phase.scan.factors, phase.scan.starts)]
        streams = tuple(dict.fromkeys([*map(stream, loads), *own]))
        function, emitter, rows = self._open(f"{label}_compose", streams, counts=3)
        graph, (steps, batch) = self.schedule.graph, function.args[:2]
        ComposeWriter(emitter, graph, kernel, phase.direction, batch, phase.scan).write(steps, rows)
        emitter.builder.ret_void()
        return ScanFunctions(phase.scan, function, streams, self._combine())

    def _combine(self) -> ir.Function:
        if "combine" not in self.module.globals:
            kind = ir.FunctionType(ir.VoidType(), [I64] * 3 + [POINTER] * 3)
            function = ir.Function(self.module, kind, "combine")
            function.linkage = "internal"
            emitter = self._emitter(function)
            write_combine(emitter, function)
            emitter.builder.ret_void()
        return self.module.globals["combine"]

    def _write_kernel(
        self, emitter: Emitter, phase: Phase, kernel: Kernel, label: str, rows: ir.Value
    ) -> None:
        graph, order = self.schedule.graph, Rows(emitter, rows, phase.direction)
        if isinstance(kernel, Narrow):
            write_narrow(emitter, kernel, rows)
        elif isinstance(kernel, Tile) and format_of(kernel) in FORMATS:
            NarrowTile(emitter, graph, kernel, label).write(rows)
        elif isinstance(kernel, Tile):
            self._write_tile(emitter, kernel, label, rows)
        elif isinstance(kernel, OuterTotal):
            OuterWriter(emitter, kernel, order).write()
        elif isinstance(kernel, ColumnTotal):
            write_column_total(emitter, graph, kernel, order)
        else:
            write_scatter_total(emitter, kernel, order)

    def _write_tile(self, emitter: Emitter, kernel: Tile, label: str, rows: ir.Value) -> None:
        graph = self.schedule.graph
        if not products(kernel):
            write_map(emitter, graph, kernel, rows)
        elif (found := passes(kernel, self.target.machine(self.real))) or waits(kernel):
            WaitingTile(emitter, graph, kernel, label, found).write(rows)
        else:
            ProductTile(emitter, graph, kernel, label).write(rows)

    def _packings(self, kernel: Kernel, label: str) -> Iterator[Packing]:
        if not isinstance(kernel, Tile):
            return
        format, machine = format_of(kernel), self.target.machine(self.real)
        narrow = format in FORMATS
        for place, group in enumerate(groups(kernel)):
            shape = narrow_shape(kernel, machine) if narrow else tile_shape(kernel, machine)
            name = packed_name(label, place)
            size = narrow_size(format, group, shape) if narrow else packed_size(group, shape)
            self.layout.packed[name] = size
            weights = [stream(weight) for _, weight in group.members]
            streams = (*dict.fromkeys(weights), (name, 0))
            function, emitter, _ = self._open(f"pack_{label}_{place}", streams)
            if narrow:
                write_narrow_packing(emitter, group, shape, name, format)
            else:
                write_packing(emitter, group, shape, name)
            emitter.builder.ret_void()
            sources = tuple(dict.fromkeys(weight.buffer for _, weight in group.members))
            yield Packing(function, streams, sources)

    # --- procedures --------------------------------------------------------------------

    def write(self, procedure: Procedure) -> None:
        """Write the functions that run all phases of a procedure, alone or in a team."""
        kind = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, I64, I64, POINTER])
        function = ir.Function(self.module, kind, procedure.name)
        function.linkage = "internal"
        function.attributes.add("nounwind")
        emitter = self._emitter(function)
        program = Program(
            self.schedule, self.functions, self.refresh, self.team, self.layout.names
        )
        Driver(emitter, program, procedure, function).write()
        emitter.builder.ret_void()
        self.gate.write(function)
