"""The layout language: which arrays of another package each parameter of ours is made of.

    Params ::= { our parameter: Sum }
    Sum    ::= Joined ("+" Joined)*                   added: two biases are one
    Joined ::= Block ("|" Block)*                     side by side: [h, x] has one matrix
    Block  ::= name ["[" number "]"] [":" state]      an array, or that one of its stacked gates;
                                                      its last axis is as long as the state
    Fixed  ::= { Block: "zero" | "identity" | "const" NAME }      what ours has no parameter for

``:state`` stands where shapes of ours alone do not tell a width: at all blocks that are joined but
the last. A layout is linear. ``gathered`` applies it, ``transposed`` takes gradients back, and
``scattered`` is an inverse on the right: gathering what it made gives the same bits again. For
that the first summand takes all of a sum and the others -0.0, the one number that added to any
other changes no bit of it (+0.0 would make -0.0 positive).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, reduce
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]
Widths = Mapping[str, int]
Fill = Callable[[str, tuple[int, ...]], Array]

BLOCK = re.compile(r"\s*(\w+)(?:\[(\d+)\])?(?::(\w+))?\s*")


class LayoutError(ValueError):
    """Arrays that do not fit a layout; the message names the array, what was expected and given."""


@dataclass(frozen=True)
class Block:
    """An array of theirs, or one of its stacked gates."""

    name: str
    place: int | None = None
    width: str | None = None


@dataclass(frozen=True)
class Layout:
    """Where the parameters of ``cell`` lie in a module of another package.

    ``spelling`` says how names of a module with layers are made (see ``spelling.py``).
    ``consts`` are constants of ours, each an argument of their module, which no array tells;
    ``arguments`` must have been given to their module for it to be the same cell.
    """

    cell: str
    params: Mapping[str, str]
    fixed: Mapping[str, str] = field(default_factory=dict)
    consts: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, object] = field(default_factory=dict)
    spelling: str = "cell"

    def __post_init__(self) -> None:
        """Raises LayoutError for a text that is none, and where two parameters share a block."""
        for text in self.fixed:
            if [len(parts) for parts in parsed(text)] != [1]:
                raise LayoutError(f"'{text}' of '{self.cell}' is fixed, but is no single block")
        found = [(block.name, block.place) for block in blocks(self)]
        for k, (name, place) in enumerate(found):
            others = [other for same, other in found[:k] if same == name]
            if place in others or (others and None in (place, *others)):
                raise LayoutError(f"the array '{name}' of '{self.cell}' is used twice")
        for name, count in counts(self).items():
            missing = [k for k in range(count) if (name, k) not in found]
            if missing:
                raise LayoutError(f"nothing is made of {name}[{missing[0]}] in '{self.cell}'")


@cache
def parsed(text: str) -> tuple[tuple[Block, ...], ...]:
    """The summands of a text, each the blocks that it joins. Raises LayoutError."""
    return tuple(tuple(_block(part) for part in summand.split("|")) for summand in text.split("+"))


def _block(text: str) -> Block:
    match = BLOCK.fullmatch(text)
    if not match:
        raise LayoutError(f"'{text.strip()}' is no block such as weight_ih[0] or weight_hh[0]:h")
    name, place, width = match.groups()
    return Block(name, None if place is None else int(place), width)


def blocks(layout: Layout) -> Iterator[Block]:
    """All blocks of a layout, those that are fixed too."""
    for text in (*layout.params.values(), *layout.fixed):
        for parts in parsed(text):
            yield from parts


def counts(layout: Layout) -> dict[str, int]:
    """How many gates are stacked in each array that has any."""
    places = [(block.name, block.place) for block in blocks(layout) if block.place is not None]
    return {name: 1 + max(k for other, k in places if other == name) for name, _ in places}


# --- ours from theirs --------------------------------------------------------------------------


def gathered(layout: Layout, theirs: Arrays, only: Iterable[str] | None = None) -> dict[str, Array]:
    """Our parameters, made of theirs; ``only`` names some of them. Raises LayoutError for an
    array that is missing or that cannot be cut into its gates or joined."""
    stacked = counts(layout)

    def summand(parts: tuple[Block, ...]) -> Array:
        pieces = [window(theirs, part, stacked) for part in parts]
        if len(pieces) == 1:
            return pieces[0]
        if len({piece.shape[:-1] for piece in pieces}) > 1 or not pieces[0].ndim:
            shown = " and ".join(f"{p.name} {list(theirs[p.name].shape)}" for p in parts)
            raise LayoutError(f"{shown} cannot be joined: they have not as many rows")
        return np.concatenate(pieces, axis=-1)

    return {
        name: reduce(_added, (summand(parts) for parts in parsed(text)))
        for name, text in layout.params.items()
        if only is None or name in only
    }


def _added(first: Array, second: Array) -> Array:
    if first.shape != second.shape:
        shapes = f"{list(first.shape)} and {list(second.shape)}"
        raise LayoutError(f"two arrays that are added have shapes {shapes}")
    return np.asarray(first + second)


def window(theirs: Arrays, block: Block, stacked: Mapping[str, int]) -> Array:
    """The part of their array that a block names, not copied."""
    if block.name not in theirs:
        raise LayoutError(f"missing array '{block.name}'; there are {', '.join(theirs) or 'none'}")
    array = theirs[block.name]
    if block.place is None:
        return array
    count = stacked[block.name]
    if not array.ndim or len(array) % count:
        raise LayoutError(
            f"'{block.name}' has shape {list(array.shape)}, expected {count} equal parts"
        )
    height = len(array) // count
    return array[block.place * height : (block.place + 1) * height]


# --- theirs from ours --------------------------------------------------------------------------


def scattered(
    layout: Layout, ours: Arrays, widths: Widths, consts: Mapping[str, float]
) -> dict[str, Array]:
    """Arrays of theirs that gather to the same bits again. ``widths`` are those of our states."""
    return _assembled(layout, ours, widths, _rest, lambda text, shape: fixed(text, shape, consts))


def _rest(piece: Array, summand: int) -> Array:
    return piece if summand == 0 else np.full_like(piece, -0.0)


def transposed(layout: Layout, gradients: Arrays, widths: Widths) -> dict[str, Array]:
    """Gradients of theirs from those of ours; NaN for what is fixed."""
    return _assembled(layout, gradients, widths, lambda piece, _: piece,
                      lambda _, shape: np.full(shape, np.nan))  # fmt: skip


def fixed(text: str, shape: tuple[int, ...], consts: Mapping[str, float]) -> Array:
    """The value of a block that is fixed. Raises LayoutError for a constant that is not given."""
    kind, _, name = text.partition(" ")
    if kind == "zero":
        return np.zeros(shape)
    if kind == "identity":
        return np.asarray(np.eye(shape[0], shape[-1]))
    if name not in consts:
        raise LayoutError(f"the layout needs the constant {name}: give consts={{'{name}': ...}}")
    return np.full(shape, consts[name])


def _assembled(
    layout: Layout, ours: Arrays, widths: Widths, part: Callable[[Array, int], Array], fill: Fill
) -> dict[str, Array]:
    made: dict[str, dict[int | None, Array]] = {}
    for name, text in layout.params.items():
        for number, parts in enumerate(parsed(text)):
            for block, piece in zip(parts, _cut(ours[name], parts, widths), strict=True):
                made.setdefault(block.name, {})[block.place] = part(piece, number)
    for text, value in layout.fixed.items():
        ((block,),) = parsed(text)
        beside = made.setdefault(block.name, {})
        beside[block.place] = fill(value, _shape(block, beside, widths)).astype(_real(ours))
    return {name: _stacked(pieces) for name, pieces in made.items()}


def _cut(whole: Array, parts: tuple[Block, ...], widths: Widths) -> list[Array]:
    if len(parts) == 1:
        return [whole]
    ends = np.cumsum([_width(part, widths) for part in parts[:-1]])
    return np.split(whole, ends, axis=-1)


def _width(block: Block, widths: Widths) -> int:
    if block.width is None or block.width not in widths:
        states = ", ".join(widths) or "none"
        raise LayoutError(f"the width of '{block.name}' must be said by a state: {states}")
    return widths[block.width]


def _shape(block: Block, beside: Mapping[int | None, Array], widths: Widths) -> tuple[int, ...]:
    if beside:
        return tuple(next(iter(beside.values())).shape)
    return (_width(block, widths),) if block.width else ()


def _real(ours: Arrays) -> np.dtype[Any]:
    return np.result_type(*ours.values())


def _stacked(pieces: Mapping[int | None, Array]) -> Array:
    if None in pieces:
        return np.array(pieces[None], order="C")
    ordered = [np.atleast_1d(pieces[place]) for place in sorted(pieces, key=lambda k: k or 0)]
    return np.concatenate(ordered)
