"""What a call costs beyond its work.

A call of one step of one row of 8 units has next to nothing to do. What its step takes is found
from a call of many steps, and subtracted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .measure import alternate, typical
from .measured import Figures
from .rivals import contenders
from .rows import BUILT_IN, Row, problem

HIDDEN, MORE = 8, 64


def call_overheads(
    cells: Sequence[str], peers: Sequence[str], rounds: int = 40
) -> Iterator[Figures]:
    """Seconds of a call without those of its step, by contender: run, and vjp with pullback."""
    for cell in [c for c in BUILT_IN if c in (cells or BUILT_IN)]:
        for what, training in (("run", False), ("vjp and pullback", True)):
            one, many = (_times(cell, training, steps, peers, n)
                         for steps, n in ((1, rounds), (1 + MORE, rounds // 4 + 1)))  # fmt: skip
            values = {name: one[name] - (many[name] - one[name]) / MORE for name in one}
            yield Figures("calls", f"{cell} {what}", values)


def _times(
    cell: str, training: bool, steps: int, peers: Sequence[str], rounds: int
) -> dict[str, float]:
    made = problem(Row(cell, 1, HIDDEN, training, steps))
    runs = {c.name: c.run for c in contenders(made, peers, threads=1)}
    times = alternate(runs, seconds=0, least=rounds)
    return {name: typical(values) for name, values in times.items()}
