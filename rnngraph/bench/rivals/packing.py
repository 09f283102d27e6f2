"""The parameters of a derived program: stacked as its products want them.

A framework's user keeps the matrices that one product needs in one parameter. So a value that only
moves elements of our parameters is a parameter of the program, provided that no element is in two
of them (its gradient would be shared out); everything else is computed from our parameters as they
are, as part of the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ...ops import OPS
from ...runtime.arrays import Array
from .program import ONCE, NoProgram, Program, Value

MOVES = frozenset({"param", "slice", "concat", "transpose", "reshape"})
Values = dict[str, Array]


class Packing:
    """``leaves`` are the program's parameters in order; those in ``columns`` lie transposed."""

    def __init__(self, program: Program, columns: bool) -> None:
        """Raises NoProgram where a parameter would be a constant."""
        used = program.parameters
        refused = _refused(used)
        if any(not _params(v) for v in used):
            raise NoProgram("what is made of constants alone is not spelled for other frameworks")
        direct = [v for v in used if not {x.attrs["name"] for x in _params(v)} & refused]
        computed = [v for v in used if v not in direct]
        originals = {x.number: x for v in computed for x in _params(v)}
        self.leaves: list[Value] = [*direct, *originals.values()]
        self.columns = _only_weights(program) if columns else set()
        self.columns &= {v.number for v in direct}

    def __call__(self, params: Values) -> Values:
        """Our parameters, or their gradients, in the program's arrangement."""
        return {f"p{i}": self._array(v, params) for i, v in enumerate(self.leaves)}

    def _array(self, value: Value, params: Values) -> Array:
        array = moved(value, params)
        return np.ascontiguousarray(array.T if value.number in self.columns else array)


def moved(value: Value, params: Values) -> Array:
    """A value that only moves elements of parameters."""
    if value.op == "param":
        return np.asarray(params[value.attrs["name"]])
    reference = OPS[value.op].reference
    assert reference is not None
    operands = [moved(x, params)[None] for x in value.operands]
    return np.asarray(reference(*operands, **value.attrs)[0])


def _params(value: Value) -> list[Value]:
    if value.op == "param":
        return [value]
    return [x for operand in value.operands for x in _params(operand)]


def _moves(value: Value) -> bool:
    return value.op in MOVES and all(_moves(x) for x in value.operands)


def _refused(used: Sequence[Value]) -> set[str]:
    """Names of parameters that cannot be packed."""
    names = {v.number: {x.attrs["name"] for x in _params(v)} for v in used}
    refused = {name for v in used if not _moves(v) for name in names[v.number]}
    refused |= _shared([v for v in used if _moves(v)])
    while True:
        more = {n for v in used if names[v.number] & refused for n in names[v.number]}
        if more <= refused:
            return refused
        refused |= more


def _shared(used: Sequence[Value]) -> set[str]:
    """Names of parameters with an element in two places: every element carries its number."""
    found = {x.attrs["name"]: x for v in used for x in _params(v)}
    sizes = [int(np.prod(x.shape)) for x in found.values()]
    starts = np.cumsum([0, *sizes])
    ranges = zip(found.items(), pairwise(starts), strict=True)
    numbers = {name: np.arange(*ends).reshape(x.shape) for (name, x), ends in ranges}
    if not used:
        return set()
    counts = np.bincount(np.concatenate([moved(v, numbers).ravel() for v in used]))
    return {name for name, n in numbers.items() if n.size and counts[n].max() > 1}


def _only_weights(program: Program) -> set[int]:
    """Numbers of values that are nothing but matrices of products."""
    weights: set[int] = set()
    others: set[int] = set()
    for v in program.values:
        if v.phase == ONCE:
            continue
        pairs = len(v.operands) - bool(v.attrs.get("starts")) if v.op == "affine" else 0
        matrices = v.operands[1:pairs:2]
        weights |= {x.number for x in matrices}
        others |= {x.number for x in v.operands if x not in matrices}
    return weights - others


__all__ = ["Packing", "moved"]
