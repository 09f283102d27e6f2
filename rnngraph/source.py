"""Cell texts, places in them, and reports about them.

    Source     ::= name, text
    Span       ::= start, end                       offsets into the text, end excluded
    Diagnostic ::= severity, message, span, labels  (span, text), notes (text, span | None)
    CellError  ::= Source, Diagnostic+

A report shows the guilty characters, not just their line, so columns are counted as a terminal
draws them: tabs are expanded, combining marks take no room and wide characters two places.
Imports nothing of the project.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

__all__ = ["CellError", "Diagnostic", "Note", "Source", "Span"]

MAX_REPORTS = 50  # a file of noise is not answered by a megabyte of reports
LINE_WIDTH = 110  # longer source lines are shown in part
TAB = 4


class Span(NamedTuple):
    """The characters ``start <= i < end`` of a source text."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of the other."""
        return Span(min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True)
class Source:
    """The text of a cell and the name (usually a path) it is known by."""

    text: str
    name: str = "<cell>"

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(i + 1 for i, char in enumerate(self.text) if char == "\n")]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1, the column in characters."""
        row = bisect_right(self._starts, offset) - 1
        return row + 1, offset - self._starts[row] + 1

    def line(self, number: int) -> str:
        """The text of a line (from 1), without its line end."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def where(self, span: Span) -> str:
        """``name:line:column`` of the start of a span."""
        line, column = self.position(min(span.start, len(self.text)))
        return f"{self.name}:{line}:{column}"


Note = tuple[str, "Span | None"]


@dataclass(frozen=True)
class Diagnostic:
    """One report: what is wrong, where, and what to do about it.

    The label whose span equals ``span`` is drawn with carets, the others with dashes.
    """

    message: str
    span: Span
    labels: tuple[tuple[Span, str], ...] = ()
    notes: tuple[Note, ...] = ()
    severity: str = "error"

    def render(self, source: Source) -> str:
        """The report as text, with the source lines it speaks of."""
        return "\n".join(_render(self, source))


class CellError(ValueError):
    """All mistakes found in one cell; ``str()`` gives every report, ``diagnostics`` the data."""

    def __init__(self, source: Source, diagnostics: Iterable[Diagnostic]) -> None:
        ordered = sorted(diagnostics, key=lambda d: d.span)
        self.source = source
        self.diagnostics: tuple[Diagnostic, ...] = tuple(ordered)
        super().__init__(source, self.diagnostics)

    def __str__(self) -> str:
        shown = [d.render(self.source) for d in self.diagnostics[:MAX_REPORTS]]
        hidden = len(self.diagnostics) - len(shown)
        if hidden:
            shown.append(f"... and {hidden} more errors")
        return "\n\n".join(shown)


# --- rendering -----------------------------------------------------------------------------


def _render(report: Diagnostic, source: Source) -> list[str]:
    labels = [(span, text, span == report.span) for span, text in report.labels]
    if not any(primary for _, _, primary in labels):
        labels.append((report.span, "", True))
    marks: dict[int, list[tuple[Span, str, bool]]] = {}
    for mark in labels:
        marks.setdefault(source.position(mark[0].start)[0], []).append(mark)
    margin = max(2, len(str(max(marks))))
    arrow = " " * margin + "-->"
    out = [f"{report.severity}: {report.message}", f"{arrow} {source.where(report.span)}"]
    out.append(" " * (margin + 1) + "|")
    previous = None
    for number in sorted(marks):
        if previous is not None and number > previous + 1:
            out.append("...")
        out += _render_line(source, number, marks[number], margin)
        previous = number
    for text, span in report.notes:
        out.append(f"note: {text}")
        if span is not None:
            out.append(f"{arrow} {source.where(span)}")
    return out


def _render_line(
    source: Source, number: int, marks: Sequence[tuple[Span, str, bool]], margin: int
) -> list[str]:
    start = source._starts[number - 1]
    line = source.line(number)
    spans = [_within(span, start, len(line)) for span, _, _ in marks]
    text, columns = _drawn(line, min(a for a, _ in spans), max(b for _, b in spans))
    places = [(columns[a], max(columns[b], columns[a] + 1)) for a, b in spans]
    rows = _underlines(places, [text for _, text, _ in marks], [p for _, _, p in marks])
    return [f"{number:>{margin}} | {text}", *(f"{'':>{margin}} | {row}".rstrip() for row in rows)]


def _within(span: Span, start: int, length: int) -> tuple[int, int]:
    a = min(max(span.start - start, 0), length)
    return a, min(max(span.end - start, a), length)


def _drawn(line: str, first: int, last: int) -> tuple[str, list[int]]:
    """The line as it is printed, and the column of every offset in it."""
    low, high = _window(len(line), first, last)
    shown = ["…"] if low else []
    columns = [0] * low
    width = len(shown)
    for char in line[low:high]:
        columns.append(width)
        text = _visible(char, width)
        shown.append(text)
        width += _width(text)
    if high < len(line):
        shown.append("…")
    columns += [width] * (len(line) + 1 - high)
    return "".join(shown), columns


def _window(length: int, first: int, last: int) -> tuple[int, int]:
    if length <= LINE_WIDTH:
        return 0, length
    low = max(0, min(first - 20, length - LINE_WIDTH))
    if last <= LINE_WIDTH:
        low = 0
    return low, min(length, low + LINE_WIDTH)


def _visible(char: str, column: int) -> str:
    if char == "\t":
        return " " * (TAB - column % TAB)
    hidden = unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "�" if hidden else char


def _width(text: str) -> int:
    if len(text) != 1:
        return len(text)
    if unicodedata.category(text) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(text) in "WF" else 1


def _underlines(
    places: Sequence[tuple[int, int]], texts: Sequence[str], primary: Sequence[bool]
) -> list[str]:
    """The rows below a source line: underlines with the last label, then one row per label."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    row: list[str] = []
    for i in sorted(order, key=lambda i: primary[i]):  # carets are drawn over dashes
        a, b = places[i]
        row += [" "] * (b - len(row))
        row[a:b] = ("^" if primary[i] else "-") * (b - a)
    hanging = [i for i in order[:-1] if texts[i]]
    last = order[-1]
    clear = all(places[i][1] <= places[last][0] for i in order[:-1])
    if texts[last] and not clear:
        hanging.append(last)
    rows = ["".join(row) + (" " + texts[last] if clear and texts[last] else "")]
    if hanging:
        rows.append(_bars(places, hanging))
    while hanging:
        i = hanging.pop()
        rows.append(_bars(places, hanging).ljust(places[i][0]) + texts[i])
    return [text.rstrip() for text in rows]


def _bars(places: Sequence[tuple[int, int]], which: Sequence[int]) -> str:
    row: list[str] = []
    for i in which:
        column = places[i][0]
        row += [" "] * (column + 1 - len(row))
        row[column] = "|"
    return "".join(row)
