"""The rows of the benchmark: which cell at which sizes, forward or a training step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..cell import load
from ..compiled import Compiled
from ..runtime.arrays import Array
from .work import Work, work_of

BUILT_IN = ("lstm", "gru_reset_after", "rnn")  # cells for which the peers have code of their own
CUSTOM = ("peephole_lstm", "layernorm_lstm", "mgu", "min_gru", "ind_rnn")
CELLS = (*BUILT_IN, *CUSTOM)

# (rows of the batch, hidden units)
QUICK = ((16, 64), (16, 256), (1, 64))
FULL = tuple((rows, hidden) for rows in (1, 16, 64) for hidden in (64, 128, 256, 512))
CUSTOM_QUICK = ((16, 64),)
SELECTIONS = {"quick": (QUICK, CUSTOM_QUICK), "full": (FULL, QUICK)}

LONGEST, SHORTEST = 100, 16  # time-steps
ENOUGH = 3e9  # operations of a forward run; larger cells run fewer steps


@dataclass(frozen=True)
class Row:
    """``rows`` sequences of ``steps`` through ``hidden`` units, with as many inputs."""

    cell: str
    rows: int
    hidden: int
    training: bool
    steps: int = LONGEST

    @property
    def title(self) -> str:
        """The row in a few words."""
        what = "training step" if self.training else "forward"
        return f"{self.cell} B{self.rows} H{self.hidden} {what}"


def select(selection: str, cells: Sequence[str] = ()) -> list[Row]:
    """The rows of a selection ("quick" or "full"), of all cells or of those named."""
    built_in, custom = SELECTIONS[selection]
    made = []
    for cell in cells or CELLS:
        for rows, hidden in built_in if cell in BUILT_IN else custom:
            steps = _steps(cell, rows, hidden)
            made += [Row(cell, rows, hidden, training, steps) for training in (False, True)]
    return made


def _steps(cell: str, rows: int, hidden: int) -> int:
    """As many steps as run in reasonable time."""
    flops = work_of(compiled(cell, hidden).stages()["gradient"]).flops * rows
    return int(min(LONGEST, max(SHORTEST, ENOUGH // max(flops, 1))))


def compiled(cell: str, hidden: int, threads: int = 1) -> Compiled:
    """A cell of the library, or of a file, with all its sizes alike."""
    found = load(cell)
    sizes: dict[str, Any] = dict.fromkeys(found.sizes, hidden)
    return found.compile(threads=threads, **sizes)


@dataclass
class Problem:
    """A row with its arrays, the same for all contenders: parameters, x and dy ``[T, B, H]``."""

    row: Row
    compiled: Compiled
    params: dict[str, Array]
    x: Array
    dy: Array
    work: Work


def problem(row: Row, threads: int = 1, seed: int = 0) -> Problem:
    """Compile a row's cell and draw its arrays.

    Raises ValueError for a cell that has not one input and one output.
    """
    made = compiled(row.cell, row.hidden, threads)
    graph = made.graph
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or graph.contexts:
        raise ValueError(f"'{row.cell}' has not just one input and one output: no row for it yet")
    stream = np.random.default_rng(seed)

    def normal(*shape: Any) -> Array:
        return stream.normal(size=(row.steps, row.rows, *shape)).astype(np.float32)

    (entry,), (result,) = graph.inputs.values(), graph.outputs.values()
    work = work_of(made.stages(gradients=row.training)["gradient"])
    return Problem(row, made, made.init(seed), normal(*entry.shape), normal(*result.shape), work)
