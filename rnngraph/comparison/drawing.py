"""Both gate diagrams in one drawing: what differs in colour, what is common muted.

Each cell's boxes stand in a frame of their own; the colours are those of ``_kinds``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..diagram import KINDS, Diagram, Paint, Theme
from ..diagram.gates import gates_picture
from ..diagram.picture import Arrow, Box, Picture
from ..diagram.typeset import Run, plain
from ..graph import Graph
from .rows import CHANGED, LEFT, RIGHT, SAME, Row

MUTED = "#9A9A9A"  # ink of what is common


def drawn(left: Graph, right: Graph, rows: Sequence[Row], titles: tuple[str, str]) -> Diagram:
    """The drawing of two cells whose rows are given."""
    if titles[0] == titles[1]:
        titles = f"{titles[0]}, the first", f"{titles[1]}, the second"
    theme = Theme(kinds={**KINDS, **_kinds(titles)}, edge="#A0A0A0", delay="#9CBAD3")
    pictures = [gates_picture(graph, {}, theme) for graph in (left, right)]
    marks = _marks(rows, pictures)
    whole = Picture(f"{titles[0]} and {titles[1]}", _counted(rows), "")
    for side, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        _add(whole, picture, f"{side}. ", title, marks[side])
    return Diagram(whole, theme)


def _kinds(titles: tuple[str, str]) -> dict[str, Paint]:
    """How boxes look, by how they compare."""
    return {
        SAME: Paint("#C4C4C4", "#FAFAFA", "the same in both", 0.9),
        CHANGED: Paint("#C98A00", "#FDF1D6", "differs", 1.8),
        LEFT: Paint("#D55E00", "#FCEADF", f"in {titles[0]} alone", 1.8),
        RIGHT: Paint("#0072B2", "#DCEBF6", f"in {titles[1]} alone", 1.8),
    }


def _marks(rows: Iterable[Row], pictures: Sequence[Picture]) -> list[dict[str, str]]:
    """How every box compares, by its key: as its row does, else by what stands in it."""
    found: list[dict[str, str]] = [{}, {}]
    for row in rows:
        for side, said in enumerate((row.left, row.right)):
            if said is not None and said.section in ("inputs", "states", "equations"):
                for name in said.key.split(", "):
                    found[side][name] = row.mark
    for side, (own, other) in enumerate((pictures, pictures[::-1])):
        for key, box in own.boxes.items():
            alone = (LEFT, RIGHT)[side]
            found[side].setdefault(key, _compared(box, other.boxes.get(key), alone))
    return found


def _compared(box: Box, other: Box | None, alone: str) -> str:
    if other is None:
        return alone
    same = (plain(box.equation), box.shape) == (plain(other.equation), other.shape)
    return SAME if same else CHANGED


def _add(whole: Picture, part: Picture, prefix: str, title: str, marks: Mapping[str, str]) -> None:
    for key, box in part.boxes.items():
        mark = marks[key]
        name = _muted(box.name) if mark == SAME else box.name
        equation = _muted(box.equation) if mark == SAME else box.equation
        whole.boxes[prefix + key] = replace(
            box, key=prefix + key, kind=mark, name=name, equation=equation, group=title
        )
    whole.arrows += [Arrow(prefix + a.tail, prefix + a.head, a.kind, a.note) for a in part.arrows]
    whole.befores += [prefix + key for key in part.befores]
    whole.nexts += [prefix + key for key in part.nexts]


def _muted(runs: Iterable[Run]) -> list[Run]:
    return [replace(run, colour=MUTED) for run in runs]


def _counted(rows: Sequence[Row]) -> str:
    """How much is the same, in words."""
    told = []
    for section in ("parameters", "equations"):
        of = [row.mark for row in rows if row.section == section]
        told.append(f"{of.count(SAME)} of {len(of)} {section} are the same")
    return "; ".join(told) + "."
