"""Runs cells with every array against a page that may not be touched; a stray access ends the
process. Started by test_guard_pages.py:  guard_pages.py TARGET [all] | read | write

The library's cells run on one machine by turns, with ``all`` on every one."""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
from cells_for_tests import cell
from compiled_cells import FEW, MANY, arrays, split, turns

from rnngraph.compiled import Compiled
from rnngraph.runtime import executable
from rnngraph.runtime.arrays import address

PAGE = mmap.PAGESIZE
LENGTHS = [*FEW, *MANY]
MORE = ("LanguageModel", "FastWeights", "Attention", "Heads", "varying_outputs", "two_way_stack")

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *([ctypes.c_int] * 3), ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

mapped: list[tuple[int, int]] = []
side = ["end"]


def guarded(shape: Any, dtype: Any, zero: bool = False) -> np.ndarray:
    """An array between two forbidden pages, flush against one of them; full of NaN or 0."""
    size = prod(shape) * np.dtype(dtype).itemsize
    pages = -(-size // PAGE)
    whole = (pages + 2) * PAGE
    base = libc.mmap(None, whole, mmap.PROT_READ | mmap.PROT_WRITE,
                     mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)  # fmt: skip
    assert base not in (None, ctypes.c_void_p(-1).value)
    mapped.append((base, whole))
    for guard in (base, base + (pages + 1) * PAGE):
        assert libc.mprotect(guard, PAGE, 0) == 0
    start = base + PAGE + (pages * PAGE - size if side == ["end"] else 0)
    raw = (ctypes.c_char * size).from_address(start)
    array = np.frombuffer(raw, dtype).reshape(shape)
    array[...] = 0 if zero or array.dtype.kind != "f" else np.nan
    return array


def guarded_copy(value: np.ndarray) -> np.ndarray:
    array = guarded(value.shape, value.dtype)
    array[...] = value
    return array


class GuardedSession(executable.Session):
    """A session whose every buffer has memory of its own, between guards."""

    def _allocate(self, buffer: Any) -> np.ndarray:
        zero = buffer.name in self.program.summed
        return guarded(self.shape(buffer), self.program.dtype, zero)

    def _take(self, blocks: Any, sizes: Mapping[str, int]) -> np.ndarray:
        zero = blocks is self.program.weights  # weights and their digests begin as zeros
        for name, count in sizes.items():
            self.addresses[name] = address(guarded((count,), self.program.dtype, zero))
        return np.empty(0, np.uint8)


def call(compiled: Compiled, steps: int, rows: int, put: Any) -> list[np.ndarray]:
    """All results of a run, its gradients included."""
    graph = compiled.graph
    given, initial = arrays(graph, steps, rows, compiled.dtype)
    params, x = split(graph, {name: put(value) for name, value in given.items()})
    y, state, pullback = compiled.vjp(
        params, x, initial, outputs=graph.outputs, steps=steps, rows=rows
    )
    rng = np.random.default_rng(3)
    dy = {k: put(rng.normal(size=v.shape).astype(v.dtype)) for k, v in y.items()}
    grads = pullback(dy, state)
    parts = (y, state, grads.params, grads.inputs, grads.contexts, grads.state)
    return [np.array(value) for part in parts for value in part.values()]


def cells_on(target: str) -> Iterator[tuple[Compiled, list[tuple[int, int]]]]:
    for title in MORE:
        yield Compiled(cell(title), dtype="f32", target=target), LENGTHS
    for name, turn in turns().items():
        if turn.target == target:
            yield turn.compile(name), turn.lengths


def check(compiled: Compiled, lengths: list[tuple[int, int]]) -> None:
    for steps, rows in lengths:
        executable.Session = plain  # type: ignore[misc]
        expected = call(compiled, steps, rows, lambda value: value)
        executable.Session = GuardedSession  # type: ignore[misc]
        for side[0] in ("end", "start"):
            found = call(compiled, steps, rows, guarded_copy)
            for a, b in zip(found, expected, strict=True):
                assert np.array_equal(a, b, equal_nan=True), f"T={steps} B={rows}"
            while mapped:
                libc.munmap(*mapped.pop())


plain = executable.Session

if __name__ == "__main__":
    if sys.argv[1] in ("read", "write"):
        beyond = (ctypes.c_char * 1).from_address(address(guarded((3,), np.float32)) + 12)
        if sys.argv[1] == "read":
            beyond[0]
        else:
            beyond[0] = b"x"
    else:
        for compiled, lengths in cells_on(sys.argv[1]):
            print(compiled.graph.title, compiled.dtype, flush=True)
            check(compiled, lengths)
        print("all within their arrays")
