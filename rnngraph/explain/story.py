"""Two sentences from the numbers alone: what a gate did in each input, and why one set of weights
could do both.

The gate is the named value in [0, 1] that tells best what a unit keeps of its state: that which
lies closest to the unit's retention rho, or to 1 - rho. (The forget gate of an LSTM, the update
gate of a GRU, whatever a cell has.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Report = Mapping[str, Any]
NEAR = 0.05  # mean distance at which a value may be said to be what is kept


def story(report: Report, unit: int) -> list[str]:
    """What the keeping gate of a unit did in each column, and why the weights could do both.

    Fewer sentences, or none, for a cell whose gates are not between 0 and 1.
    """
    found = keeping_gate(report, unit)
    if found is None:
        return []
    state, gate, opens = found
    told = "; ".join(_told(column, state, gate, unit) for column in report["columns"])
    name = _called(report, gate)
    verb = "keeps what unit" if opens else "overwrites what unit"
    first = f"The {name} {verb} {unit} of {state} holds: {told}."
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


def _told(column: Mapping[str, Any], state: str, gate: str, unit: int) -> str:
    """What a gate did in one column, between what can be swapped and the decision or the end."""
    words, values = column["labels"], [row[unit] for row in column["values"][gate]]
    start = column["others"][0]["step"] if column["others"] else 0
    end = column["decided"] if column["decided"] > start else len(words) - 1
    inside = range(start + 1, end + 1)
    lowest = min(inside, key=lambda at: values[at], default=start)
    kept = np.prod([column["kept"][state][at][unit] for at in inside])
    over = _when(column, end)
    return (f"in “{column['title']}” it is {_number(min(values[a] for a in inside))} to "
            f"{_number(max(values[a] for a in inside))} after “{words[start]}”, lowest at "
            f"“{words[lowest]}”, so {100 * kept:.0f} % of it is left {over}")


def _when(column: Mapping[str, Any], end: int) -> str:
    if end != column["decided"]:
        return f"by the end, long after “{column['forms'][0]}”"
    following = column["labels"][end + 1 : end + 2]
    return f"before “{following[0]}” is chosen" if following else "by the end"


def _why(report: Report, gate: str, unit: int, name: str) -> list[str]:
    """The word that two columns share at which the gate differs most."""
    one, *rest = report["columns"]
    pairs = [(abs(a[unit] - b[unit]), word, a[unit], b[unit], other["title"])
             for other in rest
             for word, a in zip(one["labels"], one["values"][gate], strict=True)
             for label, b in zip(other["labels"], other["values"][gate], strict=True)
             if word == label and word not in ("<s>", ".")]
    if not pairs:
        return []
    apart, word, a, b, title = max(pairs)
    if apart < 0.005:
        return [f"The weights are the same for both, and so is the {name} at every step that both "
                "have: it sees what is read there alone, and only the state remembers."]
    whole = "both" if len(rest) == 1 else "all"
    return [f"The same weights can do {whole} because the {name} is computed anew at every step, "
            f"from what is read there and from what was read before: at “{word}”, which both have, "
            f"it is {_number(a)} in “{one['title']}” and {_number(b)} in “{title}”."]


def _called(report: Report, name: str) -> str:
    label = next(value["label"] for value in report["values"] if value["name"] == name)
    return f"{label} {name}" if label else f"gate {name}"


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


