"""Running the benchmark's rows: contenders agree, then they are timed."""

from __future__ import annotations

from collections.abc import Sequence

from .machine import Machine, pulse, reading
from .measure import TimedOut, alternate, ratio, typical, within
from .measured import Result
from .rivals import OURS, Contender, Difference, agree, contenders
from .rows import Row, problem

PULSE, READING = "pulse", "reading"  # what is timed beside the contenders
PATIENCE = 120.0  # seconds for a contender to be ready: some compile


def run_row(
    row: Row,
    machine: Machine,
    peers: Sequence[str],
    threads: int = 1,
    seconds: float = 1.0,
    group: str = "",
    patience: float = PATIENCE,
) -> Result:
    """Time the contenders of a row that agree with ours; the others are left out, and named."""
    made = problem(row, threads)
    ours, *others = contenders(made, peers, threads)
    left_out: dict[str, str] = {}
    fielded = [ours, *(x for x in others if _ready(ours, x, patience, left_out))]
    machine.learn(made.work.elements)
    beside, size = {PULSE: pulse()}, 0
    if machine.reads(made.work, row.rows):
        beside[READING], size = reading(made.work.loop_memory / threads)
    times = alternate({**beside, **{c.name: c.run for c in fielded}}, seconds)
    slowed = machine.slowed(typical(times.pop(PULSE)))
    speed = slowed * size / typical(times.pop(READING)) if READING in times else None
    medians = {name: typical(values) for name, values in times.items()}
    best = min(list(medians)[1:], key=medians.__getitem__, default="")
    return Result(
        group, row, threads, made.work.flops * row.steps * row.rows, medians, len(times[OURS]),
        best, ratio(times, OURS, best) if best else float("nan"),
        slowed * machine.seconds(made.work, row.steps, row.rows, threads, speed), left_out,
    )  # fmt: skip


def _ready(
    ours: Contender, other: Contender, patience: float, left_out: dict[str, str]
) -> bool:
    """True for a contender that gives our results within its time."""
    try:
        within(patience, lambda: agree(ours, other))
    except Difference as error:
        left_out[other.name] = str(error)
    except TimedOut:
        left_out[other.name] = f"{other.name} was not ready after {patience:.0f} s"
    return other.name not in left_out
