"""What cells learned, told on their pages: read from the store of ``rnngraph learn``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..learn.problems import PROBLEMS
from ..learn.store import Store
from ..learn.trial import TRAINED
from .markdown import prose, table

Record = Mapping[str, Any]  # the fields of a trial
PAGE = "../learning.md"
HEAD = ("problem", "loss ", "without memory ", "right ", "by chance ")


class Learning:
    """Trials by cell and problem."""

    def __init__(self, path: Path) -> None:
        """Nothing where there is no file. Raises ValueError for a file of something else."""
        self.found = Store(path).found

    def told(self, cell: str) -> list[str]:
        """What a cell learned, in blocks of Markdown; none where it was not tried."""
        trials = {name: record for name, record in self.found.get(cell, {}).items()
                  if name in PROBLEMS}  # fmt: skip
        trained = {n: record for n, record in trials.items() if record["status"] == TRAINED}
        return [*_results(trained), *_failures(trials)]


def _results(trained: Mapping[str, Record]) -> Iterator[str]:
    if trained:
        yield table(HEAD, (_row(name, record) for name, record in trained.items()))
        yield _setting(trained)


def _failures(trials: Mapping[str, Record]) -> Iterator[str]:
    """What went wrong, problems of one kind together."""
    told: dict[str, list[str]] = {}
    for name, record in trials.items():
        if record["status"] != TRAINED:
            why = f"{record['status']}: {prose(record['reason'])}"
            told.setdefault(why, []).append(PROBLEMS[name].title)
    yield from (f"{', '.join(titles)}: {why}." for why, titles in told.items())


def _row(name: str, record: Record) -> tuple[str, ...]:
    problem = PROBLEMS[name]
    losses = (f"{record[key]:.3g}" for key in ("loss", "baseline_loss"))
    shares = (f"{record[key]:.0%}" for key in ("accuracy", "baseline_accuracy"))
    return (f"{problem.title}, {problem.loss}", *losses, *shares)


def _setting(trials: Mapping[str, Record]) -> str:
    """What every cell was given, and where more is told."""
    budgets = dict.fromkeys(_budget(record["budget"]) for record in trials.values())
    return f"{' '.join(budgets)} [The tasks, and all cells]({PAGE})"


def _budget(given: Record) -> str:
    rates = " and ".join(f"{rate:g}" for rate in given["rates"])
    return (f"{given['width']} units, {given['updates']} updates of {given['rows']} sequences, the "
            f"better of learning rates {rates}.")  # fmt: skip
