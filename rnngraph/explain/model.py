"""Trained models from checkpoints: of words, of characters, or a cell alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..arrangement import stack
from ..cell import Cell
from ..compiled import Compiled
from ..tasks.agreement import Agreement
from ..train.checkpoint import AGAIN, Checkpoint, load, stored_cell
from ..train.language_model import language_model, sizes_of
from ..train.loop import Arrays


@dataclass(frozen=True)
class Trained:
    """A model and its parameters.

    cell: the part that is looked into, its `sizes` bound; tokens: what the model reads, in the
    order of their ids (none for a cell that reads numbers); agreement: the agreement language that
    it was trained on, or None.
    """

    cell: Cell
    model: Compiled
    params: Arrays
    sizes: Mapping[str, int]
    tokens: tuple[str, ...] = ()
    letters: bool = False
    agreement: Agreement | None = None

    @property
    def ids(self) -> dict[str, int]:
        """Ids of all tokens."""
        return {token: at for at, token in enumerate(self.tokens)}


def trained(path: str | Path, cell: Cell | None = None) -> Trained:
    """The model of a checkpoint that ``demo`` or ``train`` wrote, or `train.checkpoint.save`.

    cell: what it was trained with, where the checkpoint has no text of it. Raises CheckpointError
    for a file that is no checkpoint, or one whose cell is not to be had.
    """
    stored = load(path)
    whole = cell or stored_cell(stored, path, AGAIN)
    if "characters" in stored.config:
        return _of_characters(stored, whole)
    sizes = dict(stored.config.get("sizes", {}))
    if "words" in stored.config:
        return _of_tokens(stored, whole, sizes, tuple(stored.config["words"]))
    part = whole.bind(None, **sizes)
    return Trained(part, part.compile(), stored.params, sizes)


def _of_characters(stored: Checkpoint, cell: Cell) -> Trained:
    setting = stored.config["setting"]
    whole = stack(cell, layers=setting["layers"])
    sizes = sizes_of(whole, setting["embedding"], setting["hidden"], setting["sizes"])
    return _of_tokens(stored, whole, sizes, tuple(stored.config["characters"]), letters=True)


def _of_tokens(stored: Checkpoint, cell: Cell, sizes: Mapping[str, int], tokens: tuple[str, ...],
               letters: bool = False) -> Trained:
    model = language_model(cell, len(tokens), sizes=sizes).compile()
    return Trained(cell.bind(None, **sizes), model, stored.params, sizes, tokens, letters,
                   _language(stored.config))


def _language(config: Mapping[str, Any]) -> Agreement | None:
    if config.get("task") != "agreement":
        return None
    return Agreement(config["seed"], config.get("regime", "balanced"))
