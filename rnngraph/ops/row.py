"""The row of the op table: everything that is known about one op, in one place.

    Op ::= name, arity, kind           kind in {leaf, elementwise, structural}
           shape      (shapes, attrs) -> shape                 raises ShapeError
           dtype      (dtypes) -> "real" | "int" | "bool"
           reference  (arrays, attrs) -> array                 the NumPy meaning
           derivative / vjp / jvp                              spelled with node operators
           emit       (lanes, values) -> value                 the meaning in lane verbs

``reference`` and ``emit`` never share a formula: a wrong formula would be tested against itself.
This module imports nothing of rnngraph, so that every layer may read the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class ShapeError(ValueError):
    """Operands whose shapes an op cannot take.

    ``message`` says what is wrong, ``operands`` which operand indices are to blame. The checker
    turns it into carets on the cell's text; code that builds graphs sees it as a ValueError.
    """

    def __init__(self, message: str, operands: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.operands = tuple(operands)


@dataclass(frozen=True)
class Op:
    """One row of the table.

    ``derivative`` (elementwise ops) holds one function per operand, ``(g, y, *xs) -> node``: ``g``
    scaled by the partial derivative of ``y`` to that operand, or None where it is zero everywhere.
    Scaling is its own transpose, so the same functions serve reverse and forward mode.
    ``vjp`` (structural ops) is ``(g, y, *xs, **attrs) -> [cotangent | None per operand]``;
    ``linear`` names the operands in which the op is linear when the others are held, which gives
    its forward mode by the product rule; ``jvp`` is written only where that is not enough.
    ``domain`` is the interval per operand on which property tests draw; ``cost`` is an estimate
    of lane operations per element, read by the scheduler's cost models.
    """

    name: str
    arity: int | None
    kind: str
    shape: Callable[..., tuple[Any, ...]]
    doc: str
    symbol: str = ""
    dtype: Callable[[Sequence[str]], str] | None = None
    reference: Callable[..., Any] | None = None
    derivative: tuple[Callable[..., Any] | None, ...] = ()
    vjp: Callable[..., Sequence[Any]] | None = None
    jvp: Callable[..., Any] | None = None
    linear: tuple[int, ...] | None = None
    emit: Callable[..., Any] | None = None
    domain: tuple[tuple[float, float], ...] = ()
    cost: int = 1
    smooth: bool = True

    @property
    def elementwise(self) -> bool:
        """True when every element of the result needs just the same element of each operand."""
        return self.kind == "elementwise"


def show_shape(shape: Sequence[Any]) -> str:
    """A shape as the cell language writes it: ``[H, H+I]``; a scalar is ``[]``."""
    return "[" + ", ".join(str(d) for d in shape) + "]"


def table(*groups: Sequence[Op]) -> Mapping[str, Op]:
    """Join groups of rows into the op table, refusing a name that occurs twice."""
    rows: dict[str, Op] = {}
    for op in (op for group in groups for op in group):
        if op.name in rows:
            raise ValueError(f"the op table has two rows named '{op.name}'")
        rows[op.name] = op
    return rows
