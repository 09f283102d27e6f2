"""Traces as a data set of LSTMVis (Strobelt et al. 2018, a viewer of hidden states along a text).

    states.hdf5   a float32 matrix [N, units] for every value      lstm.yml   what is in the files
    train.hdf5    word_ids, int32 [N]                              words.dict "word id", a line each

Values are written as they are: LSTMVis puts everything through tanh unless it is told not to, which
is told here for every value that stays within [-1, 1], and `unsigned` for what is never negative.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..extras import need
from ..runtime.arrays import ArgumentError, Array

STATES, TRAIN, WORDS, CONFIG = "states.hdf5", "train.hdf5", "words.dict", "lstm.yml"
SIGNS = {" ": "␣", "\n": "⏎", "\t": "⇥", "": "∅"}  # a line of the dictionary has two fields
LAYER = "layer"


def export(
    folder: str | Path, ids: Any, words: Sequence[str], values: Mapping[str, Any], *,
    name: str, description: str = "",
) -> list[Path]:  # fmt: skip
    """Write the four files into a folder (made if need be), and return their paths.

    ids: which word of ``words`` stands at each place, int [N]; values: traced values by name,
    [N, *shape], of that text. Raises ImportError without h5py; ArgumentError for values of another
    length than ids, ids beyond the words, or nothing to show.
    """
    need("h5py", "lstmvis", "the LSTMVis export")
    ids = np.asarray(ids)
    _check(ids, words, values)
    matrices = {key: _matrix(value) for key, value in values.items()}
    spelled = "".join(f"{word} {number}\n" for number, word in enumerate(spell(words)))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        STATES: _hdf5(matrices),
        TRAIN: _hdf5({"word_ids": ids.astype(np.int32)}),
        WORDS: spelled.encode(),
        CONFIG: _config(name, description or name, matrices).encode(),
    }
    for file, data in content.items():
        (folder / file).write_bytes(data)
    return [folder / file for file in content]


def spell(words: Sequence[str]) -> list[str]:
    """The words without white space, all different: "a b" is "a␣b", and other spaces U+00A0."""
    taken, spelled = set(words), []
    for word in words:
        plain = word or SIGNS[""]
        if any(c.isspace() for c in plain):
            plain = "".join(_sign(c, taken) if c.isspace() else c for c in plain)
        while plain in spelled:
            plain += "'"
        spelled.append(plain)
    return spelled


def _sign(space: str, taken: set[str]) -> str:
    sign = SIGNS.get(space, "")
    return sign if sign and sign not in taken else f"U+{ord(space):04X}"


def _check(ids: Array, words: Sequence[str], values: Mapping[str, Any]) -> None:
    if ids.ndim != 1 or not len(ids):
        raise ArgumentError(f"ids have shape {list(ids.shape)}; expected [N], at least one")
    if not 0 <= ids.min() <= ids.max() < len(words):
        raise ArgumentError(f"ids go from {ids.min()} to {ids.max()}; there are {len(words)} words")
    if not values:
        raise ArgumentError("there are no values to export")
    for key, value in values.items():
        if np.ndim(value) < 1 or len(value) != len(ids):
            raise ArgumentError(f"'{key}' has shape {list(np.shape(value))}; expected "
                                f"[{len(ids)}, ...], a row for every place of the text")


def _matrix(value: Any) -> Array:
    rows = np.asarray(value, np.float32)
    return np.ascontiguousarray(rows.reshape(len(rows), -1))


def _hdf5(arrays: Mapping[str, Array]) -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
    return buffer.getvalue()


def _config(name: str, description: str, matrices: Mapping[str, Array]) -> str:
    lines = [
        f"name: {json.dumps(name)}",
        f"description: {json.dumps(description)}",
        "files:",
        f"  states: {STATES}",
        f"  train: {TRAIN}",
        f"  words: {WORDS}",
        "word_sequence: {file: train, path: word_ids, dict_file: words}",
        "states:",
        "  file: states",
        "  types:",
        *(f"    - {_type(key, matrix)}" for key, matrix in matrices.items()),
        "etc: {regex_search: true}",
    ]
    return "\n".join(lines) + "\n"


def _type(name: str, matrix: Array) -> str:
    """The entry of one value; of a stack, ``layer1.f`` is f of the second layer."""
    layer, _, rest = name.partition(".")
    number = layer.removeprefix(LAYER)
    stacked = rest and layer.startswith(LAYER) and number.isdigit()
    fits = bool((np.abs(matrix) <= 1).all())
    entry = {
        "type": rest if stacked else name, "layer": int(number) + 1 if stacked else 1, "path": name,
        "transform": "none" if fits else "tanh", "unsigned": fits and bool((matrix >= 0).all()),
    }  # fmt: skip
    return json.dumps(entry)
