"""Text coloured by the value of a unit at each character: for a browser, a terminal, a picture.

Blue is the lower end of the range, orange the upper one, and white the middle; what is written on
white paper can be told apart with any colour vision.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from ..train.loop import Array

if TYPE_CHECKING:
    from rich.text import Text

LOW, MIDDLE, HIGH = (0, 114, 178), (255, 255, 255), (230, 140, 30)
SHADES = 8  # on either side of the middle
INK = "#222222"
VISIBLE = {"\n": "↵\n", "\t": "→   "}
COLUMNS, LINE_INCHES, COLUMN_INCHES = 100, 0.19, 0.085


def scaled(values: Array, ends: tuple[float, float] | None) -> Array:
    """Values on [-1, 1]: from their range if it is known, else by tanh (as memory cells are read).

    A state that stays within [-1, 1] is taken as it is.
    """
    values = np.asarray(values, np.float64)
    if ends is not None:
        return np.asarray(2 * (values - ends[0]) / (ends[1] - ends[0]) - 1)
    return values if np.abs(values).max(initial=0) <= 1 else np.tanh(values)


def as_html(text: str, values: Array) -> str:
    """A <pre> of spans; values [n] in [-1, 1]."""
    spans = (f'<span style="background:{colour}">{escape(part)}</span>' if colour != "#ffffff"
             else escape(part) for part, colour in _runs(text, values))
    return f'<pre class="highlight">{"".join(spans)}</pre>'


def as_terminal(text: str, values: Array) -> Text:
    """The same as a text of rich."""
    from rich.text import Text

    made = Text()
    for part, colour in _runs(text, values):
        made.append(part, style=f"{INK} on {colour}")
    return made


def as_picture(text: str, values: Array, title: str) -> Any:
    """The same as a matplotlib figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    cells = list(_placed(text))
    rows = max((row for row, _, _ in cells), default=0) + 1
    width, height = COLUMNS * COLUMN_INCHES + 0.4, rows * LINE_INCHES + 0.6
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    axis = figure.add_axes((0.2 / width, 0.15 / height, 1 - 0.4 / width, 1 - 0.6 / height))
    grid = np.ones((rows, COLUMNS, 3))
    for (row, column, _), value in zip(cells, values, strict=True):
        grid[row, column] = np.array(_mixed(value)) / 255
    axis.imshow(grid, aspect="auto", extent=(0, COLUMNS, rows, 0), interpolation="nearest")
    for row, column, character in cells:
        if not character.isspace():
            # nothing of a text is mathematics
            axis.text(column + 0.5, row + 0.5, character, ha="center", va="center", fontsize=8,
                      family="monospace", color=INK, parse_math=False)
    axis.set_axis_off()
    axis.set_title(title, loc="left", fontsize=10, color=INK)
    return figure


def _runs(text: str, values: Array) -> Iterator[tuple[str, str]]:
    """Stretches of one colour, with line ends made visible."""
    coloured = zip(text, (_hex(_mixed(v)) for v in values), strict=True)
    for colour, group in groupby(coloured, key=lambda pair: pair[1]):
        yield "".join(VISIBLE.get(c, c) for c, _ in group), colour


def _placed(text: str) -> Iterator[tuple[int, int, str]]:
    """Row, column and character, broken at line ends and at the edge."""
    row = column = 0
    for character in text:
        if column == COLUMNS:
            row, column = row + 1, 0
        yield row, column, character
        row, column = (row + 1, 0) if character == "\n" else (row, column + 1)


def _mixed(value: float) -> tuple[int, int, int]:
    share = round(min(1.0, abs(float(value))) * SHADES) / SHADES
    end = HIGH if value > 0 else LOW
    red, green, blue = (round(m + share * (e - m)) for m, e in zip(MIDDLE, end, strict=True))
    return red, green, blue


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
