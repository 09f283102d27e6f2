"""Numbers that are known before anything runs: constants, sizes, counters of a repeat.

    Static ::= int | float | Size

Arithmetic on them is done here and checked as it is done, so that a constant that is infinite, a
division by zero or a number without end is a report and not a surprise of the run time.
"""

from __future__ import annotations

import math

import numpy as np

from ..ops import OPS
from ..sizes import Dim, Size, SizeError
from ..source import Span
from .faults import Fault

Static = int | float | Size

MAX_INTEGER = 10**18
MAX_DIM = 2**31 - 1
MAX_ELEMENTS = 2**36

ROW_OF = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow", "%": "mod",
    "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne",
    "and": "and_", "or": "or_",
}  # fmt: skip


def is_static(value: object) -> bool:
    """Whether a value of the evaluator is a static number."""
    return isinstance(value, int | float | Size)


def fold_binary(op: str, left: Static, right: Static, span: Span) -> Static | None:
    """``left op right``, or None where only the graph can say it (a real function of a symbol)."""
    try:
        value = _fold(op, left, right)
    except ZeroDivisionError:
        raise Fault("division by zero", span) from None
    except (SizeError, OverflowError) as error:
        text = "this number is too large" if isinstance(error, OverflowError) else str(error)
        raise Fault(text, span) from None
    return None if value is None else _finite(value, span)


def _fold(op: str, left: Static, right: Static) -> Static | None:
    if op in ("+", "-", "*") and not _mixed(left, right):
        return _ring(op, left, right)
    if op == "//":
        return _quotient(left, right)
    if isinstance(left, Size) or isinstance(right, Size):
        return None
    if op == "/":
        return left / right
    if op == "%":
        return left % right
    if op == "**":
        return _power(left, right)
    return None


def _mixed(left: Static, right: Static) -> bool:
    """A real number and a symbol: the result is no size."""
    both = (left, right)
    return any(isinstance(v, Size) for v in both) and any(isinstance(v, float) for v in both)


def _ring(op: str, left: Static, right: Static) -> Static:
    if op == "+":
        return left + right  # type: ignore[operator]
    return left - right if op == "-" else left * right  # type: ignore[operator]


def _quotient(left: Static, right: Static) -> Dim:
    if isinstance(left, float) or isinstance(right, float):
        raise SizeError("'//' divides sizes and whole numbers; write / for real numbers")
    if isinstance(left, int) and isinstance(right, int):
        if left % right:
            raise SizeError(f"{left} does not divide by {right}")
        return left // right
    return left // right


def _power(left: float, right: float) -> int | float | None:
    estimate = math.pow(left, right) if left or right >= 0 else 1 / left
    if isinstance(left, int) and isinstance(right, int) and right >= 0:
        return left**right if abs(estimate) < MAX_INTEGER else estimate
    return estimate


def fold_function(name: str, values: list[Static], span: Span) -> Static | None:
    """An elementwise op of known numbers, or None if one of them is a symbol."""
    if any(isinstance(v, Size) for v in values):
        return None
    reference = OPS[name].reference
    if reference is None or (OPS[name].dtype and name != "where"):
        return None
    with np.errstate(all="ignore"):
        result = reference(*(np.float64(v) for v in values if not isinstance(v, Size)))
    return _finite(float(result), span)


def _finite(value: Static, span: Span) -> Static:
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise Fault("this number is too large", span)
    if isinstance(value, float) and not math.isfinite(value):
        raise Fault("this is not a finite number", span)
    return value


def dim_of(value: object, span: Span) -> Dim:
    """A static number as a dimension: a symbol, or an integer from 1 to MAX_DIM."""
    if isinstance(value, Size):
        return value
    if isinstance(value, float):
        raise Fault(f"a size is a whole number, this is {value:g}", span)
    if not isinstance(value, int):
        note = "write // to divide sizes"
        raise Fault("a size is made of whole numbers, constants and sizes", span, notes=[note])
    if value < 1:
        raise Fault(f"a size is at least 1, this is {value}", span)
    if value > MAX_DIM:
        raise Fault(f"a size is at most {MAX_DIM}, this is {value}", span)
    return value


def bounded(shape: tuple[Dim, ...], span: Span) -> tuple[Dim, ...]:
    """The shape, if arrays of this shape can exist."""
    known = math.prod(d for d in shape if isinstance(d, int))
    if known > MAX_ELEMENTS:
        raise Fault(f"this would have {known} elements, more than {MAX_ELEMENTS}", span)
    for dim in shape:
        dim_of(dim, span)
    return shape
