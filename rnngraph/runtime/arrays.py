"""Arrays on their way in and out: checked once per call, never copied when they already fit."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from ..backends import frame

Array = np.ndarray[Any, Any]
REAL: dict[str, np.dtype[Any]] = {"f32": np.dtype(np.float32), "f64": np.dtype(np.float64)}
BYTE = np.dtype(np.uint8)
ALIGNMENT = 64


class ArgumentError(ValueError):
    """An argument of a call that does not fit the cell; the message says what would."""


def aligned(shape: Sequence[int], dtype: np.dtype[Any], zero: bool = False) -> Array:
    """A fresh C-ordered array that starts on a cache line (so that jax can take it uncopied)."""
    count = prod(shape) * dtype.itemsize
    make = np.zeros if zero else np.empty
    raw = make(count + ALIGNMENT, BYTE)
    return np.ndarray(shape, dtype, raw, -address(raw) % ALIGNMENT)


def address(array: Array) -> int:
    """Where an array's first element is."""
    if HEADERS:
        return ctypes.c_void_p.from_address(id(array) + FIELDS).value or 0
    return int(array.__array_interface__["data"][0])


def unchanging(array: Array) -> Array:
    """A copy in memory of Python's own that nobody can write to."""
    return np.ndarray(array.shape, array.dtype, array.tobytes())


def is_unchanging(array: Array) -> bool:
    """True for what ``unchanging`` made: an array in memory that nobody can write to."""
    return isinstance(array.base, bytes)


def _headers_are_known() -> bool:
    """True where an object's ``id`` is its address, and NumPy's fields follow Python's."""
    if sys.implementation.name != "cpython":
        return False
    probe = np.empty((2, 3), np.float32)
    words = [ctypes.c_uint64.from_address(id(probe) + FIELDS + at).value
             for at in (frame.TYPE, frame.DATA, frame.AXES, frame.DESCRIPTOR)]  # fmt: skip
    told = int(probe.__array_interface__["data"][0])
    words[2] &= 0xFFFFFFFF
    return words == [id(np.ndarray), told, 2, id(probe.dtype)]


FIELDS = object.__basicsize__
HEADERS = _headers_are_known()


def fitted(value: Any, name: str, shape: Sequence[Any], dtype: np.dtype[Any]) -> Array:
    """``value`` as a C-ordered array of ``dtype``; uncopied when it is one.

    ``shape`` holds expected lengths, or a letter where any length will do ("T", "B").
    Raises ArgumentError naming the argument, the shape expected and the shape given.
    """
    if type(value) is not np.ndarray and np.ma.is_masked(value):
        raise ArgumentError(f"'{name}' has masked elements; fill them, as with .filled(0)")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ArgumentError(f"'{name}' is not an array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise ArgumentError(f"'{name}' holds {array.dtype}, expected numbers ({dtype})")
    if dtype.kind == "i" and array.dtype.kind not in "iu":
        raise ArgumentError(f"'{name}' holds {array.dtype}, expected integers")
    if array.ndim != len(shape) or any(
        isinstance(want, int) and want != have
        for want, have in zip(shape, array.shape, strict=True)
    ):
        wanted = ", ".join(str(d) for d in shape)
        raise ArgumentError(
            f"'{name}' has shape {list(array.shape)}, expected [{wanted}]"
        )
    return np.ascontiguousarray(array, dtype).reshape(array.shape)


def names_of(given: Any, what: str) -> tuple[str, ...]:
    """Several names. Raises ArgumentError for a text, which would count as its letters."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ArgumentError(f"give {what} as a list of names, not {given!r}")
    return tuple(dict.fromkeys(given))


def known(
    given: Mapping[str, Any], expected: Sequence[str], what: str, some: bool = False
) -> None:
    """Refuse names that are not among ``expected``, and missing ones unless ``some`` will do."""
    if not isinstance(given, Mapping):
        raise ArgumentError(f"give {what}s as a dict by name, not {type(given).__name__}")
    unknown = [name for name in given if name not in expected]
    if unknown:
        raise ArgumentError(
            f"unknown {what} '{unknown[0]}'; this cell has {', '.join(expected) or 'none'}"
        )
    missing = [name for name in expected if name not in given]
    if missing and not some:
        raise ArgumentError(f"missing {what} '{missing[0]}'")
