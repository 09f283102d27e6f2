"""What is explained: a column is one sequence, a decision about it, and what might have been.

Words and rows of numbers become columns (words.py, series.py); all that follows knows columns
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from ..inspect import Decision
from ..train.loop import Arrays


@dataclass(frozen=True)
class Other:
    """Another input for the same column: ``label`` instead of what is read at ``step``.

    inputs: of the whole sequence, [T, 1, ...] by name; last: the last step that differs; source:
    the column that is read there, where it is one of those explained.
    """

    step: int
    label: str
    inputs: Arrays
    last: int
    source: int | None = None


@dataclass(frozen=True)
class Column:
    """One sequence of T steps.

    labels: what a reader calls each step; inputs: [T, 1, ...] by name; decision: a number, made
    after step ``decided``, that is positive where ``forms[0]`` is preferred to ``forms[1]`` (for
    numbers that are no choice, forms are one word, the name of the number).
    """

    title: str
    labels: Sequence[str]
    inputs: Arrays
    decision: Decision
    decided: int
    forms: tuple[str, ...]
    others: Sequence[Other] = field(default_factory=tuple)


def aligned(columns: Sequence[Sequence[str]]) -> list[list[int]]:
    """A line for each step of the columns so that equal labels share lines, in order.

    Returns for every column the line of each step. The columns are aligned one after the other to
    the lines that there are (difflib's matching blocks); what is between two matches shares lines
    from the top.
    """
    lines: list[str] = list(columns[0]) if columns else []
    places = [list(range(len(lines)))] if columns else []
    for labels in columns[1:]:
        lines, moved, own = _merged(lines, list(labels))
        places = [[moved[at] for at in place] for place in places] + [own]
    return places


def _merged(lines: list[str], labels: list[str]) -> tuple[list[str], list[int], list[int]]:
    """The lines with room for the labels, where each line went, and where each label is."""
    merged: list[str] = []
    moved, own = [0] * len(lines), [0] * len(labels)
    for _, a, b, c, d in SequenceMatcher(None, lines, labels, autojunk=False).get_opcodes():
        start = len(merged)
        for at in range(max(b - a, d - c)):
            merged.append(lines[a + at] if a + at < b else labels[c + at])
            if a + at < b:
                moved[a + at] = start + at
            if c + at < d:
                own[c + at] = start + at
    return merged, moved, own
