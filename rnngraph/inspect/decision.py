"""What is to be explained: one number per row of the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Graph
from ..runtime.arrays import ArgumentError, Array


@dataclass(frozen=True)
class Decision:
    """A weighted sum of an output, ``y[b] = sum over t, i of weights[t, b, i] * output[t, b, i]``.

    The readout of a word is one: +1 at its logit and -1 at that of the alternative, at one step.
    ``weights`` is ``[T, B, *shape of the output]``; ``title`` says it in words.
    """

    output: str
    weights: Array
    title: str = ""

    def of(self, outputs: Mapping[str, Any]) -> Array:
        """The decision of every row, [B], from outputs (or a trace) by name."""
        value = np.asarray(outputs[self.output])
        axes = tuple(range(2, value.ndim))
        return np.asarray((self.weights * value).sum(axis=(0, *axes)))

    def check_output(self, graph: Graph) -> None:
        """Raises ArgumentError for an output that the cell lacks."""
        if self.output not in graph.outputs:
            raise ArgumentError(f"no output is named '{self.output}': the decision is about "
                                f"'{self.output}', but the outputs are {', '.join(graph.outputs)}")

    def check(self, graph: Graph, steps: int, rows: int) -> None:
        """Raises ArgumentError for an output that the cell lacks, or weights that do not fit it."""
        self.check_output(graph)
        expected = [steps, rows, *graph.outputs[self.output].shape]
        given = list(np.shape(self.weights))
        if given != expected:
            raise ArgumentError(f"the decision's weights are {given}, expected [T, B, ...] = "
                                f"{expected}")
