"""Time to compile: cold and from the cache, against compilers of the peers at several lengths.

rnngraph's code is the same for every length, so it has no figure per T. A peer's includes tracing:
it is what its user waits for. torch.compile unrolls time; each of its figures is of a fresh process
with empty caches, ended after a limit, and its value then is infinite.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from statistics import median

import numpy as np

from ..activity import differentiable
from ..compile import Request, stages
from ..runtime.executable import Executable
from .measured import Figures
from .rows import CELLS, Problem, Row, compiled, problem

HIDDEN = 256
LENGTHS = (25, 100, 1000)
ROWS = 16
TORCH_CELLS = ("peephole_lstm",)  # as long as torch takes, one says enough
TORCH_LENGTHS = (10, 25)
TORCH_LIMIT = 90.0
WHAT = (("forward", False), ("training", True))


def compile_times(
    cells: Sequence[str], peers: Sequence[str], times: int = 3, limit: float = TORCH_LIMIT
) -> Iterator[Figures]:
    """Seconds to compile each cell, forward and with gradients."""
    for cell in cells or CELLS:
        for what, training in WHAT:
            found = {
                "rnngraph cold": median(_cold(cell, training) for _ in range(times)),
                "rnngraph cached": median(_cached(cell, training) for _ in range(times)),
            }
            if "jax" in peers:
                found |= {f"jax T={t}": _jax(cell, training, t) for t in LENGTHS}
            if "torchcompile" in peers and cell in TORCH_CELLS:
                found |= {f"torch.compile T={t}": _torch(cell, training, t, limit)
                          for t in TORCH_LENGTHS}  # fmt: skip
            yield Figures("compile", f"{cell} {what}", found)


def _cold(cell: str, training: bool) -> float:
    """Text to machine code, past what is kept on disk."""
    began = time.perf_counter()
    graph = compiled(cell, HIDDEN).graph
    wrt = tuple(differentiable(graph)) if training else None
    schedule = stages(graph, Request(tuple(graph.outputs), wrt=wrt))["schedule"]
    Executable(schedule, "f32", "host").texts()
    return time.perf_counter() - began


def _cached(cell: str, training: bool) -> float:
    """From the text to the first result of a step, with code that was made before."""
    _first(cell, training)
    return _first(cell, training)


def _first(cell: str, training: bool) -> float:
    began = time.perf_counter()
    made = compiled(cell, HIDDEN)
    loaded = time.perf_counter() - began
    params, x = made.init(), np.zeros((1, ROWS, HIDDEN), np.float32)
    began = time.perf_counter()
    _ = made.vjp(params, x) if training else made.run(params, x)
    return loaded + time.perf_counter() - began


def _problem(cell: str, training: bool, steps: int) -> Problem:
    return problem(Row(cell, ROWS, HIDDEN, training, steps))


def _jax(cell: str, training: bool, steps: int) -> float:
    """To trace, lower and compile."""
    from .rivals import with_jax

    function, arguments, _ = with_jax.jitted(_problem(cell, training, steps))
    began = time.perf_counter()
    function.lower(*arguments).compile()
    return time.perf_counter() - began


def _torch(cell: str, training: bool, steps: int, limit: float) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", __name__, cell, str(int(training)), str(steps)]
        environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": folder}
        try:
            done = subprocess.run(command, env=environment, timeout=limit, capture_output=True,
                                  check=True, text=True)  # fmt: skip
        except subprocess.TimeoutExpired:
            return float("inf")
    return float(done.stdout.split()[-1])


def main() -> None:
    """Compile one cell with torch.compile, whole, and print the seconds."""
    from .rivals.with_torch import derived
    from .rivals.with_torchcompile import in_chunks

    cell, training, steps = sys.argv[1], sys.argv[2] == "1", int(sys.argv[3])
    contender = derived(_problem(cell, training, steps), "torch.compile", in_chunks(steps))
    began = time.perf_counter()
    contender.run()
    first = time.perf_counter() - began
    began = time.perf_counter()
    contender.run()
    print(first - (time.perf_counter() - began))


if __name__ == "__main__":
    main()
