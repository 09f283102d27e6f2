"""The drawings of a report, by matplotlib: they are given numbers and know no model."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..inspect import Saturation
from .brackets import Closings
from .errors import Onion

INK, SOFT = "#222222", "#707070"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe & Ito
LAYER = "layer"


def need_matplotlib() -> None:
    """Raise ImportError with what to do about it, if matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise ImportError("the pictures need matplotlib: pip install 'rnngraph[plot]'")


def saturation_picture(found: Mapping[str, Saturation]) -> Any:
    """A row of panels for each layer, a panel for each gate, a dot for each unit."""
    grid: dict[str, dict[str, Saturation]] = {}
    for name, one in found.items():
        layer, gate = split_name(name)
        grid.setdefault(layer, {})[gate] = one
    gates = list(dict.fromkeys(gate for row in grid.values() for gate in row))
    figure, axes = _panels(len(grid), len(gates), 2.3)
    for r, (layer, row) in enumerate(grid.items()):
        for c, gate in enumerate(gates):
            axis = axes[r][c]
            axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
            axis.plot([0, 1], [1, 0], color="#DDDDDD", linewidth=0.8, zorder=1)
            if gate in row:
                axis.scatter(row[gate].right, row[gate].left, s=14, alpha=0.6, color=COLOURS[0],
                             edgecolors="none", zorder=2)
            axis.set_title(f"{layer} {gate}".strip(), fontsize=10, color=INK)
            axis.set_xlabel("share of time at the upper end", fontsize=7, color=SOFT)
            if c == 0:
                axis.set_ylabel("at the lower end", fontsize=7, color=SOFT)
    return figure


def errors_picture(onion: Onion, title: str) -> Any:
    """The layers of errors as one bar of steps."""
    figure, ((axis,),) = _panels(1, 1, 3.2, wide=2.2)
    shares = onion.by_oracle()
    at = range(len(shares))
    axis.barh(at, [100 * share for share in shares.values()], color=COLOURS[0])
    axis.set_yticks(at, labels=list(shares))
    axis.invert_yaxis()
    axis.set_xlabel("% of the errors", fontsize=8, color=SOFT)
    axis.set_title(title, loc="left", fontsize=10, color=INK)
    return figure


def closings_picture(found: Sequence[Closings]) -> Any:
    """The share of closing brackets that are right, by distance; a line for each model."""
    kinds = list(dict.fromkeys(one.bracket for one in found))
    figure, axes = _panels(1, len(kinds), 2.8, wide=1.25)
    for axis, kind in zip(axes[0], kinds, strict=True):
        rows = [one for one in found if one.bracket == kind]
        for colour, name in zip(COLOURS, rows[0].right, strict=False):
            axis.plot([np.sqrt(r.low * r.high) for r in rows], [r.right[name] for r in rows],
                      marker="o", markersize=4, linewidth=1.3, color=colour, label=name)
        axis.set(xscale="log", ylim=(-0.03, 1.03))
        axis.set_title(f"{kind}", fontsize=10, color=INK)
        axis.set_xlabel("characters since it was opened", fontsize=7, color=SOFT)
    axes[0][0].legend(fontsize=7, frameon=False)
    return figure


def png(figure: Any) -> bytes:
    """The figure as the content of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()


def split_name(name: str) -> tuple[str, str]:
    """Layer and gate of a value: ("layer1", "f") of layer1.f; a single layer has no name."""
    layer, _, rest = name.partition(".")
    return (layer, rest) if rest and layer.startswith(LAYER) else ("", name)


def _panels(rows: int, columns: int, inches: float, wide: float = 1.0) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(inches * wide * columns, inches * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.tick_params(labelsize=7, colors=SOFT)
        for side, spine in axis.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color("#BBBBBB")
    return figure, axes
