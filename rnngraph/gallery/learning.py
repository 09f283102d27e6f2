"""What cells learned, told on their pages: read from the store of ``rnngraph learn``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..learn.problems import PROBLEMS
from ..learn.store import Store
from ..learn.trial import TRAINED
from .markdown import table

Record = Mapping[str, Any]  # the fields of a trial
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
        if not trials:
            return []
        rows = [_row(name, record) for name, record in trials.items()]
        return [table(HEAD, rows), _setting(trials)]


def _row(name: str, record: Record) -> tuple[str, ...]:
    title = PROBLEMS[name].title
    if record["status"] != TRAINED:
        return f"{title}: {record['status']}, {record['reason']}", "", "", "", ""
    return (title, f"{record['loss']:.3g}", f"{record['baseline_loss']:.3g}",
            f"{record['accuracy']:.0%}", f"{record['baseline_accuracy']:.0%}")  # fmt: skip


def _setting(trials: Mapping[str, Record]) -> str:
    """What the figures are of, and what every cell was given."""
    measures = "; ".join(f"{PROBLEMS[name].title}: {PROBLEMS[name].loss}, {PROBLEMS[name].accuracy}"
                         for name in trials)  # fmt: skip
    budgets = dict.fromkeys(_budget(record["budget"]) for record in trials.values())
    return f"Held-out sequences. {measures}. {' '.join(budgets)}"


def _budget(given: Record) -> str:
    rates = " and ".join(f"{rate:g}" for rate in given["rates"])
    return (f"{given['width']} units, {given['updates']} updates of {given['rows']} sequences, the "
            f"better of learning rates {rates}.")  # fmt: skip
