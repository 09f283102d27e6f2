"""A cell trained on a text, one model for each depth, and each of them examined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cell import Cell
from ..train.progress import console as standard_console
from ..train.run import LAST, TextResult, train_text
from .report import Options, examine

if TYPE_CHECKING:
    from rich.console import Console


def train_and_examine(cell: Cell, text: str | Path, folder: str | Path,
                      layers: Sequence[int] = (1,), options: Options | None = None, *,
                      ngrams: Path | None = None, console: Console | None = None, **setting: Any
                      ) -> list[TextResult]:
    """Train the cell with each number of layers, and examine each model, as `examine` does.

    A model lies in FOLDER/N-layers, its report in FOLDER/N-layers/report, the n-gram models of the
    text in FOLDER. setting: of `train_text`, which a training that goes on takes from its
    checkpoint. Ctrl-C keeps the last finished step and ends; a second
    call goes on from there, and examines what is trained without training it again.
    Raises what `train_text` and `examine` raise.
    """
    folder, out, results = Path(folder), console or standard_console(), list[TextResult]()
    for count in layers:
        home = folder / f"{count}-layers"
        out.rule(f"{cell.name}, {count} layer{'s' if count > 1 else ''}")
        results.append(train_text(cell, text, home, resume=(home / LAST).exists(), console=out,
                                  layers=count, **setting))
        if results[-1].interrupted:
            break
        examine(home, text, home / "report", options, ngrams=ngrams or folder / "ngrams.npz",
                console=out)
    return results


__all__ = ["train_and_examine"]
