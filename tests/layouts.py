"""Weights of another package as ours, by data: which of its arrays each of ours is made of.

    Layout ::= { our parameter: Sum }
    Sum    ::= Joined ("+" Joined)*      added: two biases are one
    Joined ::= Block ("|" Block)*        side by side: [h, x] has one matrix
    Block  ::= name ["[" number "]"]     an array, or that one of its stacked gates

A layout is linear, so gradients go back by its transpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]
BLOCK = re.compile(r"(\w+)(?:\[(\d+)\])?")


def block(arrays: Arrays, text: str, width: int) -> np.ndarray:
    """A window on an array: the gate's rows of ``width``, or all of it."""
    match = BLOCK.fullmatch(text.strip())
    assert match, f"'{text}' is no block"
    name, place = match.groups()
    if place is None:
        return arrays[name]
    assert (int(place) + 1) * width <= len(arrays[name]), f"{text} lies outside {name}"
    return arrays[name][int(place) * width : (int(place) + 1) * width]


def _joined(text: str) -> list[list[str]]:
    return [summand.split("|") for summand in text.split("+")]


def gathered(layout: Mapping[str, str], theirs: Arrays, width: int) -> dict[str, np.ndarray]:
    """Our parameters, made of theirs."""
    return {
        name: sum(
            np.concatenate([block(theirs, part, width) for part in parts], axis=-1)
            for parts in _joined(text)
        )
        for name, text in layout.items()
    }


def scattered(
    layout: Mapping[str, str], ours: Arrays, shaped: Arrays, width: int
) -> dict[str, np.ndarray]:
    """The gradients of theirs, from those of ours; NaN where no parameter of ours has a part."""
    made = {name: np.full(array.shape, np.nan) for name, array in shaped.items()}
    for name, text in layout.items():
        for target, piece in _pieces(text, ours[name], made, width):
            target[...] = np.where(np.isnan(target), 0, target) + piece.reshape(target.shape)
    return made


def _pieces(
    text: str, whole: np.ndarray, arrays: Arrays, width: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for parts in _joined(text):
        targets = [block(arrays, part, width) for part in parts]
        places = np.cumsum([target.shape[-1] for target in targets])[:-1] if whole.ndim else []
        yield from zip(targets, np.split(whole, places, axis=-1) if whole.ndim else [whole],
                       strict=True)  # fmt: skip
