"""Traces as figures of matplotlib: gates along a sentence, one unit along several, saturation,
retention.

Colours are told apart with any colour vision (Okabe & Ito), lines by marker and dash as well.
matplotlib is optional (the extra "plot") and imported when a figure is asked for. Figures are not
pyplot's, so nothing has to be closed; a notebook shows them after ``%matplotlib inline``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..extras import need
from ..runtime.arrays import ArgumentError, Array
from .retention import Retention
from .saturation import Saturation
from .traced import Traced, Value, Words, traced

BLUE, ORANGE = "#0072B2", "#D55E00"  # Okabe & Ito: told apart with any colour vision
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7")
INK, SOFT, FAINT = "#222222", "#707070", "#E4E4E4"
STYLES: tuple[dict[str, Any], ...] = (
    {"color": COLOURS[0], "marker": "o", "linestyle": "-"},
    {"color": COLOURS[1], "marker": "D", "linestyle": (0, (4, 2)), "markerfacecolor": "white"},
    {"color": COLOURS[2], "marker": "s", "linestyle": (0, (1, 1.2))},
    {"color": COLOURS[3], "marker": "^", "linestyle": (0, (6, 2, 1, 2)),
     "markerfacecolor": "white"},
)
DIVERGING = ("#B35806", "#F4F4F2", "#2C4F9E")  # orange below zero, blue above
SEQUENTIAL = ("#F4F4F2", "#123F7A")
LINE_INCHES, UNIT_INCHES = 0.24, 0.07  # a word; a unit
STRIP_INCHES = (1.3, 3.2)  # the width of a strip, at least and at most
LIVES = (0.1, 1000.0)  # steps: half-lives that are told apart
TEXT, SMALL = 9, 7.5  # points


def strips(
    compiled: Compiled, trace: Mapping[str, Any], *, names: Iterable[str] | None = None,
    row: int = 0, words: Words | None = None, units: Sequence[int] | None = None,
    lengths: Any = None,
) -> Any:  # fmt: skip
    """Values along one sequence as strips of heat, side by side: a line is a step, a square a unit.

    trace: what ``compiled.trace`` gave, [T, B, *shape] by name; names: which values (default: gates
    and states); row: which sequence; words: what its steps are called, T strings, or a sequence
    for every row; units: which, in which order (an order by effect, say), of all values that have
    them; lengths: [B]. A unit is an element of a step, in row-major order. A value whose function
    has a range keeps it as its scale; others are scaled to their largest number, about zero.

    Returns the ``matplotlib.figure.Figure``. Raises ImportError without matplotlib; ArgumentError
    for what does not fit.
    """
    found = traced(compiled, trace, names, words, lengths)
    length = _length(found, row)
    arrays = [_chosen(value.of_row(row, length), units) for value in found.values]
    widths = [_strip_inches(array) for array in arrays]
    figure, (axes,) = panels(1, len(arrays), (sum(widths) + 1.0, LINE_INCHES * length + 1.1),
                             width_ratios=widths)
    for axis, value, array in zip(axes, found.values, arrays, strict=True):
        _strip(figure, axis, value.title, array, value.range)
    _words_beside(axes, found.words[row][:length])
    return figure


def lines(
    compiled: Compiled, trace: Mapping[str, Any], *, unit: int = 0,
    names: Iterable[str] | None = None, rows: Sequence[int] | None = None,
    conditions: Sequence[str] | None = None, words: Words | None = None,
    titles: Sequence[str] | None = None, lengths: Any = None,
) -> Any:  # fmt: skip
    """One unit along sequences: a panel for every value, a line for every sequence or condition.

    rows: which sequences (default: the first four, which is the most); titles: what they are
    called; conditions: instead of both, the condition of every row, [B], of which a line is the
    mean, with a band of one standard deviation to either side (the plot of Lakretz et al. 2019,
    The emergence of number and syntax units: gates and cell state by word and condition);
    words: what steps are called; sequences that differ in a word show both. Other arguments, what
    is returned and what is raised as for ``strips``. Values without that unit are left out.
    """
    found = traced(compiled, trace, names, words, lengths)
    groups = _groups(found, rows, conditions, titles)
    values = [v for v in found.values if 0 <= unit < int(np.prod(v.array.shape[2:], initial=1))]
    if not values:
        raise ArgumentError(f"no value has a unit {unit}")
    longest = max(_length(found, row) for _, each in groups for row in each)
    figure, axes = panels(len(values), 1, (1.6 + 0.55 * longest, 0.5 + 1.05 * len(values)),
                          sharex=True)
    for axis, value in zip(axes[:, 0], values, strict=True):
        for style, (title, each) in zip(STYLES, groups, strict=False):
            _line(axis, title, style, _along(value, found, each, unit))
        _scaled(axis, value.range)
        axis.set_ylabel(fill(value.title, 16), fontsize=TEXT, color=INK)
    axes[0, 0].set_title(f"unit {unit}", fontsize=TEXT, color=INK, loc="left")
    called = [found.words[row] for _, each in groups for row in each]
    axes[-1, 0].set_xticks(range(longest), labels=_merged(called, longest), fontsize=TEXT)
    if len(groups) > 1 or titles:
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center",
                      ncols=len(groups), frameon=False, fontsize=TEXT, handlelength=3)
    return figure


def saturation(found: Mapping[str, Saturation]) -> Any:
    """How often each unit is at either end of its range: a panel for every value, a dot for every
    unit; a row of panels for every layer of a stack (``layer1.f``).

    found: what ``rnngraph.inspect.saturation`` gave. Returns the ``matplotlib.figure.Figure``.
    Raises ImportError without matplotlib; ArgumentError where there is no value.
    """
    if not found:
        raise ArgumentError("no value has a range, so nothing can be saturated")
    grid: dict[str, dict[str, Saturation]] = {}
    for name, one in found.items():
        layer, gate = _layer(name)
        grid.setdefault(layer, {})[gate] = one
    gates = list(dict.fromkeys(gate for row in grid.values() for gate in row))
    figure, axes = panels(len(grid), len(gates), (2.3 * len(gates), 2.3 * len(grid)))
    for r, (layer, row) in enumerate(grid.items()):
        for c, gate in enumerate(gates):
            if gate in row:
                _scatter(axes[r][c], f"{layer} {gate}".strip(), row[gate], first=c == 0)
            else:
                axes[r][c].set_axis_off()
    return figure


def retention(
    found: Retention, *, row: int = 0, words: Sequence[str] | None = None,
    units: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    """What the units of a state keep at every step, and below it how long half of it lasts.

    found: what ``rnngraph.inspect.retention`` gave; row, words, units as for ``strips``. Above, the
    size of rho, 0 (nothing is kept) to 1 (all of it); below, for each unit, the median of its
    half-lives in steps. States that keep nothing (an LSTM's h) are left out, unless all do.
    Returns the ``matplotlib.figure.Figure``. Raises ImportError without matplotlib; ArgumentError
    for a row or words that do not fit.
    """
    states = [state for state, rho in found.rho.items() if np.nan_to_num(rho).any()]
    states = states or list(found.rho)
    rows = found.rho[states[0]].shape[1] if states else 0
    if not 0 <= row < rows:
        raise ArgumentError(f"there is no row {row}; there are {rows} rows of states")
    kept, lives = ([_chosen(_of_row(all_of[state], row), units) for state in states]
                   for all_of in (found.rho, found.half_life))
    length = len(kept[0])
    called = [str(step) for step in range(length)] if words is None else list(words)[:length]
    if len(called) < length:
        raise ArgumentError(f"a row of {length} steps has {len(called)} words")
    widths = [_strip_inches(array) for array in kept]
    heights = [LINE_INCHES * length + 0.6, 1.3]
    figure, axes = panels(2, len(states), (sum(widths) + 1.2, sum(heights) + 0.6),
                          width_ratios=widths, height_ratios=heights)
    for at, state in enumerate(states):
        top, below = axes[:, at]
        _strip(figure, top, f"kept of {state}", np.abs(kept[at]), (0.0, 1.0))
        _half_lives(below, np.median(lives[at], axis=0), first=at == 0)
        below.set_xlabel("unit" if units is None else "units, in the order given",
                         fontsize=SMALL, color=SOFT)
        if not found.diagonal[state]:
            below.set_title("its units feed each other: rho is not all", fontsize=SMALL, color=SOFT)
    _words_beside(axes[0], called)
    return figure


def png(figure: Any) -> bytes:
    """The figure as the content of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()


def panels(rows: int, columns: int, inches: tuple[float, float], **grid: Any) -> tuple[Any, Any]:
    """A figure of so many inches, and its axes [rows][columns], without frames.

    Raises ImportError without matplotlib.
    """
    need("matplotlib", "plot", "a figure")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout="constrained")
    FigureCanvasAgg(figure)
    sharing = {key: grid.pop(key) for key in ("sharex", "sharey") if key in grid}
    axes = figure.subplots(rows, columns, squeeze=False, gridspec_kw=grid, **sharing)
    for axis in axes.flat:
        axis.tick_params(labelsize=SMALL, colors=SOFT)
        for side, spine in axis.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color("#BBBBBB")
    return figure, axes


def _layer(name: str) -> tuple[str, str]:
    """Layer and gate of a value: ("layer1", "f") of layer1.f; a single layer has no name."""
    layer, _, rest = name.partition(".")
    return (layer, rest) if rest and layer.startswith("layer") else ("", name)


def _length(found: Traced, row: int) -> int:
    lengths = found.lengths
    if not 0 <= row < len(lengths):
        raise ArgumentError(f"there is no row {row}; rows are 0 to {len(lengths) - 1}")
    return lengths[row]


def _groups(
    found: Traced, rows: Sequence[int] | None, conditions: Sequence[str] | None,
    titles: Sequence[str] | None,
) -> list[tuple[str, list[int]]]:  # fmt: skip
    """What each line is called, and its rows."""
    count = found.inside.shape[1]
    if conditions is not None:
        if rows is not None or titles is not None or len(conditions) != count:
            raise ArgumentError(f"conditions are {len(conditions)}, expected one for each of "
                                f"{count} rows, and neither rows nor titles")
        groups = [(str(one), [row for row in range(count) if conditions[row] == one])
                  for one in dict.fromkeys(conditions)]
    else:
        chosen = list(range(count))[: len(STYLES)] if rows is None else list(rows)
        called = titles or [f"row {row}" for row in chosen]
        if len(called) != len(chosen):
            raise ArgumentError(f"titles are {len(called)}, but rows are {len(chosen)}")
        groups = [(title, [row]) for title, row in zip(called, chosen, strict=True)]
    if not 1 <= len(groups) <= len(STYLES):
        raise ArgumentError(f"{'rows' if conditions is None else 'conditions'} are {len(groups)}; "
                            f"lines show 1 to {len(STYLES)}")
    return groups


def _along(value: Value, found: Traced, rows: Sequence[int], unit: int) -> Array:
    """A unit in some rows, [steps of the longest, rows]; NaN where a row is over."""
    lengths = [_length(found, row) for row in rows]
    along = np.full((max(lengths), len(rows)), np.nan)
    for at, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        along[:length, at] = value.of_row(row, length)[:, unit]
    return along


def _line(axis: Any, title: str, style: Mapping[str, Any], along: Array) -> None:
    """The mean of the rows [steps, rows], and of several the standard deviation as a band."""
    middle = np.nanmean(along, 1)
    axis.plot(middle, label=title, linewidth=1.4, markersize=4, clip_on=False, zorder=3, **style)
    if along.shape[1] > 1:
        spread = np.nanstd(along, 1)
        axis.fill_between(range(len(middle)), middle - spread, middle + spread, alpha=0.18,
                          color=style["color"], linewidth=0, zorder=2)


def _of_row(array: Array, row: int) -> Array:
    """[steps, units] of one row, as long as it lasts (there is NaN from its end on)."""
    flat = array[:, row].reshape(len(array), -1)
    return np.asarray(flat[~np.isnan(flat).any(1)])


def _strip_inches(array: Array) -> float:
    return float(np.clip(UNIT_INCHES * array.shape[1], *STRIP_INCHES))


def _chosen(array: Array, units: Sequence[int] | None) -> Array:
    """[steps, units] in the order wanted, where the value has such units."""
    if units is None or not len(units) or max(units) >= array.shape[1] or min(units) < 0:
        return array
    return np.asarray(array[:, list(units)])


def _strip(
    figure: Any, axis: Any, title: str, array: Array, ends: tuple[float, float] | None
) -> None:
    """Heat [steps, units], with the key to its colours below it."""
    from matplotlib.colors import LinearSegmentedColormap

    most = float(np.abs(array).max(initial=0.0)) or 1.0
    low, high = ends or (-most, most)
    colours = SEQUENTIAL if low >= 0 else DIVERGING
    heat = axis.imshow(array, cmap=LinearSegmentedColormap.from_list("heat", colours), vmin=low,
                       vmax=high, aspect="auto", interpolation="nearest")
    axis.set_title(fill(title, 16), fontsize=TEXT, color=INK)
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(heat, ax=axis, orientation="horizontal", aspect=14, pad=0.03,
                          ticks=sorted({low, 0.0, high}), shrink=0.9)
    bar.ax.set_xticklabels([f"{tick:.2g}".replace("-", "−") for tick in bar.get_ticks()])
    bar.ax.tick_params(labelsize=SMALL, colors=SOFT, length=2)
    bar.outline.set_visible(False)


def _words_beside(axes: Sequence[Any], words: Sequence[str]) -> None:
    axes[0].set_yticks(range(len(words)), labels=words, fontsize=TEXT)
    axes[0].tick_params(axis="y", length=0, labelcolor=INK)


def _scaled(axis: Any, ends: tuple[float, float] | None) -> None:
    """The range of a value as the limits of its axis; zero where it has none."""
    for height in ends or (0.0,):
        axis.axhline(height, color=FAINT, linewidth=0.9, zorder=1)
    if ends:
        room = 0.06 * (ends[1] - ends[0])
        axis.set_ylim(ends[0] - room, ends[1] + room)
        axis.set_yticks(sorted({*ends, 0.0}) if ends[0] <= 0 <= ends[1] else ends)


def _merged(rows: Sequence[Sequence[str]], length: int) -> list[str]:
    """What steps are called: the word of all, or one above the other where they differ."""
    columns = ([row[at] for row in rows if row[at]] for at in range(length))
    return ["\n".join(dict.fromkeys(column)) for column in columns]


def _scatter(axis: Any, title: str, one: Saturation, first: bool) -> None:
    axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    axis.plot([0, 1], [1, 0], color="#DDDDDD", linewidth=0.8, zorder=1)
    axis.scatter(one.right, one.left, s=14, alpha=0.6, color=BLUE, edgecolors="none", zorder=2)
    axis.set_title(title, fontsize=10, color=INK)
    axis.set_xlabel("share of time at the upper end", fontsize=7, color=SOFT)
    if first:
        axis.set_ylabel("at the lower end", fontsize=7, color=SOFT)


def _half_lives(axis: Any, life: Array, first: bool) -> None:
    """A dot for each unit; at the edge what is beyond it, such as infinity where all stays."""
    low, high = LIVES
    axis.scatter(range(len(life)), np.clip(life, low, high), s=12, color=BLUE, clip_on=False,
                 zorder=3)
    axis.set(yscale="log", ylim=LIVES, xlim=(-0.5, len(life) - 0.5))
    axis.minorticks_off()
    axis.grid(axis="y", color=FAINT)
    if first:
        axis.set_ylabel("half-life, steps", fontsize=SMALL, color=SOFT)
