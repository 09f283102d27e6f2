"""Checkpoints: one safetensors file with everything that the next step depends on.

    params/NAME      the parameters              moments/NAME   the optimiser's memory
    carried/NAME     the state that truncated back-propagation carries to the next window
    metadata         format, step, config (JSON), cell (the text of the cell)

A file is written beside its place, flushed to the disk and then renamed over the old one, so that
at every instant there is one whole checkpoint. The safetensors format is read by other frameworks
and, unlike pickle, runs nothing when it is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..cell import Cell, parse
from ..files import write_whole
from ..source import CellError

FORMAT = "rnngraph-checkpoint-1"
AGAIN = "; give the same cell again"  # the remedy where a cell can be given
SECTIONS = ("params", "moments", "carried")


class CheckpointError(ValueError):
    """A file that is no checkpoint; the message names the file and what is wrong with it."""


@dataclass(frozen=True)
class Checkpoint:
    """A moment of a training: arrays by name, the number of finished steps, and its setting."""

    params: dict[str, np.ndarray]
    moments: dict[str, np.ndarray] = field(default_factory=dict)
    carried: dict[str, np.ndarray] = field(default_factory=dict)
    step: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)
    cell: str = ""


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically; an interrupted write leaves the old file as it was."""
    from safetensors.numpy import save as serialise

    arrays = {f"{section}/{name}": np.array(value, order="C")
              for section in SECTIONS for name, value in getattr(checkpoint, section).items()}
    metadata = {"format": FORMAT, "step": str(checkpoint.step), "cell": checkpoint.cell,
                "config": json.dumps(checkpoint.config, ensure_ascii=False, sort_keys=True)}
    write_whole(Path(path), serialise(arrays, metadata))


def load(path: str | Path) -> Checkpoint:
    """Read a checkpoint. Raises CheckpointError if the file is missing, damaged or another's."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="np") as stored:
            metadata = stored.metadata() or {}
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(f"there is no checkpoint {path}") from None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read as a checkpoint: {error}") from None
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} is a safetensors file, but no checkpoint of rnngraph")
    return Checkpoint(**{section: _section(arrays, section) for section in SECTIONS},
                      step=int(metadata["step"]), config=json.loads(metadata["config"]),
                      cell=metadata["cell"])


def _section(arrays: Mapping[str, np.ndarray], section: str) -> dict[str, np.ndarray]:
    start = section + "/"
    return {name[len(start):]: a for name, a in arrays.items() if name.startswith(start)}


def stored_cell(stored: Checkpoint, path: str | Path, remedy: str = "") -> Cell:
    """The cell of a checkpoint. Raises CheckpointError, with the remedy, where it has no text."""
    try:
        return parse(stored.cell)
    except CellError:
        raise CheckpointError(f"the cell of {path} was made without a text of its own{remedy}") \
            from None  # fmt: skip
