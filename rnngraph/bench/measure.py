"""Timing side by side: all contenders in one process, turn by turn, in alternating order."""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

Times = dict[str, list[float]]
LEAST = 20  # rounds


def alternate(
    runs: Mapping[str, Callable[[], object]], seconds: float = 1.0, least: int = LEAST
) -> Times:
    """Seconds of every run by name: at least ``least`` rounds, more until ``seconds`` are over.

    Every contender runs once in a round, and the order turns round after round, so that no one
    always runs in the wake of the same other.
    """
    for run in runs.values():
        run()
    times: Times = {name: [] for name in runs}
    collecting = gc.isenabled()
    gc.disable()
    try:
        began = time.perf_counter()
        order = list(runs)
        while len(times[order[0]]) < least or time.perf_counter() - began < seconds:
            for name in order:
                times[name].append(_timed(runs[name]))
            order.reverse()
    finally:
        if collecting:
            gc.enable()
    return times


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def typical(times: Sequence[float]) -> float:
    """The median."""
    return median(times)


def ratio(times: Times, ours: str, other: str) -> float:
    """How many times faster ``ours`` is: the median over rounds of what the same round says,
    which the machine's other work disturbs less than the ratio of two medians."""
    return median(b / a for a, b in zip(times[ours], times[other], strict=True))


class TimedOut(BaseException):
    """A run that took longer than it may. (Nobody on the way may take it for their error.)"""


def within(seconds: float, run: Callable[[], object]) -> None:
    """Run, and raise TimedOut after so many seconds. (Without a limit where no timer is.)"""
    aside = threading.current_thread() is not threading.main_thread()
    if aside or not hasattr(signal, "setitimer"):
        run()
        return

    def over(number: int, frame: object) -> None:
        raise TimedOut(f"no end after {seconds:.0f} seconds")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
