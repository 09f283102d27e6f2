"""What was measured, as tables: for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING

from .measured import Figures, Measured, Result
from .rivals import OURS

if TYPE_CHECKING:
    from rich.console import Console

TITLES = {
    "vendors": "Cells that the peers have", "zaremba": "Zaremba's sizes",
    "odd": "Sizes that are no multiple of 16", "custom": "Cells of one's own",
    "stacks": "Stacks", "compile": "Compiling", "memory": "Memory of a training step",
    "calls": "A call", "trace": "A trace",
}  # fmt: skip
ROWS_NOTE = (
    "B rows, T steps (fewer where they are large), on so many threads; GF/s of the cell's "
    "products, by rnngraph and by its best peer. The ratio is above 1 where rnngraph is faster; "
    "the limit is this machine's, as measured in the same run."
)
NOTES = {
    "compile": "Milliseconds, H 256: rnngraph from the text, for all lengths; peers for B 16 and "
               "so many steps. Cached: code that was made before, to the first result.",
    "memory": "Peak bytes per time-step, row and unit beyond x and dy, B 16, H 256, T 512.",
    "calls": "Microseconds of a call of one row and 8 units, without the time of its step.",
    "trace": "Microseconds of a step, T 1000 (B 1) and 100, forward: a run; a run of a program "
             "that was traced before; a trace of every gate and state; copying as much as it "
             "keeps.",
}  # fmt: skip
UNITS = {"compile": 1e3, "memory": 1.0, "calls": 1e6, "trace": 1e6}


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
    groups = dict.fromkeys(result.group for result in measured.results)
    made = [_machines(measured)]
    made += [_rows(g, [r for r in measured.results if r.group == g]) for g in groups]
    made += [_figures(g, measured.of(g)) for g in UNITS]
    return [table for table in made if table.rows]


def _machines(measured: Measured) -> Table:
    rows = []
    for threads, machine in measured.machines.items():
        speeds = ", ".join(f"{_bytes(n)} {v / 1e9:.0f}" for n, v in machine.bandwidths.items())
        rows.append([str(threads), machine.name, f"{machine.peak / 1e9:.1f}", speeds])
    note = "Of one core: multiply-adds in GF/s, and reading arrays of so many bytes in GB/s."
    return Table("The machine", note, ["threads", "processor", "peak", "bandwidth"], rows)


def _bytes(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


def _rows(group: str, results: Sequence[Result]) -> Table:
    columns = ["cell", "B", "H", "T", "thr", "", "GF/s", "steps/s", "best peer", "GF/s",
               "ratio", "of limit"]  # fmt: skip
    slower = frozenset(i for i, result in enumerate(results) if result.ratio < 1)
    left = {f"{r.row.name}: {why}" for r in results for why in r.left_out.values()}
    note = " ".join([ROWS_NOTE, *(f"Left out: {why}." for why in sorted(left))])
    return Table(TITLES.get(group, group), note, columns, [_row(r) for r in results], slower)


def _row(result: Result) -> list[str]:
    row, gflops = result.row, result.gflops
    return [
        row.name, str(row.rows), str(row.hidden), str(row.steps), str(result.threads),
        "training" if row.training else "forward",
        f"{gflops[OURS]:.1f}", _rate(row.rows * row.steps / result.seconds[OURS]),
        result.best_peer or "-",
        f"{gflops[result.best_peer]:.1f}" if result.best_peer else "-",
        f"{result.ratio:.2f}" if result.best_peer else "-", f"{100 * result.of_limit:.0f} %",
    ]  # fmt: skip


def _rate(number: float) -> str:
    return f"{number / 1e6:.2f} M" if number >= 1e6 else f"{number / 1e3:.1f} k"


def _figures(group: str, figures: Sequence[Figures]) -> Table:
    names = list(dict.fromkeys(name for one in figures for name in one.values))
    rows = [[one.title, *(_number(one.values.get(n), UNITS[group]) for n in names)]
            for one in figures]  # fmt: skip
    return Table(TITLES[group], NOTES[group], ["", *names], rows)


def _number(value: float | None, unit: float) -> str:
    if value is None:
        return "-"
    return "too long" if isinf(value) else f"{unit * value:.1f}"


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
