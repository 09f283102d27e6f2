"""The rows of the benchmark: which cell at which sizes, forward or a training step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ..arrangement import stack
from ..cell import load
from ..compiled import Compiled
from ..runtime.arrays import Array
from .work import Work, work_of

BUILT_IN = ("lstm", "gru_reset_after", "rnn")  # cells for which the peers have code of their own
CUSTOM = ("peephole_lstm", "coupled_lstm", "layernorm_lstm", "mgu", "ug_rnn", "li_gru", "nas",
          "multiplicative_lstm", "ind_rnn", "min_gru")  # fmt: skip
CELLS = (*BUILT_IN, *CUSTOM)

LONGEST, SHORTEST = 100, 6  # time-steps
ENOUGH = 2e9  # operations of a forward run, some 20 ms on a core; larger cells run fewer steps

Sizes = Sequence[tuple[int, int]]  # rows of the batch, hidden units


@dataclass(frozen=True)
class Group:
    """Cells at sizes, all of them or a quick choice, with so many layers."""

    cells: Sequence[str]
    sizes: Sizes
    quick: Sizes
    layers: Sequence[int] = (1,)


GROUPS = {
    "vendors": Group(BUILT_IN, tuple(product((1, 16, 64, 128), (64, 128, 256, 512, 1024))),
                     ((16, 64), (16, 256), (1, 64))),
    "zaremba": Group(BUILT_IN, tuple(product((1, 20), (650, 1500))), ((20, 650),)),
    "odd": Group(BUILT_IN, tuple(product((1, 16), (63, 65, 100, 200))), ((16, 65),)),
    "custom": Group(CUSTOM, ((16, 64), (16, 256), (1, 64)), ((16, 64),)),
    "stacks": Group(("lstm",), ((16, 64), (16, 256), (1, 64)), ((16, 64),), layers=(2, 4)),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """``rows`` sequences of ``steps`` through ``hidden`` units, with as many inputs."""

    cell: str
    rows: int
    hidden: int
    training: bool
    steps: int = LONGEST
    layers: int = 1

    @property
    def name(self) -> str:
        """The cell, with its layers."""
        return self.cell if self.layers == 1 else f"{self.cell} x{self.layers}"

    @property
    def title(self) -> str:
        """The row in a few words."""
        what = "training step" if self.training else "forward"
        return f"{self.name} B{self.rows} H{self.hidden} {what}"


def select(group: str, quick: bool = False, cells: Sequence[str] = ()) -> list[Row]:
    """The rows of a group, of all its cells or of those named."""
    chosen = GROUPS[group]
    made = []
    for cell, layers in product(cells or chosen.cells, chosen.layers):
        for rows, hidden in chosen.quick if quick else chosen.sizes:
            steps = _steps(cell, rows, hidden, layers)
            made += [Row(cell, rows, hidden, training, steps, layers) for training in (False, True)]
    return made


def groups_of(cells: Iterable[str]) -> dict[str, list[str]]:
    """Named cells by the group that measures them: what no peer knows is custom."""
    made: dict[str, list[str]] = {}
    for cell in cells:
        made.setdefault("vendors" if cell in BUILT_IN else "custom", []).append(cell)
    return made


def _steps(cell: str, rows: int, hidden: int, layers: int) -> int:
    """As many steps as run in reasonable time."""
    graph = compiled(cell, hidden, layers=layers).stages()["gradient"]
    flops = work_of(graph).flops * rows
    return int(min(LONGEST, max(SHORTEST, ENOUGH // max(flops, 1))))


def compiled(cell: str, hidden: int, threads: int = 1, layers: int = 1) -> Compiled:
    """A cell of the library, or of a file, with all its sizes alike; or a stack of it."""
    found = stack(load(cell), layers=layers)
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
    made = compiled(row.cell, row.hidden, threads, row.layers)
    graph = made.graph
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or graph.contexts:
        raise ValueError(f"'{row.cell}' has not just one input and one output: no row for it yet")
    stream = np.random.default_rng(seed)

    def normal(*shape: Any) -> Array:
        return stream.normal(size=(row.steps, row.rows, *shape)).astype(np.float32)

    (entry,), (result,) = graph.inputs.values(), graph.outputs.values()
    work = work_of(made.stages(gradients=row.training)["gradient"])
    return Problem(row, made, made.init(seed), normal(*entry.shape), normal(*result.shape), work)
