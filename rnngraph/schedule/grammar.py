"""The schedule: a printable value that decides everything a backend then only spells.

    Schedule  ::= procedures, buffers, states, outputs           over one lowered graph
    Procedure ::= phases                    "forward", and "backward" once cotangents are given
    Phase     ::= once    kernels           on parameters alone
                | rows    kernels           for every row of the batch
                | batch(direction) kernels  for all time-steps and rows at once
                | loop(direction) kernels   step by step; all kernels of a step, then the next
                | scan(direction) kernel    a linear loop, in pieces of time (see ``scan``)
    Kernel    ::= Tile   (space, accumulators, closure, stores)
                | OuterTotal(left, right, target)        target += sum over rows of left x right
                | ScatterTotal(value, index, target)     target[index] += value, row after row
                | ColumnTotal(closure, source, target)   target += sum over rows of a closure
                | Narrow(source, target, scale?)         target = source in a narrow format
    Accumulator ::= Product(format, start?, terms) | Reduction(op, axis, closure, source)
    Closure   ::= space, body (elementwise nodes in order), loads (node -> View)
    View      ::= buffer, shape, strides, offset, shift, index?

A view's address at time-step t, row r and index i is, in elements,
``slot(t + shift) * rows * size + r * size + offset + i . strides``, where ``size`` is the buffer's
row size, the slot is t for STEPS and SEQUENCE, t mod 2 for RING and 0 for ONE, and buffers that
vary less have no row or no time in their address. Buffers of a narrow format hold words of 32
bits (see ``formats``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import prod

from ..graph import Node, Varies
from ..recurrence import Recurrence

Shape = tuple[int, ...]

# steps of a piece: enough that the middle step is nothing beside the others, and few enough that
# the product of a piece's factors stays a number
PIECE = 256


class Extent(Enum):
    """How many time-steps a buffer holds, or, for a scan, that it holds pieces of them."""

    ONE = "one"
    RING = "ring of two"
    STEPS = "T"
    SEQUENCE = "T+1"
    PIECES = "pieces"


class Role(Enum):
    """Who owns a buffer: the caller gives it, the call returns it, or it is scratch."""

    GIVEN = "given"
    STATE = "state"
    RESULT = "result"
    WORK = "work"
    IOTA = "iota"


@dataclass(frozen=True)
class Buffer:
    """Memory for one value: ``[slots, rows, *shape]``, less what it does not vary with."""

    name: str
    shape: Shape
    varies: Varies
    extent: Extent
    role: Role
    dtype: str = "real"

    @property
    def size(self) -> int:
        """Elements per row."""
        return prod(self.shape)


@dataclass(frozen=True)
class View:
    """A window on a buffer (see the module's grammar for its address).

    ``index`` (for ``gather``) adds ``index value * index_stride`` to the address of each row.
    """

    buffer: Buffer
    shape: Shape
    strides: Shape
    offset: int = 0
    shift: int = 0
    index: View | None = None
    index_stride: int = 0

    @property
    def varies(self) -> Varies:
        """How often the window's content changes."""
        return max(self.buffer.varies, self.index.varies) if self.index else self.buffer.varies


def contiguous(shape: Shape) -> Shape:
    """Row-major strides."""
    strides, step = [], 1
    for dim in reversed(shape):
        strides.append(step)
        step *= dim
    return tuple(reversed(strides))


@dataclass(frozen=True)
class Closure:
    """Elementwise work at one index of ``space``: ``body`` in order, operands from ``loads``."""

    space: Shape
    body: tuple[Node, ...]
    loads: dict[int, View]


@dataclass(frozen=True)
class Term:
    """One ``weight @ operand`` of a product; the weight is [N, K], the operand [K].

    In a narrow format the operand is a window on the words that hold its K elements, and
    ``scale`` shows what its codes are to be multiplied by.
    """

    weight: View
    operand: View
    scale: View | None = None


@dataclass(frozen=True)
class Product:
    """``start + sum of terms``, one sequential chain of additions per element.

    ``format`` is what weights and operands are rounded to: "real" (not at all), or one of
    ``formats.FORMATS``.
    """

    node: Node
    start: View | None
    terms: tuple[Term, ...]
    format: str = "real"


@dataclass(frozen=True)
class Reduction:
    """``op`` of ``source`` along ``axis`` of the closure's space."""

    node: Node
    op: str
    axis: int
    closure: Closure
    source: Node


@dataclass(frozen=True)
class Tile:
    """Accumulators over ``space`` and, on them, all elementwise work that their result allows."""

    name: str
    varies: Varies
    accumulators: tuple[Product | Reduction, ...]
    closure: Closure
    stores: tuple[tuple[Node, View], ...]


@dataclass(frozen=True)
class OuterTotal:
    """``target += sum over all rows of outer(left, right)``: a matrix product over time."""

    name: str
    varies: Varies
    left: View
    right: View
    target: View


@dataclass(frozen=True)
class ScatterTotal:
    """``target[index] += value`` for all rows, in order."""

    name: str
    varies: Varies
    value: View
    index: View
    target: View


@dataclass(frozen=True)
class ColumnTotal:
    """``target += sum of source`` over time (and over rows, unless the target varies by row)."""

    name: str
    varies: Varies
    closure: Closure
    source: Node
    target: View


@dataclass(frozen=True)
class Narrow:
    """``target`` = the elements of ``source`` in the format of the target's buffer; for formats
    that have one, ``scale`` = what the codes are to be multiplied by."""

    name: str
    varies: Varies
    source: View
    target: View
    scale: View | None


Total = OuterTotal | ScatterTotal | ColumnTotal
Kernel = Tile | Total | Narrow


@dataclass(frozen=True)
class Scan:
    """What a parallel scan needs besides its loop's kernel: of every piece of time the factor
    between its last and its first value, and its start."""

    factors: Buffer
    starts: Buffer


@dataclass(frozen=True)
class Phase:
    """Kernels that run together. ``direction``: +1 or -1, the way through time of a loop, and of
    a batch's sums (and through rows, too, of these); else 0. ``recurrence`` is what kind of loop
    it is, and ``scan`` says that it runs in pieces."""

    kind: str
    direction: int
    kernels: tuple[Kernel, ...]
    recurrence: Recurrence | None = None
    scan: Scan | None = None


@dataclass(frozen=True)
class Procedure:
    """What one call does."""

    name: str
    phases: tuple[Phase, ...]


@dataclass(frozen=True)
class StatePlan:
    """Where a state lives: slot 0 (delay +1) or slot T (delay -1) holds its initial value."""

    buffer: Buffer
    delay: int


def views(kernel: Kernel) -> list[View]:
    """All windows that a kernel reads or writes."""
    if isinstance(kernel, OuterTotal):
        found = [kernel.left, kernel.right, kernel.target]
    elif isinstance(kernel, ScatterTotal):
        found = [kernel.value, kernel.index, kernel.target]
    elif isinstance(kernel, ColumnTotal):
        found = [*kernel.closure.loads.values(), kernel.target]
    elif isinstance(kernel, Narrow):
        found = [kernel.source, *written(kernel)]
    else:
        found = [*kernel.closure.loads.values(), *(view for _, view in kernel.stores)]
        for accumulator in kernel.accumulators:
            found += _accumulator_views(accumulator)
    return found + [view.index for view in found if view.index is not None]


def _accumulator_views(accumulator: Product | Reduction) -> list[View]:
    if isinstance(accumulator, Reduction):
        return list(accumulator.closure.loads.values())
    start = [accumulator.start] if accumulator.start is not None else []
    return start + term_views(accumulator)


def products(kernel: Tile) -> list[Product]:
    """The products among a tile's accumulators, in order."""
    return [a for a in kernel.accumulators if isinstance(a, Product)]


def term_views(product: Product) -> list[View]:
    """The windows that a product's terms read."""
    terms = [view for t in product.terms for view in (t.weight, t.operand, t.scale)]
    return [view for view in terms if view is not None]


def written(kernel: Kernel) -> list[View]:
    """The windows that a kernel writes."""
    if isinstance(kernel, Tile):
        return [view for _, view in kernel.stores]
    scale = kernel.scale if isinstance(kernel, Narrow) else None
    return [kernel.target] + ([scale] if scale is not None else [])
