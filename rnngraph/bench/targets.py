"""What rnngraph is to reach, held against what was measured.

Every target is a row here: which numbers it is about, and how large, or how small, each must be.
Rows that miss it are named; where they are near the machine's limit, there is no more to be had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from ..compile import Request, value_at
from .measured import Measured, Result
from .report import Table
from .rivals import OURS
from .rows import BUILT_IN, Row, compiled
from .work import depth, reduces

SHOWN = 6  # rows that are named
Values = Iterator[tuple[str, float, float]]  # what, its value, and what is wanted of it


@dataclass(frozen=True)
class Target:
    """``of`` gives what was measured; ``unit`` is how a value is written."""

    title: str
    of: Callable[[Measured], Values]
    unit: str = "{:.2f}"
    at_most: bool = False

    def met(self, value: float, wanted: float) -> bool:
        """Whether a value is as good as wanted."""
        return value <= wanted if self.at_most else value >= wanted


def judged(measured: Measured) -> Table:
    """The table of targets: what is wanted, how many rows have it, and which do not."""
    rows = [row for target in TARGETS if (row := _row(target, measured))]
    note = "What is asked of rnngraph, and the rows that miss it, those that miss it most first."
    return Table("Targets", note, ["", "wanted", "met", "missed by"], rows)


def _row(target: Target, measured: Measured) -> list[str]:
    found = list(target.of(measured))
    if not found:
        return []
    missed = [x for x in found if not target.met(x[1], x[2])]
    missed.sort(key=lambda x: x[1] / x[2], reverse=target.at_most)
    named = [f"{title} {target.unit.format(value)}" for title, value, _ in missed[:SHOWN]]
    more = [f"{len(missed) - SHOWN} more"] if len(missed) > SHOWN else []
    wanted = dict.fromkeys(target.unit.format(x[2]) for x in found)
    sign, met = "at most" if target.at_most else "at least", len(found) - len(missed)
    return [target.title, f"{sign} {', '.join(wanted)}", f"{met} of {len(found)}",
            "; ".join([*named, *more])]  # fmt: skip


# --- rows ------------------------------------------------------------------------------------


def _title(result: Result) -> str:
    threads = f", {result.threads} threads" if result.threads > 1 else ""
    return f"{result.row.title}{threads} ({100 * result.of_limit:.0f} % of the limit):"


def _all_rows(measured: Measured) -> Values:
    yield from ((_title(r), r.ratio, 1.0) for r in measured.results if r.best_peer)


def _lstm_of_limit(measured: Measured) -> Values:
    for r in _alone(measured):
        if r.row.name == "lstm" and not r.row.training:
            yield _title(r), 100 * r.of_limit, 95 if r.row.rows == 1 else 90


def _elementwise_of_limit(measured: Measured) -> Values:
    for r in _alone(measured):
        if r.row.cell not in BUILT_IN and not _kind(r.row.cell)[0]:
            yield _title(r), 100 * r.of_limit, 95


def _beside_lstm(measured: Measured) -> Values:
    """Cells of one's own: as many operations per second as the LSTM of the same size."""
    speeds = {_size(r.row): r.gflops[OURS] for r in _alone(measured) if r.row.name == "lstm"}
    for r in _alone(measured):
        known = speeds.get(_size(r.row))
        if known and r.group == "custom":
            products, norms = _kind(r.row.cell)
            if products:
                yield _title(r), r.gflops[OURS] / known, 0.85 if products > 1 or norms else 0.95


def _against(peer: str, wanted: float) -> Callable[[Measured], Values]:
    def values(measured: Measured) -> Values:
        for r in _alone(measured):
            if r.group == "custom" and (r.row.rows, r.row.hidden) == (16, 64) and peer in r.seconds:
                yield _title(r), r.seconds[peer] / r.seconds[OURS], wanted

    return values


def _gru_training(measured: Measured) -> Values:
    wanted = {(16, 64): 5.0, (16, 256): 1.4}
    for r in _alone(measured):
        size, peer = (r.row.rows, r.row.hidden), r.seconds.get("torch nn.GRU")
        if r.row.training and size in wanted and peer:
            yield _title(r), peer / r.seconds[OURS], wanted[size]


def _two_threads(measured: Measured) -> Values:
    alone = {(r.group, r.row): r.seconds[OURS] for r in _alone(measured)}
    for r in measured.results:
        before = alone.get((r.group, r.row))
        if r.threads == 2 and before:
            yield _title(r), before / r.seconds[OURS], _speedup(r.row)


def _speedup(row: Row) -> float:
    if row.rows > 1:
        return 1.85
    return 1.9 if row.hidden >= 256 else 1.7 if row.hidden >= 128 else 1.5


def _alone(measured: Measured) -> Iterator[Result]:
    return (r for r in measured.results if r.threads == 1)


def _size(row: Row) -> tuple[int, int, bool]:
    return row.rows, row.hidden, row.training


@cache
def _kind(cell: str) -> tuple[int, bool]:
    """Products that follow each other from state to state, and whether there are norms."""
    graph = compiled(cell, 8).graph
    simplified = value_at(graph, Request(tuple(graph.outputs)), "simplified")
    return depth(simplified), reduces(simplified)


# --- other figures -----------------------------------------------------------------------------


def _figure(group: str, who: str, scale: float, wanted: dict[str, float]) -> Callable[..., Values]:
    """``wanted`` by a title, by what follows the cell's name in it, or of all others ("")."""

    def values(measured: Measured) -> Values:
        for one in measured.of(group):
            names = (one.title, one.title.partition(" ")[2], "")
            most = next((wanted[name] for name in names if name in wanted), None)
            if most is not None and who in one.values:
                yield one.title, scale * one.values[who], most

    return values


COLD = {"lstm forward": 250.0, "lstm training": 600.0, "": 1500.0}
TARGETS = (
    Target("Every row: times faster than the best peer", _all_rows),
    Target("LSTM forward: percent of the limit (B 1; more rows)", _lstm_of_limit, "{:.0f}"),
    Target("GRU training at B16 H64 and H256: times faster than PyTorch", _gru_training, "{:.1f}"),
    Target("Cells of one's own: GF/s beside the LSTM's (several products in a row or norms; one)",
           _beside_lstm),
    Target("Cells of one's own, B16 H64: times faster than JAX", _against("jax scan", 2.0)),
    Target("Cells of one's own, B16 H64: times faster than eager PyTorch",
           _against("torch eager", 6.0), "{:.1f}"),
    Target("Elementwise recurrences: percent of the limit", _elementwise_of_limit, "{:.0f}"),
    Target("Two threads: times faster than one (more rows; B1 by H)", _two_threads),
    Target("Compiling, cold: milliseconds",
           _figure("compile", "rnngraph cold", 1e3, COLD), "{:.0f}", True),
    Target("Compiling, cached: milliseconds",
           _figure("compile", "rnngraph cached", 1e3, {"": 20.0}), "{:.0f}", True),
    Target("LSTM training: peak bytes per step, row and unit",
           _figure("memory", OURS, 1, {"lstm": 32.0}), "{:.1f}", True),
    Target("A call of run: microseconds",
           _figure("calls", OURS, 1e6, {"run": 5.0}), "{:.1f}", True),
)  # fmt: skip
