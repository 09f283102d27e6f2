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
SETTLE = 0.01  # seconds
ENOUGH = 0.001  # seconds
LONG = 20  # times as much, and a run needs no other before it


def alternate(
    runs: Mapping[str, Callable[[], object]],
    seconds: float = 1.0,
    least: int = LEAST,
    settle: float = SETTLE,
    enough: float = ENOUGH,
) -> Times:
    """Seconds of every run by name: at least ``least`` rounds, more until ``seconds`` are over.

    Every contender has one turn in a round, and the order turns round after round. No one runs in
    the wake of another: before a turn the machine is left alone for ``settle`` seconds, in which
    other frameworks' threads stop waiting for more work; then short runs are made, untimed, and
    timed, over and over for ``enough`` seconds each, so that all have their code and data near.
    """
    usual = {name: _timed(run, 1) for name, run in runs.items()}
    times: Times = {name: [] for name in runs}
    collecting = gc.isenabled()
    gc.disable()
    try:
        began = time.perf_counter()
        order = list(runs)
        while len(times[order[0]]) < least or time.perf_counter() - began < seconds:
            for name in order:
                time.sleep(settle)
                usual[name] = _turn(runs[name], usual[name], enough)
                times[name].append(usual[name])
            order.reverse()
    finally:
        if collecting:
            gc.enable()
    return times


def _turn(run: Callable[[], object], usual: float, enough: float) -> float:
    """Seconds of a run that usually takes so many."""
    if usual < LONG * enough:
        _for(enough, run)
    return _timed(run, max(1, round(enough / max(usual, 1e-9))))


def _for(seconds: float, run: Callable[[], object]) -> None:
    """Run at least once, and again until so many seconds are over."""
    end = time.perf_counter() + seconds
    run()
    while time.perf_counter() < end:
        run()


def _timed(run: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - began) / times


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
