"""Traces as tables: a DataFrame of pandas, a Dataset of xarray.

Both packages are optional (the extra "tables") and are imported when a table is asked for. For
files alone nothing is needed: ``np.savez("trace.npz", **trace)``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..extras import need
from ..runtime.arrays import Array
from .traced import Traced, Value, Words, traced


def to_pandas(
    compiled: Compiled, trace: Mapping[str, Any], *, names: Iterable[str] | None = None,
    words: Words | None = None, lengths: Any = None,
) -> Any:  # fmt: skip
    """A trace as a ``pandas.DataFrame`` in long form, a line for every number.

    Columns: ``name`` (of the value), ``step``, ``row`` (of the batch), ``word`` (where words are
    given), ``unit`` (the index along the first axis, 0 of a value without axes), ``element`` (in
    row-major order along the others, where a value has any), ``number``.

    trace: what ``compiled.trace`` gave, [T, B, *shape] by name. names: the values wanted (default:
    gates and states). words: T words for all rows, or a sequence for each row. lengths: [B], what
    is beyond them is left out. Raises ImportError without pandas; ArgumentError for what does not
    fit.
    """
    need("pandas", "tables", "a table")
    import pandas

    found = traced(compiled, trace, names, words, lengths)
    deep = any(value.array.ndim > 3 for value in found.values)
    parts = [_columns(found, value, words is not None, deep) for value in found.values]
    columns: dict[str, Any] = {key: np.concatenate([part[key] for part in parts])
                               for key in parts[0]}
    for key in ("name", "word"):
        if key in columns:
            columns[key] = pandas.Categorical(columns[key], list(dict.fromkeys(columns[key])))
    return pandas.DataFrame(columns)


def _columns(found: Traced, value: Value, worded: bool, deep: bool) -> dict[str, Array]:
    """The columns of one value: a number for each element of every step that counts."""
    numbers = value.array[found.inside]
    units = numbers.shape[1] if numbers.ndim > 1 else 1
    numbers = numbers.reshape(len(numbers), units, -1)
    steps, rows = np.nonzero(found.inside)
    spread = np.broadcast_to(np.arange(len(numbers))[:, None, None], numbers.shape).reshape(-1)
    columns = {"name": np.full(numbers.size, value.name, object), "step": steps[spread],
               "row": rows[spread]}
    if worded:
        columns["word"] = np.array(found.words, object).T[found.inside][spread]
    unit, element = (at.reshape(-1) for at in np.indices(numbers.shape)[1:])
    return {**columns, "unit": unit, **({"element": element} if deep else {}),
            "number": numbers.reshape(-1)}


def to_xarray(
    compiled: Compiled, trace: Mapping[str, Any], *, names: Iterable[str] | None = None,
    words: Words | None = None, lengths: Any = None,
) -> Any:  # fmt: skip
    """A trace as an ``xarray.Dataset``, a variable [step, row, unit, ...] for every value.

    The axis of most values is ``unit``; one with N units instead has the axis ``unit_N``, and
    further axes of a matrix are ``axis2_N``, and so on. Coordinates: ``step``, ``row`` and, where
    they are given, ``word`` ([step], or [step, row] where rows have words of their own).
    Attributes of a variable: ``long_name``, as the cell's text says, and ``valid_range``.

    Arguments as for ``to_pandas``; beyond ``lengths`` there is NaN. Raises ImportError without
    xarray; ArgumentError for what does not fit.
    """
    need("xarray", "tables", "a dataset")
    import xarray

    found = traced(compiled, trace, names, words, lengths)
    steps, rows = found.inside.shape
    counts = Counter(value.array.shape[2] for value in found.values if value.array.ndim > 2)
    usual = counts.most_common(1)[0][0] if counts else 0
    coordinates: dict[str, Any] = {"step": np.arange(steps), "row": np.arange(rows)}
    if words is not None:
        alike = all(row == found.words[0] for row in found.words)
        coordinates["word"] = (("step",), found.words[0]) if alike else (
            ("step", "row"), np.array(found.words).T)
    return xarray.Dataset(
        {value.name: (_axes(value, usual), _masked(value.array, found.inside), _told(value))
         for value in found.values}, coordinates, {"cell": compiled.graph.title})


def _axes(value: Value, usual: int) -> tuple[str, ...]:
    units, others = value.array.shape[2:3], value.array.shape[3:]
    first = ("unit" if count == usual else f"unit_{count}" for count in units)
    return ("step", "row", *first, *(f"axis{at}_{n}" for at, n in enumerate(others, 2)))


def _masked(array: Array, lasts: Array) -> Array:
    if lasts.all():
        return array
    counts = lasts.reshape(*lasts.shape, *(1 for _ in array.shape[2:]))
    return np.where(counts, array, np.nan)


def _told(value: Value) -> dict[str, Any]:
    told: dict[str, Any] = {"long_name": value.label} if value.label else {}
    return {**told, "valid_range": list(value.range)} if value.range else told
