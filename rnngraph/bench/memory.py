"""Peak memory of a training step, by what the system says is resident.

Every figure is of a fresh process. It is warm (code made, weights packed, a short sequence run)
and has its x and dy before the meter starts; then it runs one step, and the peak counts.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .measured import Figures
from .rivals import OURS, contenders
from .rows import Problem, Row, problem

ROW = Row("lstm", rows=16, hidden=256, training=True, steps=512)
CELLS = ("lstm", "gru_reset_after", "peephole_lstm")
SHORT = 2  # time-steps
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
TRAINS = ("torch", "jax")


def peaks(cells: Sequence[str], peers: Sequence[str]) -> Iterator[Figures]:
    """Bytes per time-step, row and unit of a training step, by contender."""
    if not STATUS.is_file():
        return
    for cell in cells or CELLS:
        who = [OURS, *(peer for peer in TRAINS if peer in peers)]
        found = [_in_process(cell, peer) for peer in who]
        yield Figures("memory", cell, dict(found))


def _in_process(cell: str, peer: str) -> tuple[str, float]:
    command = [sys.executable, "-m", __name__, cell, peer]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    name, _, value = done.stdout.strip().rpartition(" ")
    return name, float(value)


def measure(row: Row, peer: str) -> tuple[str, float]:
    """The contender's name, and bytes per time-step, row and unit in this process."""
    name, run = _jax(problem(row)) if peer == "jax" else _warm(row, peer)
    before = _restart()
    kept = run()
    grown = _resident("VmHWM") - before
    del kept
    return name, grown / (row.steps * row.rows * row.hidden)


def _warm(row: Row, peer: str) -> tuple[str, Callable[[], Any]]:
    """A contender on a row, after a short run; its compiled code does not know the length."""
    short, whole = problem(replace(row, steps=SHORT)), problem(row)
    whole.compiled = short.compiled
    names = [] if peer == OURS else [peer]
    place = len(names)
    contenders(short, names, 1)[place].run()
    chosen = contenders(whole, names, 1)[place]
    return chosen.name, chosen.run


def _jax(made: Problem) -> tuple[str, Callable[[], Any]]:
    """JAX's code is for one length, so it is compiled for it, and not run before."""
    import jax

    from .rivals import with_jax

    function, arguments, _ = with_jax.jitted(made)
    ready = function.lower(*arguments).compile()
    wait: Any = jax.block_until_ready
    return "jax scan", lambda: wait(ready(*arguments))


def _restart() -> int:
    """Start the peak anew where the system lets us, and say what is resident."""
    try:
        CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return _resident("VmHWM")
    return _resident("VmRSS")


def _resident(what: str) -> int:
    """A line of the process's status, in bytes."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:"))


if __name__ == "__main__":
    print(*measure(replace(ROW, cell=sys.argv[1]), sys.argv[2]))
