"""The benchmark: rnngraph and its peers side by side, on this machine.

One process per number of threads; in it every row's contenders are first checked to give equal
results and then timed turn by turn. Judged by the ratio to the best peer and by the fraction of
what the machine, measured in the same run, could do at best.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import machine
from .report import from_json, markdown, show, tables, to_json
from .rivals import PEERS, installed
from .rows import SELECTIONS, select
from .run import Measured, call_overheads, compile_times, run_row

# read by the frameworks when they are first imported
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``rnngraph bench``."""
    add = parser.add_argument
    add("--cells", nargs="+", default=[], metavar="CELL",
        help="cells of the library, or paths (default: all that have a peer)")
    add("--rows", choices=list(SELECTIONS), default="quick",
        help="quick (default): three sizes, about two minutes; full: all sizes")
    add("--threads", nargs="+", type=_positive, default=[1], metavar="N",
        help="threads that may be used, one process for each number (default: 1)")
    add("--seconds", type=float, default=0.5,
        help="time for each row, but at least 20 rounds (default: 0.5)")
    add("--peers", nargs="*", choices=list(PEERS), default=installed(),
        help="peers to run against (default: all that are installed)")
    add("-o", "--output", type=Path, metavar="FILE.md",
        help="write the tables here, and all numbers beside it as FILE.json")  # fmt: skip


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a number of threads is at least 1")
    return number


def main(args: argparse.Namespace) -> int:
    """Run the benchmark and print its tables. Raises Difference when a contender's results
    are not ours, and what ``rows.problem`` raises for a cell that cannot be a row."""
    several = len(args.threads) > 1
    measured = _in_processes(args) if several else _in_this_process(args)
    _deliver(measured, args.output)
    return 0


def limit_threads(threads: int) -> None:
    """Tell frameworks that are not imported yet how many threads they may use."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"


def _in_this_process(args: argparse.Namespace) -> Measured:
    (threads,) = args.threads
    limit_threads(threads)
    rows = select(args.rows, args.cells)
    with _progress(len(rows)) as tell:
        host = machine.measure()
        measured = Measured({threads: host})
        for row in rows:
            tell(row.title)
            measured.results.append(run_row(row, host, args.peers, threads, args.seconds))
        tell("compiling")
        measured.compile += compile_times(args.cells)
        tell("calls")
        measured.overhead += call_overheads(args.peers, args.cells)
    return measured


def _in_processes(args: argparse.Namespace) -> Measured:
    """One child for every number of threads, since frameworks fix theirs when they start."""
    whole = Measured()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "part.md")
        for threads in args.threads:
            command = [sys.executable, "-m", "rnngraph", "bench"]
            subprocess.run([*command, *_options(args, threads, path)], check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip
            part = from_json(path.with_suffix(".json").read_text(encoding="utf-8"))
            whole.machines |= part.machines
            whole.results += part.results
            whole.compile, whole.overhead = part.compile, part.overhead
    return whole


def _options(args: argparse.Namespace, threads: int, path: Path) -> list[str]:
    made = ["--rows", args.rows, "--threads", str(threads), "--seconds", str(args.seconds)]
    cells: Sequence[str] = ["--cells", *args.cells] if args.cells else []
    return [*made, *cells, "--peers", *args.peers, "-o", str(path)]


@contextmanager
def _progress(rows: int) -> Iterator[Callable[[str], None]]:
    """``tell(title)`` says what is measured next, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("this machine", total=rows + 3)
        yield lambda title: bar.update(task, advance=1, description=title)


def _deliver(measured: Measured, path: Path | None) -> None:
    from rich.console import Console

    made = tables(measured)
    show(made, Console(highlight=False))
    if path is not None:
        path.write_text(markdown(made), encoding="utf-8")
        path.with_suffix(".json").write_text(to_json(measured), encoding="utf-8")


__all__ = ["add_arguments", "limit_threads", "main"]
