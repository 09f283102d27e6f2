"""A comparison as text in two columns: marked, so that colour helps but is not needed."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby, zip_longest

from .figures import Figures
from .rows import CHANGED, SAME, Row

GAP = 3  # columns for the mark
SMALLEST = 24  # columns of a side
LEGEND = "= the same   ~ differs   < in the left cell alone   > in the right cell alone"
# (text, whether it differs) -> text as it is shown
Paint = Callable[[str, bool], str]
Flags = Sequence[bool]  # for every character, whether it differs


def plain(text: str, _differs: bool) -> str:
    """No colours."""
    return text


def lines(
    titles: tuple[str, str],
    rows: Sequence[Row],
    costs: tuple[Figures, Figures],
    columns: int,
    paint: Paint = plain,
) -> Iterator[str]:
    """The comparison, in so many columns."""
    width = max((columns - GAP) // 2, SMALLEST)
    yield f"{titles[0]:<{width}}   {titles[1]}".rstrip()
    for section, members in groupby(rows, key=lambda row: row.section):
        yield ""
        yield section
        for row in members:
            yield from _row(row, width, paint)
    yield ""
    yield from _summary(titles, costs)
    yield ""
    yield LEGEND


def _row(row: Row, width: int, paint: Paint) -> Iterator[str]:
    texts = tuple("" if said is None else said.text for said in (row.left, row.right))
    left, right = (
        _wrapped(text, flags, width, paint)
        for text, flags in zip(texts, _changes(row.mark, *texts), strict=True)
    )
    marks = [row.mark] + [" "] * max(len(left), len(right))
    for (a, pad), (b, _), mark in zip_longest(left, right, marks, fillvalue=("", 0)):
        if a or b:
            yield f"{a}{' ' * (pad if a else width)} {mark} {b}".rstrip()


def _wrapped(text: str, flags: Flags, width: int, paint: Paint) -> list[tuple[str, int]]:
    """Painted lines, each with the blanks that fill it up."""
    made: list[tuple[str, int]] = []
    start = 0
    for line in textwrap.wrap(text, width, subsequent_indent="    ", drop_whitespace=True) or [""]:
        core = line.lstrip(" ") if made else line
        start = text.index(core, start)
        runs = groupby(zip(core, flags[start : start + len(core)], strict=True), key=lambda p: p[1])
        painted = "".join(paint("".join(c for c, _ in run), differs) for differs, run in runs)
        made.append((" " * (len(line) - len(core)) + painted, width - len(line)))
        start += len(core)
    return made


def _changes(mark: str, left: str, right: str) -> tuple[Flags, Flags]:
    """Which characters differ, word by word."""
    if mark != CHANGED:
        return [mark != SAME] * len(left), [mark != SAME] * len(right)
    a, b = (re.findall(r"[^\W]+'?|\s+|.", text) for text in (left, right))
    same_left, same_right = set(), set()
    for block in SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks():
        same_left |= set(range(block.a, block.a + block.size))
        same_right |= set(range(block.b, block.b + block.size))
    return _flags(a, same_left), _flags(b, same_right)


def _flags(words: Sequence[str], same: set[int]) -> Flags:
    return [i not in same for i, word in enumerate(words) for _ in word]


def _summary(titles: tuple[str, str], costs: tuple[Figures, Figures]) -> Iterator[str]:
    table = [
        ("", *titles),
        ("sizes", *(", ".join(f"{k} = {v}" for k, v in c.sizes.items()) or "none" for c in costs)),
        ("parameters", *(f"{c.parameters:,}" for c in costs)),
        ("numbers carried", *(f"{c.carried:,}" for c in costs)),
        ("operations of products", *(f"{c.products:,}" for c in costs)),
        ("elementwise results", *(f"{c.elements:,}" for c in costs)),
        ("stages: products in turn", *(str(c.depth) for c in costs)),
    ]
    first, second, third = (max(len(row[i]) for row in table) for i in range(3))
    yield "a step of one row"
    for name, a, b in table:
        yield f"  {name:<{first}}  {a:>{second}}  {b:>{third}}".rstrip()
