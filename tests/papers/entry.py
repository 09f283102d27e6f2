"""What the table of transcriptions says of a cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Departure:
    """In what a cell is not as its paper has it, and the transcription's choice for the paper's."""

    reason: str
    given: dict[str, object]


@dataclass(frozen=True)
class Entry:
    """``inputs`` and ``states`` are ours in the order of the paper's; among the inputs are contexts
    and noises. ``given`` holds what the paper has and we have not as a parameter. ``means`` are
    those of noises. ``positive`` and ``binary`` name what the paper wants so. A transcription with
    complex numbers of its own is differentiated by ``differences``. Where a cell ``departs`` from
    its paper, the transcription is told to depart likewise, and a test that does not fails.
    """

    step: Callable
    params: dict[str, str]
    states: tuple[str, ...] = ("h",)
    inputs: tuple[str, ...] = ("x",)
    consts: dict[str, float] = field(default_factory=dict)
    given: dict[str, object] = field(default_factory=dict)
    means: dict[str, float] = field(default_factory=dict)
    positive: tuple[str, ...] = ()
    binary: tuple[str, ...] = ()
    differences: bool = False
    departs: Departure | None = None


def gates(names: str, **kinds: str) -> dict[str, str]:
    """``gates("z=g i", W="W_{}")``: W_z is our W_g, and W_i is our W_i."""
    pairs = [pair.split("=") for pair in names.split()]
    return {
        f"{kind}_{pair[0]}": text.format(pair[-1]) for kind, text in kinds.items() for pair in pairs
    }


def same(names: str) -> dict[str, str]:
    """Parameters of the same name."""
    return {name: name for name in names.split()}
