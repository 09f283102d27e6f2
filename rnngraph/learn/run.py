"""``rnngraph learn``: every cell on every problem, with one small budget for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from ..cell import load
from ..progress import counting
from .problems import PROBLEMS
from .store import Store
from .trial import Budget, Trial, trial

if TYPE_CHECKING:
    from rich.console import Console

Job = tuple[str, str]  # a cell by name or path, and a problem


def learn(
    cells: Sequence[str],
    problems: Iterable[str],
    budget: Budget,
    store: Path | None = None,
    *,
    resume: bool = False,
    jobs: int = 1,
    console: Console | None = None,
) -> Store:
    """Train cells, by name or path, on problems, and return the store of what came out.

    ``resume`` leaves out what the store has with the same budget; ``jobs`` processes share the
    work, with the same results. Raises FileNotFoundError or CellError for a cell that is none,
    before anything runs, and ValueError for a store that is none.
    """
    kept = Store(store)
    for cell in cells:
        load(cell)
    todo = [(cell, name) for cell in cells for name in problems
            if not (resume and kept.has(cell, name, budget))]  # fmt: skip
    machine = _machine()
    with counting(len(todo), "left", console) as tell:
        for (cell, name), found in _answers(todo, budget, jobs):
            kept.add(cell, name, found, machine)
            tell(f"{cell}: {name}")
    return kept


def _machine() -> str:
    from ..bench.machine import cpu_name

    return cpu_name()


def _answers(todo: Sequence[Job], budget: Budget, jobs: int) -> Iterator[tuple[Job, Trial]]:
    if jobs == 1:
        yield from ((job, _trial(job, budget)) for job in todo)
        return
    # what a fork would share, such as threads of the parent, a spawned process does not have
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(_trial, job, budget): job for job in todo}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _trial(job: Job, budget: Budget) -> Trial:
    cell, problem = job
    return trial(load(cell), PROBLEMS[problem], budget)
