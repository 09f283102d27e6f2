"""What the picture shows, in plain sentences made from the numbers alone (nothing is canned)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .carrier import Carrier
from .picture import Column, Row

CARRIES = 0.1  # loss of accuracy from which on one unit may be said to carry the number


def headline(carrier: Carrier) -> str:
    """The title of the picture."""
    if _loss(carrier) < CARRIES:
        return f"Unit {carrier.unit}: no single unit carries the number of the subject"
    return f"Unit {carrier.unit} carries the number of the subject"


def ablation(carrier: Carrier) -> str:
    """What holding the unit at zero does."""
    states = " and ".join(carrier.units.shapes)
    text = (f"With unit {carrier.unit} of {states} held at zero, accuracy on sentences with one "
            f"attractor goes from {_percent(carrier.accuracy)} to "
            f"{_percent(carrier.without[carrier.unit])}")
    if carrier.units.count == 1:
        return f"{text}."
    return f"{text} (any other unit, in the median: {_percent(carrier.others)})."


def memory(carrier: Carrier, rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """What the carrying unit's state is at the subject, and what is left of it before the verb."""
    column, subject = columns[0], _subject(columns[0])
    states = [row for row in rows if row.name.split("'")[0] in carrier.units.shapes]
    row = max(states, key=lambda r: _apart(r.values[0], column.verb - 1))
    (a, b), values = (words[subject] for words in column.words), row.values[0]
    first, last = values[:, subject], values[:, column.verb - 1]
    distance = column.verb - 1 - subject
    return (f"Its {_called(row)} is {first[0]:.2f} after \"{a}\" and {first[1]:.2f} after \"{b}\"; "
            f"{distance} word{'s' if distance != 1 else ''} later, when the verb must be chosen, it is "
            f"{last[0]:.2f} and {last[1]:.2f}.")


def choice(row: Row, columns: Sequence[Column]) -> str:
    """What the model then says; `row` has the share of the singular form."""
    column = columns[0]
    singular, plural = row.values[0][:, column.verb - 1]
    one, other = (words[column.verb] for words in column.words)
    return (f"So for the one sentence the model gives \"{one}\" {_percent(singular)} of what it "
            f"gives the two forms, and for the other it gives \"{other}\" "
            f"{_percent(1 - plural)}.")


def same_word(rows: Sequence[Row], columns: Sequence[Column]) -> str | None:
    """The gate that differs most between the sentences at one word; None without a gate."""
    gates = [row for row in rows if row.range == (0.0, 1.0) and row.ends is None]
    found = [(abs(row.values[0][v, i] - row.values[1][v, j]), row, v, i, j)
             for row in gates for v, i, j in _shared(columns)]
    if not found:
        return None
    _, row, version, i, j = max(found, key=lambda item: item[0])
    word = columns[0].words[version][i]
    return (f"The same weights, the same word, another history: at \"{word}\" the {_called(row)} "
            f"is {row.values[0][version, i]:.2f} in the first sentence and "
            f"{row.values[1][version, j]:.2f} in the second. The weights are fixed; the gate is a "
            "function of the word and of what has been read.")


def _shared(columns: Sequence[Column]) -> list[tuple[int, int, int]]:
    """(version, position, position) of the words that both sentences have exactly once."""
    shared = []
    for version in (0, 1):
        one, other = (column.words[version] for column in columns)
        shared += [(version, i, other.index(word)) for i, word in enumerate(one)
                   if one.count(word) == 1 and other.count(word) == 1]
    return shared


def _subject(column: Column) -> int:
    pairs = zip(*column.words, strict=True)
    return next(at for at, (one, other) in enumerate(pairs) if one != other)


def _apart(values: np.ndarray, at: int) -> float:
    """How far apart the two versions are at a word, as a share of the value's whole extent."""
    return float(abs(values[0, at] - values[1, at]) / (np.ptp(values) or 1.0))


def _called(row: Row) -> str:
    return f"{row.label} {row.name}" if row.label else row.name


def _loss(carrier: Carrier) -> float:
    return carrier.accuracy - float(carrier.without[carrier.unit])


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %" if share < 0.9995 else "100 %"
