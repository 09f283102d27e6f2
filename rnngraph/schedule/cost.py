"""Cost models: decisions that are legal either way and chosen by what they are expected to cost.

Hoisting ``W @ x`` out of a loop writes and reads a pre-activation per step; keeping it in the
loop, as one product over ``[x; h]``, reads ``W`` again at every step. With a few rows the second
is dear, since every weight is used for so few of them. With many rows it costs nothing, until
the weights outgrow the last-level cache.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from ..graph import Node

FEW_ROWS = 4  # fewer rows than this leave the register tile of a product part empty
CACHE_BYTES = 24 << 20
BYTES = 4
# rows that run through all kernels of a batch phase before the next rows do: what one kernel
# leaves, the next finds in the cache
CHUNK_ROWS = 256


def hoisting_pays(few_rows: bool) -> Callable[[Node, int], bool]:
    """The predicate ``hoist`` asks: (product, number of terms from outside the loop)."""

    def pays(product: Node, outer: int) -> bool:
        weights = BYTES * sum(prod(w.shape) for w in product.operands[::2])
        return few_rows or weights > CACHE_BYTES

    return pays
