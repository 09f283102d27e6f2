"""What calls give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .arrays import Array


@dataclass(frozen=True)
class Gradients:
    """Gradients by name: of parameters, inputs ``[T, B, *shape]``, contexts and initial states
    ``[B, *shape]``."""

    params: dict[str, Array]
    inputs: dict[str, Array]
    contexts: dict[str, Array]
    state: dict[str, Array]


def single(results: dict[str, Array], alone: bool) -> Any:
    """The only result itself, several as they are."""
    return next(iter(results.values())) if alone and len(results) == 1 else results


def marked(mark: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays by the names of their (co)tangents."""
    return {f"{mark}({name})": array for name, array in arrays.items()}


def frozen(array: Array) -> Array:
    """A read-only window: a pullback still needs the numbers."""
    window = array.view()
    window.setflags(write=False)
    return window
