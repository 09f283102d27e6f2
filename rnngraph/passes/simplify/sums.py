"""Rules of sums along an axis: what adds up to nothing need not be added.

    sum(a + s * (v - mean(v)))  =  sum(a)        for every s that is the same along the axis

The distances of numbers from their mean add up to 0, but for rounding. The gradient of every norm
takes the mean of such a sum: without this rule it waits for numbers that do not change it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...graph import Node
from .arithmetic import Make, value

Term = tuple[int, Node]  # its sign


def _sum(make: Make, x: Node, axis: int) -> Node | None:
    rest = list(_counting(x, axis, 1))
    # what is left must be counted as often as before
    if None not in rest or any(term and term[1].shape != x.shape for term in rest):
        return None
    found = [term for term in rest if term is not None]
    if not found:
        return make("constant", value=0.0, shape=x.shape[:axis] + x.shape[axis + 1 :])
    (sign, whole), *more = found
    whole = make("neg", whole) if sign < 0 else whole
    for sign, term in more:
        whole = make("add" if sign > 0 else "sub", whole, term)
    return make("sum", whole, axis=axis)


def _counting(x: Node, axis: int, sign: int) -> Iterator[Term | None]:
    """What is added up in a node, with its sign; None for what adds up to nothing."""
    if _adds_up_to_nothing(x, axis):
        yield None
    elif x.op == "neg":
        yield from _counting(x.operands[0], axis, -sign)
    elif x.op in ("add", "sub"):
        a, b = x.operands
        yield from _counting(a, axis, sign)
        yield from _counting(b, axis, sign if x.op == "add" else -sign)
    else:
        yield sign, x


def _adds_up_to_nothing(x: Node, axis: int) -> bool:
    if x.op == "mul":
        return any(_same_along(a, axis, len(x.shape)) and b.shape == x.shape
                   and _adds_up_to_nothing(b, axis) for a, b in (x.operands, x.operands[::-1]))
    return x.op == "sub" and _is_mean(x.operands[1], x.operands[0], axis)


def _same_along(x: Node, axis: int, axes: int) -> bool:
    """Whether a factor of something with so many axes is the same everywhere along one."""
    if x.op == "constant" or (x.shape == () and axes == 1):
        return True
    return x.op == "expand" and axis not in x.attrs["axes"]


def _is_mean(x: Node, of: Node, axis: int) -> bool:
    """Whether ``x`` is the mean of ``of`` along an axis, there for every element again."""
    mean = x.operands[0] if x.op == "expand" and _same_along(x, axis, len(of.shape)) else x
    if mean.op != "div" or (mean is x and len(of.shape) > 1):
        return False
    total, count = mean.operands
    return (total.op == "sum" and total.operands[0] is of and total.attrs["axis"] == axis
            and value(count) == of.shape[axis])


RULES: dict[str, list[Callable[..., Any]]] = {"sum": [_sum]}
