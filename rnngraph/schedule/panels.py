"""Panels: the layout of narrow weights, and the register tile that reads them.

    packed[panel] = [scale [member][unit], correction [member][unit],]  words [k][member][unit]

A word holds what ``formats`` says of one unit's weights along k, so that one word of the operand
meets the words of all units and members at once. Formats with codes begin a panel with the
scales of its rows and with what their sums owe to the operand's code of 0, -ZERO * sum of codes.
Units beyond the last are 0.
"""

from __future__ import annotations

from .formats import FORMATS
from .grammar import Tile, products
from .packing import Group, Machine, Shape, budget

CHAINS = 8  # sums that are under way at once hide how long each addition takes
TILE_ROWS = 4


def format_of(kernel: Tile) -> str:
    """The format of a tile's products; "real" for a tile without."""
    found = products(kernel)
    return found[0].format if found else "real"


def narrow_shape(kernel: Tile, machine: Machine) -> Shape:
    """Vectors so that a single row has CHAINS sums, and rows that fill the registers with one
    vector of every product; vectors are whole, whatever the number of units."""
    units = kernel.closure.space[0]
    count = len(products(kernel))
    wanted = max(1, min(CHAINS // count, -(-units // machine.lanes)))
    vectors = 1 << (wanted.bit_length() - 1)
    rows = TILE_ROWS
    while rows > 1 and rows * count > budget(machine):
        rows //= 2
    return Shape(units, rows, vectors, machine.lanes)


def columns_at_once(kernel: Tile, shape: Shape, machine: Machine) -> int:
    """How many of a panel's vectors a tile of several rows takes at once."""
    count = len(products(kernel))
    columns = shape.vectors
    while columns > 1 and shape.rows * columns * count > budget(machine):
        columns //= 2
    return columns


def header_words(format: str, group: Group, shape: Shape) -> int:
    """Words before a panel's weights."""
    return 2 * len(group.members) * shape.panel if FORMATS[format].scaled else 0


def panel_words(format: str, group: Group, shape: Shape) -> int:
    """Words of one panel."""
    return header_words(format, group, shape) + group.depth * len(group.members) * shape.panel


def narrow_size(format: str, group: Group, shape: Shape) -> int:
    """Words of one group's packed weights."""
    return shape.panels * panel_words(format, group, shape)
