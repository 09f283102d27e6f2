"""Work memory: one block for all that a call needs only while it runs, used again by later calls.

Fresh memory is slow (the system clears every page that is touched first), so blocks are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import numpy as np

from .arrays import ALIGNMENT, Array, aligned

KEPT = 4  # blocks, for as many calls at once
WASTE = 4  # a block this many times too big is let go
# bytes between neighbours: rows of several arrays must not all fall into the same cache set, which
# happens where their sizes are multiples of the page size
STAGGER = 5 * ALIGNMENT


class Blocks:
    """Free blocks of one executable. Threads may share it: a deque's ends need no lock."""

    def __init__(self, zero: bool = False) -> None:
        self._free: deque[Array] = deque(maxlen=KEPT)
        self._zero = zero

    def take(self, size: int) -> Array:
        """At least ``size`` bytes [n], aligned; they hold whatever was there, or, in a new block
        of a ``zero`` store, zeros."""
        try:
            block = self._free.pop()
        except IndexError:
            return self._new(size)
        fits = size <= block.nbytes <= WASTE * max(size, 1)
        return block if fits else self._new(size)

    def _new(self, size: int) -> Array:
        return aligned((size,), np.dtype(np.uint8), zero=self._zero)

    def give_back(self, block: Array) -> None:
        """The block's user needs it no longer."""
        self._free.append(block)


def placed(counts: Mapping[str, int], itemsize: int) -> tuple[dict[str, int], int]:
    """Byte offsets of arrays of so many elements in one block, each aligned; and its size."""
    places, end = {}, 0
    for name, count in counts.items():
        places[name] = end
        end += -(-count * itemsize // ALIGNMENT) * ALIGNMENT + STAGGER
    return places, end
