"""Arrays in files: .npy, .npz, .safetensors, and text.

    Text     ::= Sequence (blank line Sequence)*          sequences side by side in a batch
    Sequence ::= line*                                    a line is a time-step
    line     ::= number (blank or comma number)*          # begins a comment

Nothing that could run code is read (no pickles), and a file is written as a whole or not at all.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..files import write_whole
from ..runtime.arrays import Array

Arrays = Mapping[str, Array]

STDIO = "-"
DIGITS = {4: 9, 8: 17}  # significant digits that give a float of so many bytes back exactly


# --- reading -----------------------------------------------------------------------------------


def read(path: str) -> Array | dict[str, Array]:
    """What a file holds: one array, or several by name. ``-`` is text on standard input.

    Raises OSError, or ValueError that says what is wrong with the file.
    """
    reader = READERS.get(Path(path).suffix.lower(), _read_text)
    try:
        found: Array | dict[str, Array] = reader(path)
        return found
    except (ValueError, EOFError, BadZipFile) as error:
        source = "standard input" if path == STDIO else f"'{path}'"
        raise ValueError(f"{source}: {error}") from None


def read_named(path: str, section: str) -> dict[str, Array]:
    """Arrays by name, those under ``section/`` only where there are such."""
    found = read(path)
    if not isinstance(found, dict):
        raise ValueError(f"'{path}' holds one array without a name; give a .npz or .safetensors")
    start = f"{section}/"
    inside = {name[len(start) :]: a for name, a in found.items() if name.startswith(start)}
    return inside or found


def _read_npy(path: str) -> Array:
    with open(path, "rb") as file:
        try:
            array: Array = np.lib.format.read_array(file, allow_pickle=False)
        except ValueError as error:
            raise ValueError(f"this is no .npy file of numbers ({_reason(error)})") from None
    return array


def _reason(error: ValueError) -> str:
    """NumPy's words, without its advice to read what could run code."""
    return "it holds Python objects" if "pickle" in str(error) else str(error).split(";")[0]


def _read_npz(path: str) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _read_safetensors(path: str) -> dict[str, Array]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as stored:
            return {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    except TypeError as error:
        raise ValueError(f"it holds numbers that NumPy has not ({error}); save float32") from None


def _read_text(path: str) -> Array:
    """``[T, B, n]``, or ``[T, n]`` for a single sequence."""
    text = sys.stdin.read() if path == STDIO else Path(path).read_text(encoding="utf-8")
    sequences = [list(s) for s in _sequences(text)]
    if not sequences:
        return np.zeros((0, 1))
    lengths = {len(s) for s in sequences}
    if len(lengths) > 1:
        counts = " and ".join(str(length) for length in sorted(lengths))
        raise ValueError(
            f"sequences have {counts} lines; those of a batch are equally long "
            "(pad them, and give --lengths)"
        )
    widths = {len(line): number for s in sequences for number, line in s}
    if len(widths) > 1:
        (few, first), (many, second) = sorted(widths.items())[:2]
        raise ValueError(f"line {first} has {few} numbers and line {second} has {many}")
    array = np.stack([np.array([line for _, line in s]) for s in sequences], 1)
    return array[:, 0] if len(sequences) == 1 else array


def _sequences(text: str) -> Iterator[list[tuple[int, list[float]]]]:
    sequence: list[tuple[int, list[float]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].replace(",", " ").split()
        if words:
            sequence.append((number, [_number(word, number) for word in words]))
        elif sequence and not line.strip():
            yield sequence
            sequence = []
    if sequence:
        yield sequence


def _number(word: str, line: int) -> float:
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"line {line}: '{word}' is not a number") from None


READERS: Mapping[str, Callable[[str], Any]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
}


# --- writing -----------------------------------------------------------------------------------


def write(path: str, outputs: Arrays, others: Arrays, single: bool) -> None:
    """Write outputs, and the ``others`` (final states, traces) where the format has room for them.

    ``single``: the arrays are one sequence, ``[T, ...]`` instead of ``[T, B, ...]``. Raises
    ValueError for an unknown suffix, or several arrays for a format that holds one.
    """
    if path == STDIO:
        sys.stdout.writelines(text_of(outputs, single))
        return
    check_writable(path)
    writer = WRITERS[Path(path).suffix.lower()]
    write_whole(Path(path), writer(path, outputs, others, single))


def check_writable(path: str) -> None:
    """Raise ValueError for a file whose suffix is not one of a format for results."""
    if path != STDIO and Path(path).suffix.lower() not in WRITERS:
        raise ValueError(f"'{path}': results are written as {', '.join(WRITERS)}, or - for text")


def write_named(path: str, arrays: Mapping[str, Array]) -> None:
    """Write arrays by name as .npz or .safetensors."""
    suffix = Path(path).suffix.lower()
    if suffix == ".safetensors":
        from safetensors.numpy import save

        write_whole(Path(path), save({k: np.ascontiguousarray(v) for k, v in arrays.items()}))
        return
    if suffix != ".npz":
        raise ValueError(f"'{path}': arrays by name are written as .npz or .safetensors")
    write_whole(Path(path), _npz(arrays))


def text_of(outputs: Mapping[str, Array], single: bool) -> Iterator[str]:
    """Outputs as text, in the format that ``read`` reads."""
    for name, array in outputs.items():
        if len(outputs) > 1:
            yield f"# {name}\n"
        rows = array if single else np.swapaxes(array, 0, 1) if array.ndim > 1 else array[None]
        for i, sequence in enumerate([rows] if single else rows):
            yield "\n" if i else ""
            yield from (_line(step) for step in sequence)


def _line(step: Array) -> str:
    digits = DIGITS.get(step.dtype.itemsize, 17)
    return " ".join(f"{value:.{digits}g}" for value in np.ravel(step)) + "\n"


def _npz(arrays: Mapping[str, Array]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _write_npz(_path: str, outputs: Arrays, others: Arrays, _single: bool) -> bytes:
    return _npz({**outputs, **others})


def _write_npy(path: str, outputs: Arrays, _others: Arrays, _single: bool) -> bytes:
    if len(outputs) != 1:
        raise ValueError(f"'{path}' holds one array, not {', '.join(outputs)}: write a .npz")
    file = io.BytesIO()
    np.save(file, next(iter(outputs.values())))
    return file.getvalue()


def _write_text(_path: str, outputs: Arrays, _others: Arrays, single: bool) -> bytes:
    return "".join(text_of(outputs, single)).encode()


WRITERS: Mapping[str, Callable[[str, Arrays, Arrays, bool], bytes]] = {
    ".npz": _write_npz,
    ".npy": _write_npy,
    ".txt": _write_text,
}
