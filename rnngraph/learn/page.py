"""What cells learnt, as a table for a terminal, and as a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalogue import entry
from ..files import write_whole
from .problems import EMBEDDING, PROBLEMS, Problem
from .store import Found
from .trial import CLIP, LEFT_OUT, TRAINED

if TYPE_CHECKING:
    from rich.console import Console

HEAD = """\
# What cells learn on a small budget

Every cell of the library on three tasks that need a memory, all trained with the same small budget:
{budget}.
Measured on {machine}, {date}, in {minutes} minutes of training, by

```
{command}
rnngraph learn --tasks --store benchmarks/learning.json --write-docs docs
```

A result is one of this budget, one seed and short sequences. It says how soon a cell finds out what
a task is about, not what the cell can learn in the end. Nothing nonlinear is put around a cell: one
that is linear from input to output, as state spaces are within their layers, cannot choose the
marked numbers.

{tasks}

Everything around a cell is the same: in front of it a learned lookup or projection to {embedding}
numbers, behind it a linear readout; Adam, gradients clipped at {clip:g}, and a learning rate that
falls along half a cosine to a tenth. Of the rates {rates} the one with the
lower held-out loss is reported, and {marks}. A cell that is told of gaps
in a series (its inputs `gap`, `delta`, `mask` and `time`, its context `mean`) is told that there
are none; one that still has several inputs reads a learned projection for each.

Parameters are those of the smallest model, projection and readout included. **Bold** losses are
below the baseline by a tenth of it or more. Below the table is what went wrong. The numbers of all
rates, and the seconds, are in [benchmarks/learning.json](../benchmarks/learning.json).

"""
CLEARLY = 0.9  # of the baseline's loss: what is not below has learnt nothing to speak of
COMMAND = "rnngraph learn --jobs 2 --resume --store benchmarks/learning.json"


def learnt(record: Mapping[str, Any]) -> bool:
    """Whether a trial's loss is clearly below the baseline."""
    trained: bool = record["status"] == TRAINED
    return trained and bool(record["loss"] < CLEARLY * record["baseline_loss"])


def show(found: Found, console: Console) -> None:
    """Print a table: a line for every cell, loss and accuracy on every problem."""
    from rich.table import Table

    problems = _problems(found)
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for problem in problems:
        table.add_column(f"{problem.title}\n{problem.loss}", justify="right")
        table.add_column(f"\n{problem.accuracy}", justify="right")
    table.add_row("[dim]without memory", *_baselines(found, problems))
    for cell, records in sorted(found.items()):
        cells = [text for p in problems for text in _cells(records.get(p.name), "[bold]{}[/bold]")]
        table.add_row(cell, *cells)
    console.print(table)
    for line in reasons(found):
        console.print(line, markup=False)


def reasons(found: Found) -> list[str]:
    """What went wrong, each with its cell and problem."""
    told = []
    for cell, records in sorted(found.items()):
        for name, record in records.items():
            if record["status"] != TRAINED:
                told.append(f"{cell}, {PROBLEMS[name].title}: {record['status']}; "
                            f"{record['reason']}")  # fmt: skip
            else:
                told += [f"{cell}, {PROBLEMS[name].title}: diverged at rate {o['rate']:g}; "
                         f"{o['diverged']}" for o in record["rates"] if o["diverged"]]  # fmt: skip
    return told


def write_page(found: Found, folder: Path) -> None:
    """Write ``learning.md``. Raises ValueError where there is nothing to tell."""
    records = [r for problems in found.values() for r in problems.values()]
    if not records:
        raise ValueError("nothing was learnt yet, so there is no page to write")
    write_whole(folder / "learning.md", (_head(records) + _table(found) + _notes(found)).encode())


def _head(records: Sequence[Mapping[str, Any]]) -> str:
    budget = records[0]["budget"]
    small = min(budget["rates"])
    tasks = "\n".join(f"* **{p.title}**: {p.describe}" for p in PROBLEMS.values())
    return HEAD.format(
        budget=f"{budget['width']} units, {budget['updates']} updates of "
               f"{budget['rows']} sequences, seed {budget['seed']}",
        machine=records[0]["machine"], date=max(r["date"] for r in records),
        minutes=round(sum(r["seconds"] for r in records) / 60), command=COMMAND, tasks=tasks,
        rates=" and ".join(f"{rate:g}" for rate in budget["rates"]), embedding=EMBEDDING, clip=CLIP,
        marks=f"`↓` marks where that is {small:g}",
    )  # fmt: skip


def _table(found: Found) -> str:
    problems = _problems(found)
    columns = [text for p in problems for text in (f"{p.title}: {p.loss}", p.accuracy)]
    lines = [["cell", "family", "parameters", *columns]]
    lines += [["---", "---", *["---:"] * (1 + len(columns))]]
    lines += [["*without memory*", "", "", *_baselines(found, problems)]]
    for cell, records in sorted(found.items()):
        size = min((r["parameters"] for r in records.values()), default=0)
        texts = [text for p in problems for text in _cells(records.get(p.name), "**{}**")]
        lines.append([f"`{cell}`", _family(cell), f"{size:,}" if size else "", *texts])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _notes(found: Found) -> str:
    told = reasons(found)
    if not told:
        return "\nNo training diverged, and no cell was left out.\n"
    return "\n" + "".join(f"* {line}\n" for line in told)


def _family(cell: str) -> str:
    try:
        return entry(cell).family
    except OSError:
        return ""


def _problems(found: Found) -> list[Problem]:
    names = {name for records in found.values() for name in records}
    return [problem for name, problem in PROBLEMS.items() if name in names]


def _baselines(found: Found, problems: Iterable[Problem]) -> list[str]:
    texts = []
    for problem in problems:
        record = next(r[problem.name] for r in found.values() if problem.name in r)
        texts += [f"{record['baseline_loss']:.3g}", f"{100 * record['baseline_accuracy']:.0f} %"]
    return texts


def _cells(record: Mapping[str, Any] | None, bold: str) -> list[str]:
    """The loss, with its marks, and the accuracy."""
    if record is None:
        return ["", ""]
    if record["status"] != TRAINED:
        return [record["status"] if record["status"] != LEFT_OUT else "–", ""]
    mark = " ↓" if record["rate"] == min(record["budget"]["rates"]) else ""
    loss = f"{record['loss']:.3g}"
    return [(bold.format(loss) if learnt(record) else loss) + mark,
            f"{100 * record['accuracy']:.0f} %"]  # fmt: skip
