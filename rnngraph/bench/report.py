"""What was measured, as tables: for a terminal, as Markdown, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .machine import Machine
from .rivals import OURS
from .rows import Row
from .run import Measured, Result, Timing

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Table:
    """A title, what the columns mean, and rows of text; ``marks`` are rows that want attention."""

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    marks: frozenset[int] = frozenset()


def tables(measured: Measured) -> list[Table]:
    """Everything measured, table by table."""
    made = [_machines(measured), _rows(measured.results)]
    if measured.compile:
        made.append(_timings("Compiling, cold", "From a cell's text to machine code, H 256, "
                             "milliseconds.", measured.compile, 1e3))  # fmt: skip
    if measured.overhead:
        made.append(_timings("A call", "One step, one row, 8 units: microseconds.",
                             measured.overhead, 1e6))  # fmt: skip
    return [table for table in made if table.rows]


def _machines(measured: Measured) -> Table:
    rows = []
    for threads, machine in measured.machines.items():
        speeds = ", ".join(f"{_bytes(n)} {v / 1e9:.0f}" for n, v in machine.bandwidths.items())
        rows.append([str(threads), machine.name, f"{machine.peak / 1e9:.1f}", speeds])
    note = "Of one core: multiply-adds in GF/s, and reading arrays of so many bytes in GB/s."
    return Table("The machine", note, ["threads", "processor", "peak", "bandwidth"], rows)


def _rows(results: Sequence[Result]) -> Table:
    columns = ["cell", "B", "H", "T", "thr", "", "GF/s", "best peer", "GF/s", "ratio", "of limit"]
    note = (
        "B rows, T steps, thr threads; GF/s of the cell's products, of rnngraph and of its best "
        "peer. The ratio is above 1 where rnngraph is faster; the limit is this machine's, as "
        "measured in the same run."
    )
    slower = frozenset(i for i, result in enumerate(results) if result.ratio < 1)
    return Table("Rows", note, columns, [_row(result) for result in results], slower)


def _row(result: Result) -> list[str]:
    row, gflops = result.row, result.gflops
    return [
        row.cell, str(row.rows), str(row.hidden), str(row.steps), str(result.threads),
        "training" if row.training else "forward",
        f"{gflops[OURS]:.1f}", result.best_peer or "-",
        f"{gflops[result.best_peer]:.1f}" if result.best_peer else "-",
        f"{result.ratio:.2f}" if result.best_peer else "-", f"{100 * result.of_limit:.0f} %",
    ]  # fmt: skip


def _timings(title: str, note: str, timings: Sequence[Timing], unit: float) -> Table:
    names = list(dict.fromkeys(name for timing in timings for name in timing.seconds))
    rows = [
        [t.title, *(f"{unit * t.seconds[n]:.1f}" if n in t.seconds else "-" for n in names)]
        for t in timings
    ]
    return Table(title, note, ["cell", *names], rows)


def _bytes(size: int) -> str:
    return f"{size >> 20} MiB" if size >> 20 else f"{size >> 10} KiB"


def show(made: Iterable[Table], console: Console) -> None:
    """Print tables on a terminal."""
    from rich import box
    from rich.table import Table as Shown

    for table in made:
        shown = Shown(title=table.title, caption=table.note, title_justify="left",
                      caption_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0),
                      pad_edge=False)  # fmt: skip
        for column in table.columns:
            shown.add_column(column)
        for i, row in enumerate(table.rows):
            shown.add_row(*row, style="yellow" if i in table.marks else None)
        console.print(shown)


def markdown(made: Iterable[Table]) -> str:
    """Tables as Markdown."""
    parts = []
    for table in made:
        lines = [_line(table.columns), _line(["---"] * len(table.columns)), *map(_line, table.rows)]
        parts.append(f"## {table.title}\n\n{table.note}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def to_json(measured: Measured) -> str:
    """Everything measured, for programs."""
    return json.dumps(asdict(measured), indent=1) + "\n"


def from_json(text: str) -> Measured:
    """What ``to_json`` wrote."""
    given: dict[str, Any] = json.loads(text)
    machines = {
        int(threads): Machine(m["name"], m["peak"], {int(k): v for k, v in m["bandwidths"].items()},
                              m["functions"])
        for threads, m in given["machines"].items()
    }  # fmt: skip
    results = [Result(**{**result, "row": Row(**result["row"])}) for result in given["results"]]
    timings = [[Timing(**t) for t in given[kind]] for kind in ("compile", "overhead")]
    return Measured(machines, results, *timings)
