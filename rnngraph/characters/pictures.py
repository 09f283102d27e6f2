"""The drawings of a report, by matplotlib: they are given numbers and know no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..inspect.figures import COLOURS, INK, SOFT, panels
from .brackets import Closings
from .errors import Onion


def errors_picture(onion: Onion, title: str) -> Any:
    """The layers of errors as one bar of steps."""
    figure, ((axis,),) = panels(1, 1, (7.0, 3.2))
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
    figure, axes = panels(1, len(kinds), (3.5 * len(kinds), 2.8))
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
