"""What this machine can do, measured in the run that it judges.

Peak multiply-add rate, load bandwidth by the size of what is read, and seconds per element of
every elementary function: together the limit that no program on it can pass.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from ..backends.llvm import probes
from ..backends.llvm.target import host
from ..ops import OPS
from ..runtime.arrays import Array, aligned
from .work import BYTES, Work

SIZES = (1 << 14, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26)
READ = 1 << 23  # bytes read in one run, at least
SMALL = 2048  # elements that stay in the first cache
ROUNDS = 1 << 17  # of multiply-adds: some 250 us


@dataclass
class Machine:
    """``peak`` in operations per second, ``bandwidths`` in bytes per second by size in bytes, and
    ``functions`` in seconds per element by op; all on one core."""

    name: str
    peak: float
    bandwidths: dict[int, float]
    functions: dict[str, float] = field(default_factory=dict)

    def bandwidth(self, size: float) -> float:
        """Bytes per second of reading ``size`` bytes again and again."""
        largest = max(self.bandwidths)
        return self.bandwidths[next((n for n in self.bandwidths if n >= size), largest)]

    def reads(self, work: Work, rows: int) -> bool:
        """Whether so few rows use each weight of a loop that reading takes longer than using it."""
        passing = work.loop_weights / self.bandwidth(work.loop_memory)
        return passing > work.loop_flops * rows / self.peak

    def seconds(
        self, work: Work, steps: int, rows: int, threads: int = 1, speed: float | None = None
    ) -> float:
        """The least time in which this machine could do the work.

        Products at peak, or, where few rows use each weight, at the speed (bytes per second) at
        which the weights of the loop pass by; then the elementwise work; and never less than the
        traffic takes.
        """
        n = steps * rows
        outside = (work.flops - work.loop_flops) * n / self.peak
        passing = work.loop_weights * steps / (speed or self.bandwidth(work.loop_memory))
        inside = max(work.loop_flops * n / self.peak, passing)
        functions = sum(self.element_seconds(op) * k * n for op, k in work.elements.items())
        traffic = work.traffic * n
        return max(outside + inside + functions, traffic / self.bandwidth(traffic)) / threads

    def element_seconds(self, op: str) -> float:
        """Seconds per element; one multiply-add's worth for ops that are one instruction."""
        return self.functions.get(op, min(OPS[op].cost, 1) * 2 / self.peak)

    def slowed(self, pulse_seconds: float) -> float:
        """How many times longer than at peak everything took while a ``pulse`` took so long."""
        return pulse_seconds * self.peak / _pulse_operations()

    def learn(self, ops: Iterable[str]) -> None:
        """Measure the elementary functions among ``ops``."""
        for op in sorted(set(ops) - set(self.functions)):
            if OPS[op].cost > 1:
                self.functions[op] = _function_seconds(op)


def measure() -> Machine:
    """Measure the peak and the bandwidths (a fraction of a second)."""
    return Machine(cpu_name(), _peak(), _bandwidths())


def cpu_name() -> str:
    """The processor as its vendor calls it, with its vector level."""
    name, listed = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    found = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{found[0] if found else name}, {host().level}"


@cache
def pulse() -> Callable[[], None]:
    """A run of nothing but multiply-adds, to be timed beside what is judged: processors change
    their speed, and others take their share of it."""
    probe, array = probes.multiply_adds(), np.linspace(0, 1, 64, dtype=np.float32)
    return lambda: probe(array, 1, ROUNDS)


def reading(size: float) -> tuple[Callable[[], None], int]:
    """A run that reads so many bytes over and over, to be timed beside what is judged, and how many
    it reads in all: memory that others use too is not always as fast."""
    probe, step = _reads(), probes.READS * probes.width()
    count = step * max(1, -(-int(size) // (BYTES * step)))
    array, rounds = _ones(count), max(1, READ // (BYTES * count))
    return lambda: probe(array, rounds, count), BYTES * count * rounds


_reads = cache(probes.reads)


def _pulse_operations() -> int:
    return 2 * probes.width() * probes.chains() * ROUNDS


def _peak() -> float:
    return _pulse_operations() / _best(pulse())


def _bandwidths() -> dict[int, float]:
    probe, found = _reads(), {}
    for size in SIZES:
        array, rounds = _ones(size // BYTES), max(1, READ // size)

        def run(array: np.ndarray = array, rounds: int = rounds) -> None:  # type: ignore[type-arg]
            probe(array, rounds, array.size)

        found[size] = rounds * size / _best(run)
    return found


def _ones(count: int) -> Array:
    """On whole cache lines, as all that kernels read in vectors; and of ones, for pages that were
    never written would all be the same page of zeros."""
    array = aligned((count,), np.dtype(np.float32))
    array[:] = 1
    return array


def _function_seconds(op: str) -> float:
    """Seconds per element of an elementary function, from the first cache and back to it."""
    probe, rounds = probes.elementwise(op), 64
    low, high = OPS[op].domain[-1]
    array = np.resize(np.linspace(low, high, SMALL), 2 * SMALL).astype(np.float32)
    return _best(lambda: probe(array, rounds, SMALL)) / (rounds * SMALL)


def _best(run: Callable[[], None], times: int = 15) -> float:
    """The shortest of several runs: what others do on the machine only ever adds time."""
    run()
    shortest = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        run()
        shortest = min(shortest, time.perf_counter() - began)
    return shortest
