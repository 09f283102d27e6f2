"""Cost models: decisions that are legal either way and chosen by what they are expected to cost.

Hoisting ``W @ x`` out of a loop writes and reads a pre-activation per step; keeping it in the
loop, as one product over ``[x; h]``, reads ``W`` again at every step. With a few rows the second
is dear, since every weight is used for so few of them. With many rows it costs nothing, until
the weights outgrow the last-level cache.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from ..graph import Node, Varies
from ..ops import OPS
from .grammar import Kernel, OuterTotal, Procedure, Product, Reduction, ScatterTotal, Tile

FEW_ROWS = 4  # fewer rows than this leave the register tile of a product part empty
CACHE_BYTES = 24 << 20
BYTES = 4
# rows that run through all kernels of a batch phase before the next rows do: what one kernel
# leaves, the next finds in the cache
CHUNK_ROWS = 256
# a member of a team of threads takes rows in tiles of this many; with fewer, units are divided
ROWS_PER_PART = 8


def hoisting_pays(few_rows: bool) -> Callable[[Node, int], bool]:
    """The predicate ``hoist`` asks: (product, number of terms from outside the loop)."""

    def pays(product: Node, outer: int) -> bool:
        weights = BYTES * sum(prod(w.shape) for w in product.operands[::2])
        return few_rows or weights > CACHE_BYTES

    return pays


# operations that take one thread about as long as making and joining another one does
BREAK_EVEN = 6e6
# operations of a step, all rows together, below which dividing its units costs more in waiting
# for each other than it saves (LSTMs of one row: 0.9 times as fast with two threads at 64 units,
# 1.4 times at 256)
STEP_BREAK_EVEN = 3e5


def work(procedure: Procedure) -> float:
    """Operations per time-step and row of a procedure, roughly."""
    kernels = [kernel for phase in procedure.phases for kernel in phase.kernels]
    return sum(_operations(kernel) for kernel in kernels if kernel.varies is Varies.STEP)


def _operations(kernel: Kernel) -> float:
    if isinstance(kernel, OuterTotal):
        return 2.0 * kernel.left.buffer.size * kernel.right.buffer.size
    if isinstance(kernel, ScatterTotal):
        return float(kernel.value.buffer.size)
    body = float(sum(OPS[n.op].cost for n in kernel.closure.body) * prod(kernel.closure.space))
    if isinstance(kernel, Tile):
        body += sum(_accumulating(accumulator) for accumulator in kernel.accumulators)
    return body


def _accumulating(accumulator: Product | Reduction) -> float:
    if isinstance(accumulator, Reduction):
        closure = accumulator.closure
        return prod(closure.space) * (1 + sum(OPS[n.op].cost for n in closure.body))
    return 2.0 * sum(prod(term.weight.shape) for term in accumulator.terms)


def team_size(operations: float, steps: int, rows: int, threads: int) -> int:
    """Threads that a call is worth: each must have more to do than it costs."""
    worth = max(1, min(threads, int(operations * steps * rows / BREAK_EVEN)))
    by_rows = rows // ROWS_PER_PART
    if by_rows >= worth or operations * rows >= STEP_BREAK_EVEN:
        return worth
    return max(1, by_rows)
