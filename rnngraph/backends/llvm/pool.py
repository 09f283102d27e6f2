"""The process's pool of threads (``pool.ll``): made when first needed, asleep between calls.

Threads are the system's own, so nothing of Python is involved and no lock of it is held. A
child of a fork starts with an empty pool.
"""

from __future__ import annotations

import ctypes
import functools
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...schedule.cost import TeamCosts
from .jit import Machine, compile_module
from .target import host

WORD, POINTER = ctypes.c_int64, ctypes.c_void_p
ENTER = ctypes.CFUNCTYPE(None, POINTER, POINTER, WORD, WORD, WORD)
ENTRY = ctypes.CFUNCTYPE(None, POINTER, WORD, WORD, WORD, WORD, POINTER)
PAUSES = {
    "x86_64": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
    "aarch64": ("declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"),
}
SOURCE = Path(__file__).with_name("pool.ll")
CORES = Path(__file__).with_name("cores.ll")
NO_CORES = """
define internal void @allowed_cores(ptr %allowed) { ret void }
define internal void @note_core(ptr %control, i64 %part) { ret void }
define internal void @part_ways(ptr %control, i64 %part, ptr %allowed) { ret void }
"""
MEETINGS = 500


@functools.cache
def _machine() -> Machine:
    """Kept until the process ends, for sleeping threads lie in this code."""
    family = host().triple.split("-")[0].replace("arm64", "aarch64")
    declaration, call = PAUSES.get(family, ("", ""))
    pause = f"{declaration}\ndefine internal void @pause() {{\n  {call}\n  ret void\n}}\n"
    machine = compile_module(SOURCE.read_text(encoding="utf-8") + _cores() + pause)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=ctypes.CFUNCTYPE(None)(machine.address("reset")))
    return machine


def _cores() -> str:
    """How members of a team keep off each other's cores, where the system can be asked."""
    return CORES.read_text(encoding="utf-8") if sys.platform == "linux" else NO_CORES


@functools.cache
def enter() -> Callable[[int, Any, int, int, int], None]:
    """``enter(entry, table, steps, rows, parts)``: run a procedure in up to ``parts`` threads.

    Returns when all of them are done; the GIL is released meanwhile.
    """
    return ENTER(_machine().address("enter"))


@functools.cache
def entrance() -> int:
    """The address of ``enter``, for machine code that calls it."""
    return _machine().address("enter")


@functools.cache
def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def costs() -> TeamCosts:
    """What two threads pay on this machine, measured once (under a millisecond when it is idle)."""
    wakes = [_meet(0) for _ in range(15)]
    wake = statistics.median(wakes[5:])
    meetings = [_meet(MEETINGS) for _ in range(5)]
    return TeamCosts(wake, max(0.0, statistics.median(meetings) - wake) / MEETINGS)


def _meet(times: int) -> float:
    meet = _machine().address("meet")
    began = time.perf_counter()
    enter()(meet, None, times, 0, 2)
    return time.perf_counter() - began
