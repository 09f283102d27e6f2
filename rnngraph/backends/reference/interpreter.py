"""Executes a schedule literally: the oracle for backends, and the test of what the schedule says.

It allocates just the memory that the schedule declares, filled with NaN, so that a value which is
read before it was written, or after its memory went to another, shows in the result. Products and
reductions are single chains of additions in the order of the schedule's terms; so hoisting must
not change a bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...graph import Node, Varies
from ...ops import OPS
from ...schedule import Schedule
from ...schedule.addresses import (
    Instances,
    addresses,
    at_step,
    elements,
    final_slot,
    initial_slot,
    instances,
)
from ...schedule.formats import FORMATS
from ...schedule.grammar import (
    Buffer,
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
    Term,
    Tile,
    View,
    contiguous,
)
from . import narrow
from .meaning import Array, Result

CHAIN = {"sum": np.add, "max": np.maximum, "min": np.minimum}


def interpret(
    schedule: Schedule,
    given: Mapping[str, Array],
    steps: int,
    rows: int,
    initial: Mapping[str, Array] | None = None,
    late: Mapping[str, Array] | None = None,
    dtype: Any = np.float64,
) -> Result:
    """Run all procedures of ``schedule`` over a whole sequence.

    ``given`` and ``initial`` are shaped as for ``evaluate``. Values of ``late`` (leaves and
    initial states by name) are put in place only before the second procedure.
    Raises KeyError for a value that was not given, IndexError where a view leaves its buffer.
    """
    machine = Machine(schedule, steps, rows, np.dtype(dtype))
    late = late or {}
    with np.errstate(all="ignore"):
        for number, procedure in enumerate(schedule.procedures):
            machine.give({**given, **(late if number else {})})
            machine.begin(given, {**(initial or {}), **late}, late, number)
            for phase in procedure.phases:
                machine.phase(phase)
    outputs = {name: machine.sequence(view) for name, view in schedule.outputs.items()}
    return Result(outputs, {name: machine.final(p) for name, p in schedule.states.items()}, {})


class Machine:
    """Memory for one sequence, and how each kind of kernel changes it."""

    def __init__(self, schedule: Schedule, steps: int, rows: int, dtype: np.dtype[Any]) -> None:
        self.schedule, self.steps, self.rows, self.dtype = schedule, steps, rows, dtype
        self.memory = {name: self._allocate(b) for name, b in schedule.buffers.items()}
        for name, host in schedule.memory.items():
            self.memory[name] = self.memory[host]
        for name, host in schedule.memory.items():
            self.memory[name] = self.memory[host]

    def _allocate(self, buffer: Buffer) -> Array:
        length = elements(buffer, self.steps, self.rows)
        if buffer.role is Role.IOTA:
            return np.arange(length, dtype=self.dtype)
        if buffer.dtype == "int":
            return np.full(length, np.iinfo(np.int64).min)
        if buffer.dtype in FORMATS:
            return np.full(length, 0xFFFFFFFF, np.uint32)  # no numbers, in either format
        return np.full(length, np.nan, self.dtype)

    # --- memory ------------------------------------------------------------------------

    def addresses(self, view: View, at: Instances) -> Array:
        return addresses(view, at, self.steps, self.rows, self.load)

    def load(self, view: View, at: Instances) -> Array:
        """What a view shows: ``[instances, *shape]``, one instance where it never varies."""
        if view.varies is Varies.ONCE:
            at = instances(Varies.ONCE, self.steps, self.rows)
        return self.memory[view.buffer.name][self.addresses(view, at)]

    def store(self, view: View, at: Instances, value: Array) -> None:
        self.memory[view.buffer.name][self.addresses(view, at)] = value

    def give(self, values: Mapping[str, Array]) -> None:
        """Put the caller's arrays in their places."""
        for name, buffer in self.schedule.buffers.items():
            if buffer.role is Role.GIVEN and name in values:
                value = np.asarray(values[name]).reshape(-1)
                self.memory[name][:] = value

    def begin(
        self, given: Mapping[str, Array], initial: Mapping[str, Array], late: Any, number: int
    ) -> None:
        """Put initial states in place: those named by ``late`` before the second procedure."""
        for name, plan in self.schedule.states.items():
            if (name in late) != bool(number):
                continue
            value = initial.get(name)
            if value is None:
                init = self.schedule.graph.states[name].init
                value = given[init] if isinstance(init, str) else np.asarray(init)
            at = at_step(initial_slot(plan.delay, self.steps), self.rows)
            value = np.asarray(value, self.dtype)
            self.store(_whole(plan), at, np.broadcast_to(value, (self.rows, *plan.buffer.shape)))

    def sequence(self, view: View) -> Array:
        """An output, shaped as its buffer varies."""
        value = self.load(view, instances(view.varies, self.steps, self.rows))
        lead = {Varies.ONCE: (), Varies.ROW: (self.rows,), Varies.STEP: (self.steps, self.rows)}
        return value.reshape((*lead[view.varies], *view.shape))

    def final(self, plan: StatePlan) -> Array:
        return self.load(_whole(plan), at_step(final_slot(plan.delay, self.steps), self.rows))

    # --- order -------------------------------------------------------------------------

    def phase(self, phase: Phase) -> None:
        if phase.kind != "loop":
            for kernel in phase.kernels:
                self.kernel(kernel, instances(kernel.varies, self.steps, self.rows))
            return
        for t in range(self.steps)[:: phase.direction]:
            for kernel in phase.kernels:
                self.kernel(kernel, at_step(t, self.rows))

    def kernel(self, kernel: Kernel, at: Instances) -> None:
        if isinstance(kernel, Tile):
            self._tile(kernel, at)
        elif isinstance(kernel, Narrow):
            words, scale = narrow.narrow(self.load(kernel.source, at), kernel.target.buffer.dtype)
            self.store(kernel.target, at, words)
            if kernel.scale is not None:
                self.store(kernel.scale, at, scale)
        elif isinstance(kernel, OuterTotal):
            left, right = (self._full(v, at) for v in (kernel.left, kernel.right))
            self._add(kernel.target, at, left[:, :, None] * right[:, None, :])
        elif isinstance(kernel, ColumnTotal):
            value = self._closure(kernel.closure, {}, at)[kernel.source.id]
            self._add(kernel.target, at, np.broadcast_to(value, (len(at), *kernel.source.shape)))
        else:
            self._scatter(kernel, at)

    # --- kernels -----------------------------------------------------------------------

    def _full(self, view: View, at: Instances) -> Array:
        return np.broadcast_to(self.load(view, at), (len(at), *view.shape))

    def _tile(self, kernel: Tile, at: Instances) -> None:
        held = {a.node.id: self._accumulate(a, at) for a in kernel.accumulators}
        values = self._closure(kernel.closure, held, at)
        for node, view in kernel.stores:
            self.store(view, at, self._operand(node, values, node.shape))

    def _accumulate(self, accumulator: Product | Reduction, at: Instances) -> Array:
        if isinstance(accumulator, Product):
            return self._product(accumulator, at)
        values = self._closure(accumulator.closure, {}, at)
        source = self._operand(accumulator.source, values, accumulator.closure.space)
        parts = np.moveaxis(source, accumulator.axis + 1, 0)
        total: Array = parts[0]
        for part in parts[1:]:
            total = CHAIN[accumulator.op](total, part)
        return total

    def _product(self, product: Product, at: Instances) -> Array:
        zero = np.zeros((1, *product.node.shape), self.dtype)
        total = self.load(product.start, at) if product.start else zero
        for term in product.terms:
            weight, operand = self.load(term.weight, at), self.load(term.operand, at)
            if term.scale is not None:
                total = total + self._coded(term, product.format, at)
                continue
            depth = weight.shape[-1]
            order = list(range(depth))
            if product.format in FORMATS:
                operand = narrow.widened(operand, product.format, depth)
                weight, order = narrow.rounded(weight, product.format)[0], narrow.chain(depth)
            for k in order:
                total = total + weight[:, :, k] * operand[:, k, None]
        return total

    def _coded(self, term: Term, format: str, at: Instances) -> Array:
        """A term of a format with codes: their sums are integers, scaled once."""
        assert term.scale is not None
        codes, scales = narrow.rounded(self.load(term.weight, at), format)
        operand = narrow.widened(self.load(term.operand, at), format, codes.shape[-1])
        sums = np.einsum("bnk,bk->bn", np.broadcast_to(codes, (len(operand), *codes.shape[1:])),
                         operand)  # fmt: skip
        scaled: Array = sums.astype(self.dtype) * (scales * self.load(term.scale, at)[:, None])
        return scaled

    def _closure(self, closure: Closure, held: dict[int, Array], at: Instances) -> dict[int, Array]:
        values = dict(held)
        for number, view in closure.loads.items():
            values[number] = self._typed(self.schedule.graph.nodes[number], self.load(view, at))
        for node in closure.body:
            operands = [self._operand(x, values, x.shape) for x in node.operands]
            reference = OPS[node.op].reference
            assert reference is not None
            values[node.id] = self._typed(node, reference(*_aligned(operands), **node.attrs))
        return values

    def _operand(self, node: Node, values: dict[int, Array], space: tuple[int, ...]) -> Array:
        if node.op == "constant":
            return np.full((1, *space), node.attrs["value"], self.dtype)
        return values[node.id]

    def _typed(self, node: Node, value: Any) -> Array:
        kinds: dict[str, Any] = {"real": self.dtype, "int": np.int64, "bool": np.bool_}
        return np.asarray(value, kinds[node.dtype])

    # --- totals ------------------------------------------------------------------------

    def _add(self, target: View, at: Instances, parts: Array) -> None:
        """The sum of ``parts`` over time, and over rows unless the target varies by row."""
        rows = instances(target.buffer.varies, self.steps, self.rows)
        total = np.zeros((len(rows), *target.shape), self.dtype)
        np.add.at(total, at.r if target.buffer.varies is Varies.ROW else np.zeros_like(at.r), parts)
        self.store(target, rows, total)

    def _scatter(self, kernel: ScatterTotal, at: Instances) -> None:
        value, index = self._full(kernel.value, at), self._full(kernel.index, at)
        parts = np.zeros((len(at), *kernel.target.shape), self.dtype)
        parts[np.arange(len(at)), index.astype(int)] = value
        self._add(kernel.target, at, parts)


def _whole(plan: StatePlan) -> View:
    buffer = plan.buffer
    return View(buffer, buffer.shape, contiguous(buffer.shape))


def _aligned(operands: list[Array]) -> list[Array]:
    """Operands with their instances in front: scalars get axes to broadcast over the space."""
    rank = max(x.ndim for x in operands)
    return [x.reshape(*x.shape, *(1,) * (rank - x.ndim)) for x in operands]
