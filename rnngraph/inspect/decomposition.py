"""Contextual decomposition: what a phrase gave to a decision, by itself, for any cell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..graph import Graph, spread
from ..passes.decompose import BETA, DELTA, GAMMA, PHRASE
from ..passes.decompose import decompose as decompose_graph
from ..passes.supply import only
from ..runtime.arguments import Arguments
from ..runtime.arrays import REAL, ArgumentError, Array
from .decision import Decision
from .derived import derived
from .integrate import summed
from .line import check_decision


@dataclass(frozen=True)
class Decomposition:
    """A decision as a sum of three parts, each [B]: of the ``phrase`` by itself, of ``others``
    (all that other steps have a part in, with the phrase too), and of ``constants`` alone."""

    phrase: Array
    others: Array
    constants: Array
    title: str = ""

    @property
    def total(self) -> Array:
        """The decision, [B]."""
        return self.phrase + self.others + self.constants

    def __str__(self) -> str:
        rows = zip(self.total, self.phrase, self.others, self.constants, strict=True)
        return "\n".join(f"{self.title or 'decision'}: {total:.4g} = {phrase:.4g} by the phrase "
                         f"+ {others:.4g} with others + {constants:.4g} constant"
                         for total, phrase, others, constants in rows)  # fmt: skip


def decompose(
    compiled: Compiled,
    params: Mapping[str, Any],
    x: Any,
    decision: Decision,
    steps: Iterable[int] | Array,
    state: Mapping[str, Any] | None = None,
    *,
    whole: Collection[str] = (),
    lengths: Any = None,
    dtype: str = "f64",
) -> Decomposition:
    """What the ``steps`` of a phrase gave to a decision: numbers of steps, the same for all rows,
    or truth values [T, B], so that one call takes many phrases as rows.

    Murdoch, Liu & Yu 2018, for any cell, as a graph of its own that is compiled like the cell's.
    ``whole`` names values that are not split: the paper does so with the LSTM's output gate,
    ``whole=["o"]``. Raises ArgumentError for steps that the call has not, ValueError for an unknown
    name in ``whole``, or a cell that has no value for a part alone (0 / 0).
    """
    check_decision(compiled.graph, decision)
    whole = tuple(dict.fromkeys(whole))
    key = ("decomposed", decision.output, whole)
    program = derived(compiled, key, lambda: _graph(compiled, decision.output, whole), dtype)
    count, rows = decision.weights.shape[:2]
    inputs = Arguments(compiled.graph, REAL[dtype]).named(x)
    given = {**inputs, PHRASE: _mask(steps, count, rows, REAL[dtype])}
    state = None if state is None else {GAMMA.format(n): a for n, a in state.items()} | dict(state)
    options = {} if lengths is None else {"lengths": lengths}
    y, _ = program.run(params, given, state, **options)
    phrase, others, constants = (
        summed(decision.weights * y[mark.format(decision.output)]).sum(0)
        for mark in (BETA, GAMMA, DELTA)
    )
    if not np.isfinite(phrase + others + constants).all():
        raise ValueError(f"cell {compiled.graph.title} divides by, or takes the logarithm of, what "
                         "is 0 without the phrase: it has no contextual decomposition")  # fmt: skip
    return Decomposition(phrase, others, constants, decision.title)


def _graph(compiled: Compiled, output: str, whole: tuple[str, ...]) -> Graph:
    made = decompose_graph(only(compiled.graph, [output]), whole)
    varies = made.outputs.pop(output).varies
    made.outputs = {name: spread(node, varies) for name, node in made.outputs.items()}
    return made


def _mask(steps: Any, count: int, rows: int, dtype: Any) -> Array:
    """1 at the steps of the phrase, [T, B]."""
    given = np.asarray(steps if isinstance(steps, np.ndarray) else list(steps))
    if given.dtype == bool:
        if given.shape != (count, rows):
            raise ArgumentError(f"'steps' has shape {list(given.shape)}, expected {[count, rows]}")
        return given.astype(dtype)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ArgumentError("'steps' holds numbers of steps, or truth values [T, B]")
    if given.size and not (given.min() >= 0 and given.max() < count):
        raise ArgumentError(f"'steps' holds {given.max()}, expected 0 to {count - 1}")
    mask = np.zeros((count, rows), dtype)
    mask[given.astype(np.int64)] = 1
    return mask
