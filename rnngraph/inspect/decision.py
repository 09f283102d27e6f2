"""What is to be explained: one number per row of the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..runtime.arrays import Array


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
