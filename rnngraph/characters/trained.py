"""A model that ``rnngraph train`` left in a folder, and what it makes of a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrangement import stack
from ..cell import Cell
from ..compiled import Compiled
from ..train.checkpoint import CheckpointError, load, stored_cell
from ..train.loop import LOSS, TARGET, TOKEN, WEIGHT, Array, Arrays
from ..train.run import BEST, LAST, Setting

WINDOW = 2000  # characters a call


@dataclass(frozen=True)
class Trained:
    """A trained character model: the cell, the model around it, parameters and setting."""

    path: Path
    cell: Cell
    compiled: Compiled
    params: Arrays
    characters: str
    setting: Setting
    step: int

    @property
    def title(self) -> str:
        """As in "LSTM, 2 layers, 64 units"."""
        layers = self.setting.layers
        return (f"{self.cell.name}, {layers} layer{'s' if layers > 1 else ''}, "
                f"{self.setting.hidden} units")

    @property
    def names(self) -> list[str]:
        """The named values of the cell: those that are vectors of its steps."""
        inside = stack(self.cell, layers=self.setting.layers).graph
        own = {*inside.names, *inside.states}
        return [name for name in self.compiled.named if name in own]

    def width(self, name: str) -> int:
        """How many units a named value has."""
        graph = self.compiled.graph
        node = graph.names[name].node if name in graph.names else graph.states[name].leaf
        return int(np.prod(node.shape))

    def probabilities(self, ids: Array) -> Array:
        """p of every character but the first, given all before: float64 [n-1]."""
        losses = [y[LOSS][:, 0] for y in self._windows(ids)]
        return np.asarray(np.exp(-np.concatenate(losses).astype(np.float64)))

    def traced(self, ids: Array, names: Iterable[str]) -> Arrays:
        """Named values just after each character was read: float [n, 1, *shape] by name."""
        parts: dict[str, list[Array]] = {name: [] for name in names}
        state: Arrays | None = None
        for start in range(0, len(ids), WINDOW):
            x = _inputs(ids[start:start + WINDOW], ids[start:start + WINDOW])
            for name, values in self.compiled.trace(self.params, x, state, names=parts).items():
                parts[name].append(values)
            _, state = self.compiled.run(self.params, x, state, outputs=(LOSS,))
        return {name: np.concatenate(values) for name, values in parts.items()}

    def _windows(self, ids: Array) -> Iterator[Arrays]:
        state: Arrays | None = None
        for start in range(0, len(ids) - 1, WINDOW):
            part = ids[start:start + WINDOW + 1]
            y, state = self.compiled.run(self.params, _inputs(part[:-1], part[1:]), state,
                                         outputs=(LOSS,))
            yield y


def open_trained(path: str | Path) -> Trained:
    """The model of a folder (the best of it, else the last), or of one checkpoint file.

    Raises CheckpointError for a folder without a checkpoint, or a checkpoint of something else.
    """
    file = _file_of(Path(path))
    stored = load(file)
    if not {"setting", "characters"} <= set(stored.config):
        raise CheckpointError(f"{file} holds no character model; 'rnngraph train' makes one")
    cell = stored_cell(stored, file)
    setting = Setting(**stored.config["setting"])
    characters = stored.config["characters"]
    model = setting.model(cell, len(characters)).compile(dtype=setting.dtype)
    return Trained(file, cell, model, dict(stored.params), characters, setting, stored.step)


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = next((path / name for name in (BEST, LAST) if (path / name).exists()), None)
    if found is None:
        raise CheckpointError(f"{path} holds neither {BEST} nor {LAST}; 'rnngraph train --folder "
                              f"{path}' makes them")
    return found


def _inputs(token: Array, target: Array) -> Arrays:
    return {TOKEN: token[:, None], TARGET: target[:, None],
            WEIGHT: np.ones((len(token), 1), np.float32)}
