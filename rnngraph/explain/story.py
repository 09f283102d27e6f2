"""Two sentences from the numbers alone: what a gate did in each input, and why one set of weights
could do both.

The gate is the named value in [0, 1] that tells best what a unit keeps of its state: that which
lies closest to the unit's retention rho, or to 1 - rho. (The forget gate of an LSTM, the update
gate of a GRU, whatever a cell has.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Report = Mapping[str, Any]
Column = Mapping[str, Any]  # of a report
NEAR = 0.05  # mean distance at which a value may be said to be what is kept
SAME = 0.005  # less than what two printed numbers show


def story(report: Report, unit: int) -> list[str]:
    """What the keeping gate of a unit did in each column (of many: in the two that are furthest
    apart), and why the weights could do both.

    Fewer sentences, or none, for a cell whose gates are not between 0 and 1.
    """
    found = keeping_gate(report, unit)
    if found is None:
        return []
    state, gate, opens = found
    told = "; ".join(_told(column, state, gate, unit, opens)
                     for column in _furthest(report["columns"], state, unit))
    name = _called(report, gate)
    verb = "keeps" if opens else "overwrites"
    first = f"The {name} {verb} what unit {unit} of {state} holds: {told}."
    return [first, *_why(report, gate, unit, name)]


def keeping_gate(report: Report, unit: int) -> tuple[str, str, bool] | None:
    """(state, gate, whether 1 keeps) of the gate that is closest to what the unit keeps."""
    found = []
    for state in report["columns"][0]["kept"]:
        kept = _line(report, "kept", state, unit)
        for value in report["values"]:
            if value["range"] == [0, 1] and kept is not None:
                gate = _line(report, "values", value["name"], unit)
                if gate is not None and kept.std() > 0:
                    found += [(np.abs(kept - gate).mean(), state, value["name"], True),
                              (np.abs(kept - 1 + gate).mean(), state, value["name"], False)]
    best = min(found, default=None)
    return best[1:] if best is not None and best[0] < NEAR else None


def _line(report: Report, part: str, name: str, unit: int) -> np.ndarray | None:
    """A unit at every step of all columns."""
    rows = [row for column in report["columns"] for row in column[part][name]]
    if unit >= len(rows[0]) or any(row[unit] is None for row in rows):
        return None
    return np.array([row[unit] for row in rows], float)


def _furthest(columns: Sequence[Column], state: str, unit: int) -> Sequence[Column]:
    """Of more than two columns those in which least and most is left."""
    if len(columns) <= 2:
        return columns
    ranked = sorted(columns, key=lambda column: _kept(column, state, unit))
    return ranked[0], ranked[-1]


def _inside(column: Column) -> range:
    """The steps between what can be swapped and the decision or, where that is over, the end."""
    start = _start(column)
    last = len(column["labels"]) - 1 if column["decided"] <= start else column["decided"]
    return range(start + 1, last + 1)


def _start(column: Column) -> int:
    return int(column["others"][0]["step"]) if column["others"] else 0


def _kept(column: Column, state: str, unit: int) -> float:
    return float(np.prod([column["kept"][state][at][unit] for at in _inside(column)]))


def _told(column: Column, state: str, gate: str, unit: int, opens: bool) -> str:
    """What a gate did in one column."""
    words, values = column["labels"], [row[unit] for row in column["values"][gate]]
    sign = 1 if opens else -1
    most = min(_inside(column), key=lambda at: sign * values[at], default=_start(column))
    kept = f"{100 * _kept(column, state, unit):.0f} %"
    return (f"in “{column['title']}” {_left(column, kept)}, for the gate goes "
            f"{'down' if opens else 'up'} to {_number(values[most])} (at “{words[most]}”)")


def _left(column: Column, kept: str) -> str:
    """What is left at the decision or, where that comes first, at the end."""
    if column["decided"] <= _start(column):
        return f"“{column['forms'][0]}” comes at once, and {kept} of it is left at the end"
    following = column["labels"][column["decided"] + 1 : column["decided"] + 2]
    return f"{kept} of it is left " + (f"when “{following[0]}” is chosen" if following
                                       else "at the end")


def _why(report: Report, gate: str, unit: int, name: str) -> list[str]:
    """The word that two columns share at which the gate differs most."""
    one, *rest = report["columns"]
    pairs = [(abs(a - b), word, a, b, other["title"]) for other in rest
             for word, a, b in _shared(one, other, gate, unit)]
    if not pairs:
        return []
    apart, word, a, b, title = max(pairs)
    whole, here, there = (("both", "the first", "the second") if len(rest) == 1
                          else ("all", f"“{one['title']}”", f"“{title}”"))
    if apart < SAME:
        return [f"The weights are the same for {whole}, and so is what the {name} does at every "
                f"{_step(report)} that they share (it differs by less than {SAME}): what differs "
                "is what there is to keep."]
    return [f"The same weights can do {whole} because they do not fix the gate: it is computed "
            "anew at every step, from what is read there and from what was read before, so at "
            f"{word} it is {_number(a)} in {here} and {_number(b)} in {there}."]


def _shared(one: Column, other: Column, gate: str, unit: int
            ) -> Iterator[tuple[str, float, float]]:
    """Words of both columns and the gate at each; what comes several times is counted."""
    there = _counted(other["labels"])
    for key, at in _counted(one["labels"]).items():
        if key in there and key[0] not in ("<s>", "."):
            word, count = key
            yield (f"“{word}”" if count == 1 else f"“{word}” number {count}",
                   one["values"][gate][at][unit], other["values"][gate][there[key]][unit])


def _counted(labels: Sequence[str]) -> dict[tuple[str, int], int]:
    """The step of each word, by the word and how often it has come."""
    found: dict[tuple[str, int], int] = {}
    for at, word in enumerate(labels):
        found[word, labels[:at].count(word) + 1] = at
    return found


def _step(report: Report) -> str:
    return "step" if report["axis"] == "time" else str(report["axis"])


def _called(report: Report, name: str) -> str:
    label = next(value["label"] for value in report["values"] if value["name"] == name)
    return f"{label} {name}" if label else f"gate {name}"


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
