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
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..progress import counting
from . import machine
from .calls import call_overheads
from .compiling import compile_times
from .measured import Figures, Measured, Result, Store, from_json, to_json
from .memory import peaks
from .page import write_page
from .report import markdown, show, tables
from .rivals import PEERS, installed
from .rows import GROUPS, Row, groups_of, select
from .run import run_row
from .tracing import trace_costs

FIGURES = {"compile": compile_times, "memory": peaks, "calls": call_overheads,
           "trace": trace_costs}
EVERYTHING = [*GROUPS, *FIGURES]
SHORT = ["vendors", "custom", "calls"]  # measured where nothing is asked for, quickly
# read by the frameworks when they are first imported
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC")
VERSIONS = ("numpy", "llvmlite", "torch", "torchrecurrent", "onnxruntime", "jax")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``rnngraph bench``."""
    add = parser.add_argument
    add("--group", nargs="*", choices=[*EVERYTHING, "all"], metavar="GROUP",
        help=f"what to measure: {', '.join(EVERYTHING)}, or all; with no name nothing, to "
             "show a store (default: a quick choice, about two minutes)")
    add("--quick", action="store_true", help="a few sizes of each group")
    add("--cells", nargs="+", default=[], metavar="CELL",
        help="only these cells of the library, or paths of your own")
    add("--threads", nargs="+", type=_positive, default=[1], metavar="N",
        help="threads that may be used, one process for each number (default: 1)")
    add("--seconds", type=float, default=0.3,
        help="time for each row, but at least 20 rounds (default: 0.3)")
    add("--peers", nargs="*", choices=list(PEERS), default=installed(), metavar="PEER",
        help=f"peers to run against: {', '.join(PEERS)} (default: all that are installed)")
    add("--store", type=Path, metavar="FILE.json",
        help="keep results here as they come, together with those that it has")
    add("--resume", action="store_true", help="measure only what the store does not have")
    add("-o", "--output", type=Path, metavar="FILE.md",
        help="write the tables here, and all numbers beside it as FILE.json")
    add("--write-docs", type=Path, metavar="FOLDER",
        help="write performance.md and its plot into this folder")  # fmt: skip


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a number of threads is at least 1")
    return number


def main(args: argparse.Namespace) -> int:
    """Run the benchmark and print its tables; 1 when a contender's results were not ours.

    Raises ValueError for a store that is none, and what ``rows.problem`` raises for a cell that
    cannot be a row.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = Store(args.store or Path(folder, "results.json"))
        if len(args.threads) > 1:
            _in_processes(args, store.path)
        elif args.group is None or args.group:
            _measure(args, store)
        measured = Store(store.path).measured
    _deliver(measured, args)
    return int(any("differs" in why for r in measured.results for why in r.left_out.values()))


def limit_threads(threads: int) -> None:
    """Tell frameworks that are not imported yet how many threads they may use, and keep the
    process to as many processors."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


# --- what is measured ------------------------------------------------------------------------


def plan(args: argparse.Namespace) -> tuple[list[tuple[str, Row]], list[str]]:
    """Rows with their group, and groups of other figures."""
    if args.group is None and args.cells:
        chosen = groups_of(args.cells)
        rows = [(g, row) for g, cells in chosen.items() for row in select(g, args.quick, cells)]
        return rows, []
    groups = SHORT if args.group is None else EVERYTHING if "all" in args.group else args.group
    quick = args.quick or args.group is None
    rows = [(g, row) for g in GROUPS if g in groups for row in select(g, quick, args.cells)]
    return rows, [g for g in FIGURES if g in groups]


def _measure(args: argparse.Namespace, store: Store) -> None:
    (threads,) = args.threads
    limit_threads(threads)
    rows, others = plan(args)
    with counting(len(rows) + len(others) + 1, "elapsed") as tell:
        tell("this machine")
        host = machine.measure()
        store.measured.machines[threads] = host
        store.measured.about = _about(store.measured)
        store.save()
        for group, row in rows:
            tell(f"{group}: {row.title}")
            known = Result(group, row, threads, 0, {}, 0, "", 0.0, 0.0).key
            if not (args.resume and store.measured.has(known)):
                store.add([run_row(row, host, args.peers, threads, args.seconds, group)])
        for group in others:
            tell(group)
            if not (args.resume and store.measured.of(group)):
                store.add(FIGURES[group](args.cells, args.peers))


def _in_processes(args: argparse.Namespace, store: Path) -> None:
    """One child for every number of threads, since frameworks fix theirs when they start."""
    first = min(args.threads)
    for threads in args.threads:
        command = [sys.executable, "-m", "rnngraph", "bench", *_options(args, threads == first)]
        command += ["--threads", str(threads), "--store", str(store)]
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        if done.returncode not in (0, 1):
            raise ValueError(f"the benchmark with {threads} threads ended with {done.returncode}")


def _options(args: argparse.Namespace, first: bool) -> list[str]:
    """The options of a child: what knows no threads is measured by the first."""
    made = ["--seconds", str(args.seconds), "--peers", *args.peers]
    groups = args.group
    if not first and not args.cells:
        groups = [g for g in (SHORT if groups is None else groups) if g not in FIGURES]
        groups = list(GROUPS) if "all" in groups else groups
    for name, values in (("--group", groups), ("--cells", args.cells or None)):
        made += [] if values is None else [name, *values]
    quick = args.quick or (args.group is None and not args.cells)
    flags = (("--quick", quick), ("--resume", args.resume))
    return made + [name for name, wanted in flags if wanted]


def _about(measured: Measured) -> dict[str, str]:
    """When, how and with which versions; of a store that grows, the last time."""
    about = {"date": date.today().isoformat(), "python": sys.version.split()[0]}
    for name in VERSIONS:
        try:
            about[name] = version(name)
        except PackageNotFoundError:
            continue
    return {**measured.about, **about}


# --- what is shown -----------------------------------------------------------------------------


def _deliver(measured: Measured, args: argparse.Namespace) -> None:
    from rich.console import Console

    made = tables(measured)
    show(made, Console(highlight=False))
    if args.output is not None:
        args.output.write_text(markdown(made), encoding="utf-8")
        args.output.with_suffix(".json").write_text(to_json(measured), encoding="utf-8")
    if args.write_docs is not None:
        write_page(measured, args.write_docs)


__all__ = ["Figures", "add_arguments", "from_json", "limit_threads", "main"]
