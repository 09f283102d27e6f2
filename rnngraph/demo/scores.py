"""How often the right form of the verb is preferred, on every split of the agreement language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..tasks.agreement import Agreement, Sentences
from ..train.loop import LOGITS, Arrays, Model
from .caption import percent

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Split:
    """Test sentences that get harder with a number: what the number counts, and which are tried."""

    told: str
    counts: tuple[int, ...]
    made: Callable[[Agreement, int], Sentences]


SPLITS = {
    "attr": Split("attractors (nouns of the other number between subject and verb)",
                  tuple(range(6)), Agreement.attr),
    "same": Split("nouns of the same number instead", (1, 2, 3, 5), Agreement.same),
    "held_out": Split("attractors, and a verb the subject never had", (0, 1, 2),
                      Agreement.held_out),
    "long": Split("clauses “, which ate already ,” (five words each)", (1, 2, 4, 8),
                  Agreement.long),
    "nest": Split("clauses nested in each other", (1, 2, 3), Agreement.nest),
}  # fmt: skip
Scores = dict[str, dict[int, float]]


def accuracy(model: Model, params: Arrays, sentences: Sentences) -> float:
    """The share of sentences whose verb form the model prefers to the other form."""
    y, _ = model.run(params, sentences.inputs, outputs=(LOGITS,))
    return float(sentences.right(y[LOGITS]).mean())


def scores(model: Model, params: Arrays, data: Agreement) -> Scores:
    """The accuracy on every split, by the number that its sentences have."""
    return {name: {count: accuracy(model, params, split.made(data, count))
                   for count in split.counts} for name, split in SPLITS.items()}


def show(found: Mapping[str, Mapping[int, float]], console: Console) -> None:
    """Print the scores: bars for the attractors, a line for every other split."""
    first, *rest = SPLITS
    console.print(f"\nright verbs by number of {SPLITS[first].told}:", markup=False)
    for count, share in found[first].items():
        console.print(f"  {count}  {percent(share):>7}  {'█' * round(30 * share)}", markup=False)
    for name in rest:
        console.print(f"by number of {SPLITS[name].told}:", markup=False)
        console.print("  " + "   ".join(f"{count}  {percent(share)}"
                                        for count, share in found[name].items()), markup=False)


__all__ = ["SPLITS", "Scores", "Split", "accuracy", "scores", "show"]
