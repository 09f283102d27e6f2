"""Verification of schedules: they are run on marks instead of numbers, for a few steps and rows.

A mark says that an element was written. So what a schedule reads too early, leaves unwritten or
reaches outside of is found by the same order and the same addresses that a backend follows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..graph import Varies
from .addresses import (
    Array,
    Instances,
    addresses,
    at_step,
    elements,
    final_slot,
    initial_slot,
    instances,
)
from .formats import FORMATS
from .grammar import (
    Closure,
    ColumnTotal,
    Kernel,
    Narrow,
    OuterTotal,
    Phase,
    Product,
    Reduction,
    Role,
    ScatterTotal,
    StatePlan,
    Tile,
    Total,
    View,
    contiguous,
    term_views,
    written,
)
from .schedule import Schedule

STEPS, ROWS = 3, 2


class ScheduleError(ValueError):
    """A schedule that breaks a rule of its own grammar: a mistake in rnngraph, not in a cell."""


def verify_schedule(schedule: Schedule) -> Schedule:
    """The schedule itself, if every value is written before it is read, every output and state
    is written, views stay inside their buffers, and no kernel reads what it writes itself, but
    for an element that it replaces by another value in the same memory.
    Raises ScheduleError at the first fault."""
    run = _Marks(schedule)
    for procedure in schedule.procedures:
        for phase in procedure.phases:
            run.phase(phase)
    for name, view in schedule.outputs.items():
        run.check_read(view, instances(view.varies, STEPS, ROWS), f"output {name}")
    for name, plan in schedule.states.items():
        at = at_step(final_slot(plan.delay, STEPS), ROWS)
        run.check_read(_whole(plan), at, f"final state {name}")
    return schedule


class _Marks:
    """Which elements of every buffer have been written so far."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.written: dict[str, Array] = {}
        self.tenants: dict[str, list[str]] = {}
        for name in schedule.buffers:
            self.tenants.setdefault(schedule.memory.get(name, name), []).append(name)
        for name, buffer in schedule.buffers.items():
            given = buffer.role in (Role.GIVEN, Role.IOTA)
            if name != buffer.name:
                raise ScheduleError(f"buffer '{buffer.name}' is listed as '{name}'")
            self.written[name] = np.full(elements(buffer, STEPS, ROWS), given)
        for plan in schedule.states.values():
            at = at_step(initial_slot(plan.delay, STEPS), ROWS)
            self.written[plan.buffer.name][self.at(_whole(plan), at)] = True

    def at(self, view: View, at: Instances) -> Array:
        if view.varies is Varies.ONCE:
            at = instances(Varies.ONCE, STEPS, ROWS)
        if self.schedule.buffers.get(view.buffer.name) != view.buffer:
            raise ScheduleError(f"a view on buffer '{view.buffer.name}', which is not declared so")
        return addresses(view, at, STEPS, ROWS, lambda index, at: np.zeros(len(at), int))

    def phase(self, phase: Phase) -> None:
        if phase.kind != "loop":
            for kernel in phase.kernels:
                self.kernel(kernel, instances(kernel.varies, STEPS, ROWS))
            return
        for t in range(STEPS)[:: phase.direction]:
            for kernel in phase.kernels:
                self.kernel(kernel, at_step(t, ROWS))

    def kernel(self, kernel: Kernel, at: Instances) -> None:
        _check_shapes(kernel)
        who = f"kernel {kernel.name}"
        reads = [(view, self.check_read(view, at, who)) for view in _reads(kernel)]
        whole = {id(view) for view in _whole_reads(kernel)}
        where = at
        if isinstance(kernel, Total):
            where = instances(kernel.target.buffer.varies, STEPS, ROWS)
        writes = [(view, self._places(view, where, who)) for view in written(kernel)]
        for view, places in writes:
            for other, sources in reads:
                in_place = np.array_equal(sources.ravel(), places.ravel())
                replaced = in_place and id(other) not in whole
                if self._host(other) == self._host(view) and not replaced:
                    _refuse_overlap(sources, places, f"{who} reads and writes '{view.buffer.name}'")
        self._mark(writes, who)

    def _host(self, view: View) -> str:
        return self.schedule.memory.get(view.buffer.name, view.buffer.name)

    def _mark(self, writes: list[tuple[View, Array]], who: str) -> None:
        """Note what a kernel wrote; what shared its memory is lost."""
        before: dict[str, list[Array]] = {}
        for view, places in writes:
            host, flat = self._host(view), places.ravel()
            if len(np.unique(flat)) != len(flat):
                raise ScheduleError(f"{who} writes twice to '{view.buffer.name}'")
            for other in before.setdefault(host, []):
                _refuse_overlap(other, flat, f"{who} writes twice to '{view.buffer.name}'")
            before[host].append(flat)
            for name in self.tenants[host]:
                self.written[name][flat] = name == view.buffer.name

    def check_read(self, view: View, at: Instances, who: str) -> Array:
        """The addresses of a view, all of which must have been written."""
        if view.index is not None:
            self.check_read(view.index, at, who)
        places = self._places(view, at, who)
        if not self.written[view.buffer.name][places].all():
            raise ScheduleError(f"{who} reads '{view.buffer.name}' before it is written")
        return places

    def _places(self, view: View, at: Instances, who: str) -> Array:
        try:
            return self.at(view, at)
        except IndexError as error:
            raise ScheduleError(f"{who}: {error}") from None


def _refuse_overlap(a: Array, b: Array, message: str) -> None:
    if len(np.intersect1d(a, b)):
        raise ScheduleError(message)


def _whole(plan: StatePlan) -> View:
    return View(plan.buffer, plan.buffer.shape, contiguous(plan.buffer.shape))


# --- what a kernel reads --------------------------------------------------------


def _reads(kernel: Kernel) -> Iterable[View]:
    if isinstance(kernel, OuterTotal):
        return [kernel.left, kernel.right]
    if isinstance(kernel, ScatterTotal):
        return [kernel.value, kernel.index]
    if isinstance(kernel, Narrow):
        return [kernel.source]
    accumulators = kernel.accumulators if isinstance(kernel, Tile) else ()
    starts = [a.start for a in accumulators if isinstance(a, Product) and a.start is not None]
    return [*kernel.closure.loads.values(), *starts, *_whole_reads(kernel)]


def _whole_reads(kernel: Kernel) -> list[View]:
    """What a kernel reads at other places than the one that it writes."""
    if isinstance(kernel, Narrow):
        return [kernel.source]
    accumulators = kernel.accumulators if isinstance(kernel, Tile) else ()
    return [view for accumulator in accumulators for view in _accumulated(accumulator)]


def _accumulated(accumulator: Product | Reduction) -> list[View]:
    if isinstance(accumulator, Reduction):
        return list(accumulator.closure.loads.values())
    return term_views(accumulator)


# --- shapes and closures ---------------------------------------------------------------------


def _check_shapes(kernel: Kernel) -> None:
    faults = [f for f in _shape_faults(kernel) if f]
    if faults:
        raise ScheduleError(f"kernel {kernel.name}: {'; '.join(faults)}")


def _shape_faults(kernel: Kernel) -> list[str]:
    if isinstance(kernel, OuterTotal | ScatterTotal) and kernel.target.varies is not Varies.ONCE:
        return ["this sum is over all rows, but its target varies"]
    if isinstance(kernel, OuterTotal):
        shape = (*kernel.left.shape, *kernel.right.shape)
        return ["" if shape == kernel.target.shape else "the outer product has another shape"]
    if isinstance(kernel, ScatterTotal):
        good = kernel.value.shape == kernel.target.shape[1:] and kernel.index.shape == ()
        return ["" if good else "the scattered value has another shape"]
    if isinstance(kernel, Narrow):
        return [_narrow_fault(kernel)]
    if isinstance(kernel, ColumnTotal):
        good = kernel.source.shape == kernel.target.shape == kernel.closure.space
        return ["" if good else "the summed value has another shape", *_closed(kernel.closure, ())]
    held = tuple(a.node.id for a in kernel.accumulators)
    faults = _closed(kernel.closure, held)
    for accumulator in kernel.accumulators:
        if accumulator.node.shape != kernel.closure.space:
            faults.append("an accumulator has another shape than the kernel's space")
        faults += _accumulator_faults(accumulator)
    if len({a.format for a in kernel.accumulators if isinstance(a, Product)}) > 1:
        faults.append("its products are in several formats")
    for node, view in kernel.stores:
        if view.shape != node.shape or node.shape not in ((), kernel.closure.space):
            faults.append(f"%{node.id} is stored through a window of another shape")
    return faults


def _accumulator_faults(accumulator: Product | Reduction) -> list[str]:
    shape = accumulator.node.shape
    if isinstance(accumulator, Reduction):
        space, axis = accumulator.closure.space, accumulator.axis
        good = shape == space[:axis] + space[axis + 1 :] and accumulator.source.shape == space
        fault = "" if good else "a reduction's shapes do not agree"
        return [fault, *_closed(accumulator.closure, ())]
    faults = []
    if accumulator.start is not None and accumulator.start.shape != shape:
        faults.append("a product starts from another shape")
    for term in accumulator.terms:
        read = (_held(term.weight.shape[1], accumulator.format),)
        if term.weight.shape[:1] != shape or term.operand.shape != read:
            faults.append("a product's shapes do not agree")
        if term.operand.buffer.dtype not in _dtypes(accumulator.format):
            faults.append(f"an operand is not in the product's format {accumulator.format}")
        if (term.scale is not None) != _scaled(accumulator.format):
            faults.append("an operand lacks its scale, or has one it should not have")
    return faults


def _narrow_fault(kernel: Narrow) -> str:
    format = kernel.target.buffer.dtype
    if format not in FORMATS:
        return f"{format} is no narrow format"
    if kernel.target.shape != (_held(kernel.source.shape[0], format),):
        return "the narrow value has another number of words"
    good = (kernel.scale is not None) == _scaled(format)
    return "" if good else "it lacks its scale, or has one it should not have"


def _held(depth: int, format: str) -> int:
    """Elements of a buffer that hold an operand."""
    return FORMATS[format].words(depth) if format in FORMATS else depth


def _dtypes(format: str) -> tuple[str, ...]:
    return (format,) if format in FORMATS else ("real", "int")


def _scaled(format: str) -> bool:
    return format in FORMATS and FORMATS[format].scaled


def _closed(closure: Closure, held: tuple[int, ...]) -> list[str]:
    """Every operand of the body must be loaded, held or computed before."""
    known = {*closure.loads, *held}
    faults = []
    for node in closure.body:
        for x in node.operands:
            if x.op != "constant" and x.id not in known:
                faults.append(f"%{x.id} is not known where %{node.id} needs it")
            if x.shape not in ((), closure.space):
                faults.append(f"%{x.id} does not have the space of its closure")
        known.add(node.id)
    return faults
