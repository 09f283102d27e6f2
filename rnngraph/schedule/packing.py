"""Packing: the layout of a product's weights, and the register tile that reads them.

    packed[panel][k][member][unit]

A panel is the units of one tile column; members are the accumulators that read the same operand,
so that all gates of a unit meet in one register tile. Units beyond the last are 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from .grammar import Tile, View, products

NARROWEST = 4  # lanes; narrower vectors are no faster
MOST_ROWS = 8
SECOND = 1 << 16  # numbers that stay in the second cache from step to step
FIRST = 1 << 12  # numbers that stay in the first cache, beside what else is in use
TALL = 4  # rows; so many use a weight often enough for the second cache to keep up
SEVERAL = 48  # rows whose sums wait on the stack; whole tiles of any height
SHORT = 6  # nodes of an epilogue that is written out for every row of every tile
ENOUGH = 12  # sums under way at once, so that none waits for its own last multiply-add


@dataclass(frozen=True)
class Machine:
    """What a tile's shape depends on: reals per vector register, and how many registers."""

    lanes: int
    registers: int


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
    def widths(self) -> tuple[int, ...]:
        """Lanes of the vectors in use: the whole ones, and the last one's where it is narrower."""
        rest = self.units % self.lanes
        return tuple(dict.fromkeys((self.lanes, self.width(rest) if rest else self.lanes)))

    def width(self, units: int) -> int:
        """Lanes of a vector for so many units: narrow ones take less of the processor's time."""
        return min(self.lanes, max(NARROWEST, 1 << max(0, units - 1).bit_length()))

    @property
    def heights(self) -> tuple[int, ...]:
        """Rows of the tiles that cover any number of rows: the whole ones, then what is left."""
        powers = [1 << k for k in reversed(range(self.rows.bit_length()))]
        return tuple(dict.fromkeys((self.rows, *powers)))

    @property
    def lone(self) -> int:
        """So many rows are left over by whole tiles that, with the last of these, two tiles of the
        next height do better: 3 + 3 + 1 rows are 3 + 2 + 2. (0: there is no such number.)"""
        return max(0, 2 * self.heights[1] - self.rows) if self.rows > 1 else 0

    @property
    def panel(self) -> int:
        """Units per panel."""
        return self.vectors * self.lanes

    @property
    def panels(self) -> int:
        """Number of panels, the last one perhaps partly filled."""
        return -(-self.units // self.panel)


def groups(kernel: Tile) -> list[Group]:
    """Terms of all products by operand, such that each product adds its terms in its own order:
    what else its kernel computes must not change a bit of it."""
    found: list[tuple[View, list[tuple[int, View]]]] = []
    longest_first = sorted(enumerate(products(kernel)), key=lambda p: -len(p[1].terms))
    for place, product in longest_first:
        at = 0
        for term in product.terms:
            at = _group_of(term.operand, found, at)
            found[at][1].append((place, term.weight))
    return [Group(view, tuple(sorted(m, key=lambda pair: pair[0]))) for view, m in found]


def _group_of(operand: View, found: list[tuple[View, list[tuple[int, View]]]], first: int) -> int:
    """The place, not before ``first``, of the operand's group, which is made if need be."""
    for place in range(first, len(found)):
        if found[place][0] == operand:
            return place
    place = min(first + 1, len(found))
    found.insert(place, (operand, []))
    return place


def alike(found: Sequence[Group]) -> list[list[int]]:
    """The groups by place, those together that follow each other and differ in nothing but where
    their weights and operands lie."""
    runs: list[list[int]] = []
    for place, group in enumerate(found):
        before = found[runs[-1][0]] if runs else None
        if before and group.operand.index is None and _kind(group) == _kind(before):
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _kind(group: Group) -> tuple[object, ...]:
    operand = group.operand
    members = [place for place, _ in group.members]
    buffer = operand.buffer
    return members, group.depth, buffer.varies, buffer.size, operand.strides, operand.index


def tile_shape(kernel: Tile, machine: Machine) -> Shape:
    """Rows and vectors such that the accumulators fill at most three quarters of the registers.

    Rows are a power of two, which most batches are multiples of; but there are as many rows as
    there is room for where a power of two leaves too few sums under way, and where weights come
    from a far cache.
    """
    units = kernel.closure.space[0]
    lanes = min(machine.lanes, 1 << max(0, units - 1).bit_length())
    count = len(products(kernel))
    vectors = max(1, min(4 // count, -(-units // lanes)))
    columns = vectors * at_once(count, machine)
    rows = 1
    while 2 * rows * columns <= budget(machine) and rows < MOST_ROWS:
        rows *= 2
    if rows * columns < ENOUGH or far(kernel):
        rows = max(rows, min(MOST_ROWS, budget(machine) // columns))
    return Shape(units, rows, vectors, lanes)


@dataclass(frozen=True)
class Pass:
    """A way along a group's operand on which some of its products, by place, are added up: so many
    elements at a time that their weights stay in the first cache for all rows."""

    products: tuple[int, ...]
    group: int
    length: int


def passes(kernel: Tile, machine: Machine) -> list[Pass]:
    """How a panel is worked off where its tiles cannot stay in registers from first to last, or
    should not: weights that one tile of rows after the other reads must come from a cache that
    keeps up. None ([]): a tile does all its work at once."""
    count, shape, found = len(products(kernel)), tile_shape(kernel, machine), groups(kernel)
    size = at_once(count, machine)
    near = sum(g.depth * len(g.members) for g in found) * shape.panel <= FIRST
    if size == count and (near or shape.rows >= TALL):
        return []
    made = []
    for first in range(0, count, size):
        for place, group in enumerate(found):
            chosen = tuple(p for p, _ in group.members if first <= p < first + size)
            length = max(1, FIRST // (max(1, len(chosen)) * shape.panel))
            made += [Pass(chosen, place, length)] if chosen else []
    return made


def waits(kernel: Tile) -> bool:
    """Whether the sums of some rows wait on the stack for an epilogue that goes row by row. In
    registers, every height of tile would have the epilogue of all its rows written out: so much
    code takes longer to compile than the way through memory is worth."""
    return len(kernel.closure.body) > SHORT


def at_once(count: int, machine: Machine) -> int:
    """How many of so many products a tile adds up at once."""
    most = budget(machine)
    if 2 * count <= most:
        return count
    return -(-count // -(-count // max(1, most // 3)))


def multiplied(weights: int, rows: int, machine: Machine) -> list[tuple[int, int]]:
    """(weight, row) in the order in which a tile multiplies them: every weight with all rows, whose
    elements stay in registers; where there is no room for these beside the sums, every row with
    all weights, if they are fewer."""
    if weights < rows and weights * rows + rows + 1 > machine.registers:
        return [(place, row) for row in range(rows) for place in range(weights)]
    return [(place, row) for place in range(weights) for row in range(rows)]


def budget(machine: Machine) -> int:
    """Registers for accumulators; the others hold weights and operands."""
    return 3 * machine.registers // 4


def far(kernel: Tile) -> bool:
    """Whether a kernel's weights are too many to stay in a near cache from step to step."""
    return _weights(kernel) > SECOND


def _weights(kernel: Tile) -> int:
    """Numbers in the weights of a kernel's products."""
    terms = (term for product in products(kernel) for term in product.terms)
    return sum(prod(term.weight.shape) for term in terms)


def packed_size(group: Group, shape: Shape) -> int:
    """Elements of one group's packed weights."""
    return shape.panels * group.depth * len(group.members) * shape.panel
