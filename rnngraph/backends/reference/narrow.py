"""What narrow formats mean, in NumPy (their definition: ``schedule.formats``).

Words are made and read bit by bit, as a backend makes and reads them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...schedule.formats import CODES, SMALLEST, ZERO

Array = np.ndarray[Any, Any]


def narrow(values: Array, format: str) -> tuple[Array, Array]:
    """``(words [..., W], scale [...])`` of operands ``[..., K]``."""
    if format == "bf16":
        return _words(_to_bf16(values), 2), np.ones_like(values[..., 0])
    codes, scale = _coded(values)
    return _words((codes + ZERO).astype(np.uint8), 4), scale


def widened(words: Array, format: str, depth: int) -> Array:
    """The elements ``[..., K]`` of an operand's words; signed codes for formats with a scale."""
    parts = np.ascontiguousarray(words).view(np.uint16 if format == "bf16" else np.uint8)
    found = parts[..., :depth]
    return _from_bf16(found) if format == "bf16" else found.astype(np.int64) - ZERO


def rounded(weights: Array, format: str) -> tuple[Array, Array]:
    """``(elements [..., N, K], scale [..., N])`` of weights."""
    if format == "bf16":
        return _from_bf16(_to_bf16(weights)), np.ones_like(weights[..., 0])
    return _coded(weights)


def chain(depth: int) -> list[int]:
    """The order in which products in bf16 are added: the second of a pair first."""
    return [k ^ 1 for k in range(depth + depth % 2) if k ^ 1 < depth]


def _to_bf16(values: Array) -> Array:
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    near = (bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(values), np.uint32(0x7FC0), near).astype(np.uint16)


def _from_bf16(parts: Array) -> Array:
    return (parts.astype(np.uint32) << 16).view(np.float32)


def _coded(values: Array) -> tuple[Array, Array]:
    """``(codes, scale)``, the last axis sharing a scale."""
    largest = np.abs(values).max(-1)
    inverse = np.where(largest > SMALLEST, CODES / np.maximum(largest, SMALLEST), 0)
    scale = largest * values.dtype.type(1 / CODES)
    codes = np.rint(values * inverse.astype(values.dtype)[..., None])
    return np.where(np.isfinite(codes), codes, 0).astype(np.int64), scale


def _words(parts: Array, per_word: int) -> Array:
    fill = -parts.shape[-1] % per_word
    padded = np.pad(parts, [(0, 0)] * (parts.ndim - 1) + [(0, fill)])
    return np.ascontiguousarray(padded).view(np.uint32)
