"""The picture of the demo: every named value of one unit, word by word, two sentences side by side.

A column is a sentence in two versions that differ in the number of their subject; a row is a named
value. The module draws numbers that it is given and knows neither the model nor the language.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

BLUE, ORANGE = "#0072B2", "#D55E00"  # Okabe & Ito: told apart with any colour vision
INK, SOFT, FAINT, BAND = "#222222", "#707070", "#E4E4E4", "#F3EFE4"
STYLES: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "marker": "o", "linestyle": "-", "markersize": 5.2},
    {"color": ORANGE, "marker": "D", "linestyle": (0, (4, 2)), "markersize": 4.4,
     "markerfacecolor": "white", "markeredgewidth": 1.3},
)
ROW_INCHES, WORD_INCHES, LABEL_INCHES, HEAD_INCHES, FOOT_INCHES = 0.95, 0.62, 2.1, 1.62, 0.62
LABEL_LETTERS = 19


@dataclass(frozen=True)
class Column:
    """A sentence: its words in both versions, and the position of its verb."""

    words: tuple[tuple[str, ...], tuple[str, ...]]
    verb: int


@dataclass(frozen=True)
class Row:
    """A named value: for each column an array [2, words], and the range if it has a known one."""

    name: str
    label: str
    values: tuple[np.ndarray, ...]
    range: tuple[float, float] | None = None
    ends: tuple[str, str] | None = None  # words in place of the numbers at the ends of the axis
    decides: bool = False  # mark where the form of the verb is chosen

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

    counts = [len(column.words[0]) for column in columns]
    width = LABEL_INCHES + WORD_INCHES * sum(counts) + 0.75
    height = HEAD_INCHES + ROW_INCHES * len(rows) + FOOT_INCHES
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(rows), len(columns), width_ratios=counts, hspace=0.2, wspace=0.06,
        left=LABEL_INCHES / width, right=1 - 0.2 / width,
        top=1 - HEAD_INCHES / height, bottom=FOOT_INCHES / height)
    axes = [[figure.add_subplot(grid[r, c]) for c in range(len(columns))]
            for r in range(len(rows))]
    for r, row in enumerate(rows):
        for c, column in enumerate(columns):
            _draw_cell(axes[r][c], row, column, row.values[c], first=c == 0)
    for c, column in enumerate(columns):
        _words(axes[0][c], column, above=True)
        _words(axes[-1][c], column, above=False)
    _heading(figure, title, subtitle, versions)
    return figure


def save(figure: Any, stem: Path) -> tuple[Path, Path]:
    """Write stem.png and stem.svg; the same figure gives the same bytes."""
    from matplotlib import rc_context

    png, svg = stem.with_suffix(".png"), stem.with_suffix(".svg")
    figure.savefig(png, dpi=160)
    with rc_context({"svg.hashsalt": "rnngraph"}):
        figure.savefig(svg, metadata={"Date": None})
    return png, svg


def _draw_cell(axis: Any, row: Row, column: Column, values: np.ndarray, first: bool) -> None:
    count = len(column.words[0])
    low, high = row.limits
    axis.set(xlim=(-0.5, count - 0.5), ylim=(low, high))
    axis.axvspan(column.verb - 0.5, column.verb + 0.5, color=BAND, linewidth=0, zorder=0)
    for height in _ticks(row):
        axis.axhline(height, color=FAINT, linewidth=0.8, zorder=1)
    for line, style in zip(values, STYLES, strict=True):
        axis.plot(np.arange(count), line, linewidth=1.5, zorder=3, clip_on=False, **style)
    if row.decides and column.verb > 0:
        axis.annotate("", (column.verb - 1, values[0, column.verb - 1]),
                      (column.verb - 1, values[1, column.verb - 1]), zorder=2,
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
    axis.tick_params(axis="y", length=0, labelsize=8.5, labelcolor=SOFT, pad=4)
    lines = [(line, {"color": INK, "fontsize": 10})
             for line in textwrap.wrap(row.label, LABEL_LETTERS, max_lines=2, placeholder=" …")]
    if row.name:
        lines.append((row.name, {"color": SOFT, "fontsize": 9, "family": "monospace"}))
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
    for at, (one, other) in enumerate(zip(*column.words, strict=True)):
        weight = "bold" if at == column.verb else "normal"
        lines = [(one, INK)] if one == other else [(one, BLUE), (other, ORANGE)]
        for line, (word, color) in enumerate(lines[::sign * -1] if above else lines):
            axis.annotate(word, (at, base), (0, sign * (7 + 13 * line)),
                          xycoords=("data", "axes fraction"), textcoords="offset points",
                          ha="center", va="bottom" if above else "top", fontsize=10,
                          color=color, fontweight=weight, annotation_clip=False)
    if above:
        axis.annotate("verb", (column.verb, 1.0), (0, 36), xycoords=("data", "axes fraction"),
                      textcoords="offset points", ha="center", va="bottom", fontsize=8.5,
                      color=SOFT, style="italic", annotation_clip=False)


def _heading(figure: Any, title: str, subtitle: str, versions: tuple[str, str]) -> None:
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()
    left = 0.15 / width
    figure.text(left, 1 - 0.16 / height, title, fontsize=14, fontweight="bold", color=INK,
                va="top")
    figure.text(left, 1 - 0.46 / height, subtitle, fontsize=10, color=SOFT, va="top",
                linespacing=1.45)
    handles = [Line2D([], [], linewidth=1.5, **style) for style in STYLES]
    figure.legend(handles, versions, loc="upper left", frameon=False, fontsize=10,
                  bbox_to_anchor=(left, 1 - (HEAD_INCHES - 0.58) / height), handlelength=3.2,
                  labelcolor=[BLUE, ORANGE], borderpad=0, borderaxespad=0)


def _extent(values: Sequence[np.ndarray]) -> tuple[float, float]:
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
