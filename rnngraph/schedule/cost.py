"""Cost models: decisions that are legal either way and chosen by what they are expected to cost.

Hoisting ``W @ x`` out of a loop writes and reads a pre-activation per step; keeping it in the
loop, as one product over ``[x; h]``, reads ``W`` again at every step. With a few rows the second
is dear, since every weight is used for so few of them. With many rows it costs nothing, as long as
the weights come in time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from ..graph import Node, Varies
from ..ops import OPS
from .formats import FORMATS
from .grammar import Kernel, Narrow, OuterTotal, Procedure, Product, Reduction, ScatterTotal, Tile
from .packing import far
from .series import is_series

FEW_ROWS = 4  # fewer rows than this leave the register tile of a product part empty
CACHE_BYTES = 4 << 20  # of the weights of one product: a cell has some of them
BYTES = 4
# rows that run through all kernels of a batch phase before the next rows do: what one kernel
# leaves, the next finds in the cache
CHUNK_ROWS = 256
# a member of a team of threads has so many rows at least; with fewer, units are divided
ROWS_PER_PART = 8
FAR_ROWS_PER_PART = 12  # where few kernels in a step read weights from a far cache
FEW_KERNELS = 5


def hoisting_pays(few_rows: bool, precision: str = "f32") -> Callable[[Node, int], bool]:
    """The predicate ``hoist`` asks: (product, number of terms from outside the loop)."""

    def pays(product: Node, outer: int) -> bool:
        held = sum(prod(w.shape) for w in product.operands[::2])
        weights = BYTES * held // _per_word(precision)
        return few_rows or weights > CACHE_BYTES

    return pays


# operations per second of one core, rather more than most kernels reach: what it underrates is
# the time that a team saves
SPEED = 1e11
# a team must save at least this share of the time, since its costs vary
WORTH = 0.1


@dataclass(frozen=True)
class TeamCosts:
    """Seconds, measured on the machine: to call another thread in, and to wait for each other."""

    wake: float
    barrier: float


@dataclass(frozen=True)
class StepWork:
    """Of one time-step of a procedure: ``operations`` per row; ``barriers`` of its loops where the
    members of a team divide units; and with how many rows for each they divide rows instead."""

    operations: float
    barriers: int
    rows_per_part: int = ROWS_PER_PART


def work(procedure: Procedure) -> StepWork:
    """What a procedure does in a time-step, roughly."""
    kernels = [kernel for phase in procedure.phases for kernel in phase.kernels]
    operations = sum(_operations(kernel) for kernel in kernels if kernel.varies is Varies.STEP)
    return StepWork(operations, len(_looped(procedure)), rows_per_part(procedure))


def rows_per_part(procedure: Procedure) -> int:
    """With how many rows for each, at least, the members of a team divide rows.

    Else they divide units: each reads its share of the weights instead of all of them, which counts
    where these come from afar and few rows use them; but members meet after every kernel of a step.
    """
    kernels = _looped(procedure)
    afar = any(isinstance(kernel, Tile) and far(kernel) for kernel in kernels)
    return FAR_ROWS_PER_PART if afar and len(kernels) <= FEW_KERNELS else ROWS_PER_PART


def _looped(procedure: Procedure) -> list[Kernel]:
    """The kernels of loops after each of which members of a team that divide units meet."""
    return [kernel for phase in procedure.phases if phase.kind == "loop" and not is_series(phase)
            for kernel in phase.kernels]


def _operations(kernel: Kernel) -> float:
    if isinstance(kernel, OuterTotal):
        return 2.0 * kernel.left.buffer.size * kernel.right.buffer.size
    if isinstance(kernel, ScatterTotal):
        return float(kernel.value.buffer.size)
    if isinstance(kernel, Narrow):
        return 2.0 * prod(kernel.source.shape)
    body = float(sum(OPS[n.op].cost for n in kernel.closure.body) * prod(kernel.closure.space))
    if isinstance(kernel, Tile):
        body += sum(_accumulating(accumulator) for accumulator in kernel.accumulators)
    return body


def _accumulating(accumulator: Product | Reduction) -> float:
    if isinstance(accumulator, Reduction):
        closure = accumulator.closure
        return prod(closure.space) * (1 + sum(OPS[n.op].cost for n in closure.body))
    multiplied = sum(prod(term.weight.shape) for term in accumulator.terms)
    return 2.0 * multiplied / _per_word(accumulator.format)


def _per_word(format: str) -> int:
    """Elements that are read, and multiplied, in the time of one real."""
    return FORMATS[format].per_word if format in FORMATS else 1


def best_team(
    step: StepWork, steps: int, rows: int, threads: int, costs: TeamCosts
) -> tuple[int, float]:
    """The team, of ``threads`` at most, that is expected to take the least time, and how many times
    faster than one thread it should be."""
    alone = step.operations * steps * rows / SPEED
    by_rows = min(threads, rows // step.rows_per_part)
    sizes = {size for size in (threads, threads // 2, by_rows, 2) if 1 < size <= threads}

    def seconds(size: int) -> float:
        waiting = 0.0 if size <= by_rows else step.barriers * steps * costs.barrier
        return alone / size + (size - 1) * costs.wake + waiting

    best = min(sizes, key=seconds, default=1)
    return best, alone / seconds(best) if best > 1 else 1.0


def team_size(step: StepWork, steps: int, rows: int, threads: int, costs: TeamCosts) -> int:
    """Threads, ``threads`` at most, of which so much is expected that a call should have them."""
    best, gain = best_team(step, steps, rows, threads, costs)
    return best if gain > 1 / (1 - WORTH) else 1
