"""How fast every cell is beside the LSTM: measured in turns, kept in a file, told on its page.

Both run the same number of sequences and steps in one process, in alternating order, so that what
else the machine does strikes both alike. A file holds one machine's figures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from ..cell import load
from ..compiled import Compiled
from ..files import write_whole
from ..runtime.arrays import Array

YARDSTICK = "lstm"
SIZE, ROWS, STEPS = 64, 16, 100
FEWEST = 20  # steps of a slow cell
DIRECTIONS = ("forward", "training")
SECONDS, LEAST = 0.3, 20  # of measuring, and rounds, for a cell and a direction
DIGITS = 3  # of a figure that are kept: more would only tell of noise


@dataclass(frozen=True)
class Speed:
    """``tokens_per_second``: time-steps times sequences; ``ratio``: of the LSTM's own."""

    tokens_per_second: float
    ratio: float


@dataclass
class Speeds:
    """Figures by cell and direction, and where they were measured."""

    machine: str = ""
    date: str = ""
    cells: dict[str, dict[str, Speed]] = field(default_factory=dict)

    def of(self, cell: str) -> Mapping[str, Speed]:
        """A cell's figures; none where it was not measured."""
        return self.cells.get(cell, {})

    @property
    def setting(self) -> str:
        """What was measured, in a sentence."""
        return (f"{ROWS} sequences of {STEPS} steps, slow cells fewer; all sizes {SIZE}, f32, one "
                f"thread of {self.machine}, {self.date}; beside the LSTM, in turns, the shortest "
                "run of each. Training is a forward run and the gradients of everything."
                )  # fmt: skip


def read(path: Path) -> Speeds:
    """What a file holds; nothing where there is no file. Raises ValueError for another file."""
    if not path.is_file():
        return Speeds()
    try:
        given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        cells = {name: {what: Speed(**figures) for what, figures in found.items()}
                 for name, found in given.pop("cells").items()}  # fmt: skip
        return Speeds(**given, cells=cells)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no speeds of cells: {error!r}") from error


def save(speeds: Speeds, path: Path) -> None:
    """Write the file, whole or not at all, cells in their order."""
    ordered = {**asdict(speeds), "cells": dict(sorted(asdict(speeds)["cells"].items()))}
    write_whole(path, (json.dumps(ordered, indent=1) + "\n").encode())


def measure(
    names: Sequence[str], path: Path, resume: bool = False, seconds: float = SECONDS
) -> Iterator[str]:
    """Measure cells and keep each at once in the file; yields the name that comes next.

    With ``resume`` only what the file does not have. Raises ValueError for a file of another
    machine, whose figures would not be comparable.
    """
    from ..bench.machine import cpu_name

    speeds, here = read(path), cpu_name()
    if speeds.cells and speeds.machine != here:
        raise ValueError(f"{path} holds speeds of {speeds.machine}, and this is {here}: name "
                         "another file, or delete it to measure anew")  # fmt: skip
    speeds.machine, speeds.date = here, date.today().isoformat()
    for name in names:
        if not (resume and name in speeds.cells):
            yield name
            speeds.cells[name] = speed_of(name, seconds)
            save(speeds, path)


def speed_of(name: str, seconds: float = SECONDS) -> dict[str, Speed]:
    """A cell's speed forward and in training, beside the LSTM's.

    The shortest of all runs counts, since what else the machine does only ever adds time. A slow
    cell runs fewer steps, so that its runs are no more likely to be disturbed.
    """
    from ..bench.measure import alternate

    single = {"settle": 0.0, "enough": 0.0}  # no other framework is beside them
    ours, theirs = _Runner(name), _Runner(YARDSTICK)
    found = {}
    for what in DIRECTIONS:
        ours.steps = STEPS
        runs = {"cell": getattr(ours, what), "yardstick": getattr(theirs, what)}
        first = alternate(runs, 0, 1, **single)
        share = first["yardstick"][0] / first["cell"][0]
        ours.steps = max(FEWEST, min(STEPS, round(STEPS * share)))
        times = alternate(runs, seconds, LEAST, **single)
        cell, yardstick = min(times["cell"]) / ours.steps, min(times["yardstick"]) / theirs.steps
        found[what] = Speed(_rounded(ROWS / cell), _rounded(yardstick / cell))
    return found


class _Runner:
    """A cell with its arrays, ready to run ``steps`` time-steps in either direction."""

    def __init__(self, name: str, seed: int = 0) -> None:
        cell = load(name)
        sizes: dict[str, Any] = dict.fromkeys(cell.sizes, SIZE)
        self.compiled: Compiled = cell.compile(**sizes)
        self.steps = STEPS
        graph = self.compiled.graph
        stream = np.random.default_rng(seed)
        self.params = self.compiled.init(seed)
        self.noise: dict[str, Any] = {"seed": seed} if graph.noises else {}
        # positive: some inputs are times or masses
        self.inputs = {n: _drawn(stream, (STEPS, ROWS, *node.shape), node.dtype)
                       for n, node in graph.inputs.items()}  # fmt: skip
        self.contexts = {n: _drawn(stream, (ROWS, *node.shape), node.dtype)
                         for n, node in graph.contexts.items()}  # fmt: skip
        self.dy = {n: np.ones((STEPS, ROWS, *node.shape), np.float32)
                   for n, node in graph.outputs.items()}  # fmt: skip

    def forward(self) -> None:
        self.compiled.run(self.params, self._x())

    def training(self) -> None:
        _, _, pullback = self.compiled.vjp(self.params, self._x(), **self.noise)
        pullback({name: value[: self.steps] for name, value in self.dy.items()})

    def _x(self) -> dict[str, Array]:
        return {name: x[: self.steps] for name, x in self.inputs.items()} | self.contexts


def _drawn(stream: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    if dtype == "int":
        return stream.integers(SIZE, size=shape)
    return stream.uniform(size=shape).astype(np.float32)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
