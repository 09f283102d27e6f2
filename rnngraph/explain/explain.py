"""From a trained model and what it reads to the report: what `rnngraph explain` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..train.loop import Array, Arrays
from .agreement import agreement_ablation
from .column import Column
from .model import Trained
from .report import report
from .series import only_array, series_columns
from .story import story
from .words import sentence_columns

Pair = tuple[str, str]


def explain_sentences(trained: Trained, sentences: Sequence[str], *, swaps: Sequence[Pair] = (),
                      decide: Pair | None = None) -> dict[str, Any]:
    """The report of sentences (see `sentence_columns`), with the agreement language's own ablation
    for a model of it. Raises ValueError for a model that reads no words."""
    if not trained.tokens:
        raise ValueError(f"the model of {trained.cell.name} reads numbers: give an array")
    columns = sentence_columns(trained.model, trained.params, sentences, trained.ids, swaps=swaps,
                               decide=decide, letters=trained.letters)
    ablation = None
    if trained.agreement is not None:
        ablation = agreement_ablation(trained.model, trained.params, trained.cell.graph,
                                      trained.agreement)
    return _told(trained, columns, "character" if trained.letters else "word", ablation)


def explain_series(trained: Trained, x: Array | Arrays, **options: Any) -> dict[str, Any]:
    """The report of rows of an array [T, B, ...] (or arrays by name); see `series_columns`."""
    inputs = dict(x) if isinstance(x, dict) else only_array(trained.model, np.asarray(x))
    columns = series_columns(trained.model, inputs, **options)
    return _told(trained, columns, "time", None)


def _told(trained: Trained, columns: Sequence[Column], axis: str, ablation: Any
          ) -> dict[str, Any]:
    made = report(trained.cell, trained.model, trained.params, columns, axis=axis,
                  title=f"What the gates of {trained.cell.name} did", ablation=ablation)
    return {**made, "story": story(made, most_effective(made))}


def most_effective(made: Mapping[str, Any]) -> int:
    """The unit that matters most, in the first group of units."""
    return int(np.argmax(made["units"][0]["effect"]))
