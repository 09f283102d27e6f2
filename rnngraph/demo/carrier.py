"""The unit that carries the number, as the report found it by ablation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..explain import most_effective
from ..explain.units import Units, units_of
from ..graph import Graph
from ..train.loop import Array

CONDITION = "1 attractor"  # of the report's table


@dataclass(frozen=True)
class Carrier:
    """The unit whose loss costs most.

    accuracy: of the whole model on sentences with one attractor; without: float [units], of the
    model without each unit.
    """

    units: Units
    unit: int
    accuracy: float
    without: Array

    @property
    def lost(self) -> float:
        """What the model loses without the unit."""
        return self.accuracy - float(self.without[self.unit])

    @property
    def others(self) -> float:
        """The median accuracy without one of the other units (nan if there is none)."""
        rest = np.delete(self.without, self.unit)
        return float(np.median(rest)) if len(rest) else float("nan")


def carrier_of(report: Mapping[str, Any], graph: Graph) -> Carrier:
    """The carrying unit of a report with an ablation; graph: of the cell alone, sizes bound."""
    table = report["ablation"]
    at = table["conditions"].index(CONDITION)
    group = next(units for units in units_of(graph) if list(units.shapes) == table["states"])
    return Carrier(group, most_effective(report), table["whole"][at],
                   np.array(table["without"])[:, at])
