"""The picture of the demo: every named value of one unit, word by word, two sentences side by side.

A column is a sentence in two versions that differ in the number of their subject; a row is a named
value. The module draws numbers that it is given and knows neither the model nor the language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..inspect.figures import BLUE, FAINT, INK, ORANGE, SOFT
from ..train.loop import Array

BAND = "#F3EFE4"
STYLES: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "marker": "o", "linestyle": "-", "markersize": 5.2},
    {"color": ORANGE, "marker": "D", "linestyle": (0, (4, 2)), "markersize": 4.4,
     "markerfacecolor": "white", "markeredgewidth": 1.3},
)
ROW_INCHES, LABEL_INCHES, FOOT_INCHES, RIGHT_INCHES, GAP_INCHES = 0.85, 1.75, 0.62, 0.15, 0.35
LINE_INCHES = 0.21
TITLE, TEXT, SMALL = 15, 11, 9  # points
WORD_ROOM, WORD_LEAST = 0.14, 0.32  # inches beside a word, and for the shortest
LABEL_ROOM = 1.4  # inches


@dataclass(frozen=True)
class Column:
    """A sentence: its words in both versions, and the position of its verb."""

    words: tuple[tuple[str, ...], tuple[str, ...]]
    verb: int

    @cached_property
    def edges(self) -> Array:
        """Where words begin, in inches, and where the last one ends: float [words + 1]."""
        widths = [max(_inches(word, TEXT, at == self.verb) for word in both) + WORD_ROOM
                  for at, both in enumerate(zip(*self.words, strict=True))]
        return np.concatenate([[0.0], np.cumsum(np.maximum(widths, WORD_LEAST))])

    @property
    def centres(self) -> Array:
        """The middle of each word, in inches: float [words]."""
        return (self.edges[1:] + self.edges[:-1]) / 2


@dataclass(frozen=True)
class Row:
    """A named value: for each column an array [2, words], and the range if it has a known one."""

    name: str
    label: str
    values: tuple[Array, ...]
    range: tuple[float, float] | None = None
    ends: tuple[str, str] | None = None  # words in place of the numbers at the ends of the axis
    decides: bool = False  # mark where the form of the verb is chosen
    state: str = ""  # the state whose next value this is

    @property
    def limits(self) -> tuple[float, float]:
        """The same for all columns, so that heights can be compared across."""
        low, high = self.range or _extent(self.values)
        room = 0.08 * (high - low)
        return low - room, high + room


def draw(title: str, subtitle: str, columns: Sequence[Column], rows: Sequence[Row],
         versions: tuple[str, str]) -> Any:
    """The matplotlib figure; `versions` names the two lines, for the legend."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    widths = [float(column.edges[-1]) for column in columns]
    width = LABEL_INCHES + sum(widths) + GAP_INCHES * (len(columns) - 1) + RIGHT_INCHES
    text = _wrapped(subtitle, width - 0.3)
    head = 1.35 + LINE_INCHES * len(text)
    height = head + ROW_INCHES * len(rows) + FOOT_INCHES
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(rows), len(columns), width_ratios=widths, hspace=0.2,
        wspace=GAP_INCHES * len(columns) / sum(widths),
        left=LABEL_INCHES / width, right=1 - RIGHT_INCHES / width,
        top=1 - head / height, bottom=FOOT_INCHES / height)
    axes = [[figure.add_subplot(grid[r, c]) for c in range(len(columns))]
            for r in range(len(rows))]
    for r, row in enumerate(rows):
        for c, column in enumerate(columns):
            _draw_cell(axes[r][c], row, column, row.values[c], first=c == 0)
    for c, column in enumerate(columns):
        _words(axes[0][c], column, above=True)
        _words(axes[-1][c], column, above=False)
    _heading(figure, title, text, versions, head)
    return figure


def save(figure: Any, stem: Path) -> tuple[Path, Path]:
    """Write stem.png and stem.svg; the same figure gives the same bytes."""
    from matplotlib import rc_context

    png, svg = stem.with_suffix(".png"), stem.with_suffix(".svg")
    figure.savefig(png, dpi=160)
    with rc_context({"svg.hashsalt": "rnngraph"}):
        figure.savefig(svg, metadata={"Date": None})
    return png, svg


def _draw_cell(axis: Any, row: Row, column: Column, values: Array, first: bool) -> None:
    low, high = row.limits
    edges, centres, verb = column.edges, column.centres, column.verb
    axis.set(xlim=(0, edges[-1]), ylim=(low, high))
    axis.axvspan(edges[verb], edges[verb + 1], color=BAND, linewidth=0, zorder=0)
    for height in _ticks(row):
        axis.axhline(height, color=FAINT, linewidth=0.8, zorder=1)
    for line, style in zip(values, STYLES, strict=True):
        axis.plot(centres, line, linewidth=1.5, zorder=3, clip_on=False, **style)
    if row.decides and verb > 0:
        axis.annotate("", (centres[verb - 1], values[0, verb - 1]),
                      (centres[verb - 1], values[1, verb - 1]), zorder=2,
                      arrowprops={"arrowstyle": "<->", "color": SOFT, "shrinkA": 4, "shrinkB": 4})
    _frame(axis)
    if first:
        _row_label(axis, row)
    else:
        axis.set_yticks([])


def _row_label(axis: Any, row: Row) -> None:
    ticks = _ticks(row)
    axis.set_yticks(ticks, labels=row.ends or [f"{tick:g}".replace("-", "\u2212")
                                               for tick in ticks])
    axis.tick_params(axis="y", length=0, labelsize=SMALL, labelcolor=SOFT, pad=4)
    lines = [(line, {"color": INK, "fontsize": TEXT}) for line in _wrapped(row.label, LABEL_ROOM)]
    if len(lines) > 2:
        lines = [lines[0], (f"{lines[1][0]} …", lines[1][1])]
    if row.name:
        lines.append((row.name, {"color": SOFT, "fontsize": SMALL, "family": "monospace"}))
    for at, (line, style) in enumerate(lines):
        _beside(axis, -LABEL_INCHES + 0.15, 0.17 * ((len(lines) - 1) / 2 - at), line, **style)


def _beside(axis: Any, x: float, y: float, text: str, **style: Any) -> None:
    """Text left of a panel, `x` and `y` in inches from the middle of its left edge."""
    axis.annotate(text, (0, 0.5), (x * 72, y * 72), xycoords="axes fraction",
                  textcoords="offset points", va="center", ha="left", annotation_clip=False,
                  **style)


def _frame(axis: Any) -> None:
    axis.set_xticks([])
    axis.set_facecolor("none")
    for side, spine in axis.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set(color="#BBBBBB", linewidth=0.8)


def _words(axis: Any, column: Column, above: bool) -> None:
    """The words of both versions; where they differ, one above the other in their colours."""
    base, sign = (1.0, 1) if above else (0.0, -1)
    place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": "center",
             "va": "bottom" if above else "top", "annotation_clip": False}
    for at, (one, other) in enumerate(zip(*column.words, strict=True)):
        weight = "bold" if at == column.verb else "normal"
        lines = [(one, INK)] if one == other else [(one, BLUE), (other, ORANGE)]
        for line, (word, color) in enumerate(lines[::-1] if above else lines):
            axis.annotate(word, (column.centres[at], base), (0, sign * (7 + 14 * line)),
                          fontsize=TEXT, color=color, fontweight=weight, **place)
    if above:
        axis.annotate("verb", (column.centres[column.verb], base), (0, 37), fontsize=SMALL,
                      color=SOFT, style="italic", **place)


def _heading(figure: Any, title: str, text: Sequence[str], versions: tuple[str, str], head: float
             ) -> None:
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()
    left = 0.15 / width
    figure.text(left, 1 - 0.15 / height, title, fontsize=TITLE, fontweight="bold", color=INK,
                va="top")
    for at, line in enumerate(text):
        figure.text(left, 1 - (0.5 + LINE_INCHES * at) / height, line, fontsize=TEXT, color=SOFT,
                    va="top")
    handles = [Line2D([], [], linewidth=1.5, **style) for style in STYLES]
    figure.legend(handles, versions, loc="upper left", frameon=False, fontsize=TEXT,
                  bbox_to_anchor=(left, 1 - (head - 0.6) / height), handlelength=2.6,
                  labelcolor=[BLUE, ORANGE], borderpad=0, borderaxespad=0)


def _wrapped(text: str, width: float) -> list[str]:
    """The text in lines of at most so many inches, broken at spaces and where it breaks itself."""
    lines = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and _inches(longer, TEXT) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


@cache
def _inches(text: str, points: float, bold: bool = False) -> float:
    """How wide the text will be."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(weight="bold" if bold else "normal")
    across = TextPath((0, 0), text, size=points, prop=font).vertices[:, 0]
    return float(np.ptp(across)) / 72 if len(across) else 0.0


def _extent(values: Sequence[Array]) -> tuple[float, float]:
    low, high = (float(f([f(v) for v in values])) for f in (np.min, np.max))
    return (low, high) if high - low > 1e-6 else (low - 0.5, high + 0.5)


def _ticks(row: Row) -> list[float]:
    if row.range is not None:
        low, high = row.range
        return [low, high] if low == 0 else [low, 0.0, high]
    low, high = row.limits
    step = 10.0 ** np.floor(np.log10((high - low) / 2))
    step *= next(m for m in (5, 2, 1) if (high - low) / (m * step) >= 2)
    return [float(round(k * step, 10)) for k in range(int(np.ceil(low / step)),
                                                        int(np.floor(high / step)) + 1)]
