"""Packed weights: the layout in which a product's inner loop reads them in a straight line.

    packed[panel][k][member][unit]

A panel is the units of one tile column; members are the accumulators that read the same operand,
so that all gates of a unit meet in one register tile. Units beyond the last are 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from ...schedule.grammar import Product, Tile, View
from .emitter import Emitter, number
from .target import Target

# elements before a copy of the weights' source; the first of them is not 0 once there is a copy
HEADER = 16


@dataclass(frozen=True)
class Group:
    """One operand with the accumulators that multiply it: (accumulator place, weight) pairs."""

    operand: View
    members: tuple[tuple[int, View], ...]

    @property
    def depth(self) -> int:
        """Length of the operand."""
        return self.operand.shape[0]


@dataclass(frozen=True)
class Shape:
    """A tile's shape: ``rows`` by ``vectors`` of ``lanes`` units, for every accumulator."""

    units: int
    rows: int
    vectors: int
    lanes: int

    @property
    def panel(self) -> int:
        """Units per panel."""
        return self.vectors * self.lanes

    @property
    def panels(self) -> int:
        """Number of panels, the last one perhaps partly filled."""
        return -(-self.units // self.panel)


def groups(products: list[Product]) -> list[Group]:
    """Terms of all products by operand, in the order in which the products add them."""
    found: dict[View, list[tuple[int, View]]] = {}
    for place, product in enumerate(products):
        for term in product.terms:
            found.setdefault(term.operand, []).append((place, term.weight))
    return [Group(operand, tuple(members)) for operand, members in found.items()]


def tile_shape(kernel: Tile, real: str, target: Target) -> Shape:
    """Rows and vectors such that the accumulators fill three quarters of the registers."""
    units = kernel.closure.space[0]
    lanes = min(target.lanes(real), 1 << max(0, units - 1).bit_length())  # type: ignore[arg-type]
    count = sum(isinstance(a, Product) for a in kernel.accumulators)
    budget = 3 * target.registers // 4
    vectors = max(1, min(4 // count, -(-units // lanes)))
    rows = 1
    while 2 * rows * vectors * count <= budget and rows < 8:
        rows *= 2
    return Shape(units, rows, vectors, lanes)


def packed_size(group: Group, shape: Shape) -> int:
    """Elements of one group's packed weights."""
    return shape.panels * group.depth * len(group.members) * shape.panel


def write_packing(emitter: Emitter, group: Group, shape: Shape, target: str) -> None:
    """Write the body of the function that packs one group into the stream ``target``."""
    for member, (_, weight) in enumerate(group.members):
        _write_member(emitter, group, shape, target, member, weight)


def _write_member(
    emitter: Emitter, group: Group, shape: Shape, target: str, member: int, weight: View
) -> None:
    """Panel by panel, along k: a panel's units are read side by side and written in a row."""
    line = len(group.members) * shape.panel
    packed = emitter.at(emitter.pointers[target, 0], number(member * shape.panel))
    source = emitter.row_start(weight, number(0))
    whole, rest = divmod(shape.units, shape.panel)

    def panel(p: ir.Value, units: int) -> None:
        first = emitter.mul(p, number(shape.panel))
        base = emitter.at(packed, emitter.mul(p, number(group.depth * line)))

        def along(k: ir.Value) -> None:
            row = emitter.at(base, emitter.mul(k, number(line)))

            def unit(u: ir.Value) -> None:
                place = emitter.element(weight, source, (emitter.add(first, u), k))
                value = emitter.load_scalar(place)
                emitter.store_scalar(value, emitter.at(row, u))

            emitter.loop(number(0), number(units), 1, unit)

        emitter.loop(number(0), number(group.depth), 1, along)

    if whole:
        emitter.loop(number(0), number(whole), 1, lambda p: panel(p, shape.panel))
    if rest:
        panel(number(whole), rest)
