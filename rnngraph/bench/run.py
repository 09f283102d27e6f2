"""Running the benchmark: rows measured, compile times and the overhead of a call."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from ..activity import differentiable
from ..compile import Request, build
from .machine import Machine
from .measure import alternate, ratio, typical
from .rivals import OURS, agree, contenders
from .rows import BUILT_IN, CELLS, Problem, Row, compiled, problem

COMPILE_HIDDEN = 256


@dataclass(frozen=True)
class Result:
    """A measured row: median seconds by contender, in how many rounds; how many times faster
    than the best peer we are; the machine's limit in seconds."""

    row: Row
    threads: int
    flops: int
    seconds: dict[str, float]
    rounds: int
    best_peer: str
    ratio: float
    limit: float

    @property
    def gflops(self) -> dict[str, float]:
        """Billions of the products' operations per second, by contender."""
        return {name: self.flops / seconds / 1e9 for name, seconds in self.seconds.items()}

    @property
    def of_limit(self) -> float:
        """Our fraction of what the machine could do."""
        return self.limit / self.seconds[OURS]


@dataclass(frozen=True)
class Timing:
    """Something else that was timed: seconds by what was done."""

    title: str
    seconds: dict[str, float]


@dataclass
class Measured:
    """All that one run of the benchmark found."""

    machines: dict[int, Machine] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    compile: list[Timing] = field(default_factory=list)
    overhead: list[Timing] = field(default_factory=list)


def run_row(
    row: Row, machine: Machine, peers: Sequence[str], threads: int = 1, seconds: float = 1.0
) -> Result:
    """Check that all contenders agree on a row, then time them. Raises Difference."""
    made = problem(row, threads)
    fielded = contenders(made, peers, threads)
    for other in fielded[1:]:
        agree(fielded[0], other)
    machine.learn(made.work.elements)
    times = alternate({c.name: c.run for c in fielded}, seconds)
    medians = {name: typical(values) for name, values in times.items()}
    best = min(list(medians)[1:], key=medians.__getitem__, default="")
    return Result(
        row, threads, made.work.flops * row.steps * row.rows, medians, len(times[OURS]), best,
        ratio(times, OURS, best) if best else float("nan"), _limit(machine, made, threads),
    )  # fmt: skip


def _limit(machine: Machine, made: Problem, threads: int) -> float:
    return machine.seconds(made.work, made.row.steps, made.row.rows, threads)


def compile_times(cells: Sequence[str] = (), times: int = 3) -> Iterator[Timing]:
    """Seconds from a cell's text to machine code, cold, for run and for vjp."""
    for cell in cells or CELLS:
        seconds = {
            what: median(_compile_seconds(cell, gradients) for _ in range(times))
            for what, gradients in (("forward", False), ("forward + backward", True))
        }
        yield Timing(cell, seconds)


def _compile_seconds(cell: str, gradients: bool) -> float:
    """Text to machine code, past the cache on disk."""
    began = time.perf_counter()
    graph = compiled(cell, COMPILE_HIDDEN).graph
    wrt = tuple(differentiable(graph)) if gradients else None
    build(graph, Request(tuple(graph.outputs), wrt=wrt), "f32", "host").texts()
    return time.perf_counter() - began


def call_overheads(peers: Sequence[str], cells: Sequence[str] = ()) -> Iterator[Timing]:
    """Seconds of a call that has next to nothing to do: one step of one row of 8 units."""
    for cell in [c for c in BUILT_IN if c in (cells or BUILT_IN)]:
        made = problem(Row(cell, 1, 8, training=False, steps=1))
        fielded = contenders(made, peers, threads=1)
        times = alternate({c.name: c.run for c in fielded}, seconds=0.2, least=500)
        yield Timing(cell, {name: typical(values) for name, values in times.items()})
