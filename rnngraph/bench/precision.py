"""What narrow precisions cost and gain: the tables of docs/precision.md.

    python -m rnngraph.bench.precision docs/precision.md
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..cell import Cell, load
from ..compiled import Compiled
from ..library import names
from ..runtime.arrays import Array
from ..schedule.formats import FORMATS, PRECISIONS
from .measure import alternate, ratio, typical
from .report import Table, markdown

BEGIN = "<!-- measured: python -m rnngraph.bench.precision docs/precision.md -->"
UNITS, STEPS, ROWS = 64, 200, 5
TIMED = [(1, hidden, 200) for hidden in (64, 128, 256, 512, 1024)]
TIMED += [(16, hidden, 50) for hidden in (64, 128, 256, 512, 1024)]


def errors() -> Table:
    """The largest difference from f32 of any output, by cell."""
    note = (
        f"{UNITS} units, {STEPS} steps of {ROWS} rows of normal numbers, weights as the cell draws "
        "them: the largest |y| in f32, the largest difference from it, and, for comparison, that "
        "of f32 when x is changed by one part in 512."
    )
    # normal numbers are no times or masks
    cells = {name: cell for name in names() if len((cell := load(name)).graph.inputs) == 1}
    rows = [[name, *(f"{v:.4f}" for v in _errors(cell))] for name, cell in cells.items()]
    return Table("Errors", note, ["cell", "largest", *FORMATS, "f32, x disturbed"], rows)


def _errors(cell: Cell) -> list[float]:
    fielded = {p: _compiled(cell, UNITS, p) for p in PRECISIONS}
    exact = fielded["f32"]
    params, x = exact.init(0), _input(exact, STEPS, ROWS)
    y = _output(exact, params, x)
    signs = np.random.default_rng(1).choice([-1.0, 1.0], x.shape)
    others = [_output(fielded[p], params, x) for p in FORMATS]
    others.append(_output(exact, params, (x * (1 + signs / 512)).astype(np.float32)))
    return [float(np.abs(y).max()), *(float(np.abs(other - y).max()) for other in others)]


def speeds(seconds: float = 2.0) -> Table:
    """An LSTM's microseconds per step in f32, and how many times faster others are."""
    note = "LSTM with I = H, B rows, one thread: microseconds per step, and times faster than f32."
    made = [_speed(*sizes, seconds) for sizes in TIMED]
    return Table("Speed", note, ["B", "H", *PRECISIONS, *(f"{p} gain" for p in FORMATS)], made)


def _speed(rows: int, hidden: int, steps: int, seconds: float) -> list[str]:
    fielded = {p: _compiled(load("lstm"), hidden, p) for p in PRECISIONS}
    exact = fielded["f32"]
    params, x = exact.freeze(exact.init(0)), _input(exact, steps, rows)
    times = alternate({p: lambda c=c: c.run(params, x) for p, c in fielded.items()}, seconds)  # type: ignore[misc]
    medians = [f"{1e6 * typical(times[p]) / steps:.2f}" for p in PRECISIONS]
    return [str(rows), str(hidden), *medians, *(f"{ratio(times, p, 'f32'):.2f}" for p in FORMATS)]


def _compiled(cell: Cell, width: int, precision: str) -> Compiled:
    sizes: dict[str, Any] = dict.fromkeys(cell.sizes, width)
    return cell.compile(precision=precision, **sizes)


def _input(compiled: Compiled, steps: int, rows: int) -> Array:
    (leaf,) = compiled.graph.inputs.values()
    stream = np.random.default_rng(0)
    return stream.normal(size=(steps, rows, *leaf.shape)).astype(np.float32)


def _output(compiled: Compiled, params: dict[str, Array], x: Array) -> Array:
    y: Array = compiled.run(params, x)[0]
    return y


if __name__ == "__main__":
    page = Path(sys.argv[1])
    head = page.read_text(encoding="utf-8").split(BEGIN)[0]
    page.write_text(f"{head}{BEGIN}\n\n{markdown([errors(), speeds()])}", encoding="utf-8")
