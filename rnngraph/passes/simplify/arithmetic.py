"""Rules of arithmetic: neutral elements, folding of constants, powers by small exponents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph import Node, spread
from ...ops import OPS

Make = Callable[..., Node]


def value(node: Node) -> float | None:
    """The number a constant holds, else None."""
    return node.attrs["value"] if node.op == "constant" else None


def _constant(make: Make, number: float, shape: Any = ()) -> Node:
    return make("constant", value=float(number), shape=tuple(shape))


def _covers(x: Node, other: Node) -> bool:
    """True when ``x`` alone already has the shape of ``x op other``."""
    return other.shape == () or x.shape == other.shape


def _neutral(number: float, *places: int) -> Callable[..., Node | None]:
    def rule(make: Make, *xs: Node) -> Node | None:
        for place in places:
            if value(xs[place]) == number and _covers(xs[1 - place], xs[place]):
                return xs[1 - place]
        return None

    return rule


def _fold(op: str) -> Callable[..., Node | None]:
    def rule(make: Make, *xs: Node, **attrs: Any) -> Node | None:
        numbers = [value(x) for x in xs]
        meaning = OPS[op].reference
        if None in numbers or OPS[op].dtype is not None or meaning is None:
            return None
        with np.errstate(all="ignore"):
            result = float(meaning(*(np.float64(v) for v in numbers), **attrs))
        if not np.isfinite(result):
            return None
        shape = next((x.shape for x in xs if x.shape != ()), ())
        return _constant(make, result, shape)

    return rule


def _negated_right(op: str) -> Callable[..., Node | None]:
    def rule(make: Make, a: Node, b: Node) -> Node | None:
        return make(op, a, b.operands[0]) if b.op == "neg" else None

    return rule


def _double_negation(make: Make, x: Node) -> Node | None:
    return x.operands[0] if x.op == "neg" else None


def _power(make: Make, a: Node, b: Node) -> Node | None:
    exponent = value(b)
    if b.shape != () or exponent is None:
        return None
    if exponent in (2.0, 3.0, 4.0):
        square = make("mul", a, a)
        return {2.0: lambda: square, 3.0: lambda: make("mul", square, a),
                4.0: lambda: make("mul", square, square)}[exponent]()  # fmt: skip
    special = {1.0: lambda: a, 0.5: lambda: make("sqrt", a), -0.5: lambda: make("rsqrt", a),
               -1.0: lambda: make("div", _constant(make, 1.0), a)}  # fmt: skip
    return special[exponent]() if exponent in special else None


def _transpose(make: Make, x: Node) -> Node | None:
    if x.op == "transpose":
        return x.operands[0]
    if x.op == "constant":
        return _constant(make, x.attrs["value"], (*x.shape[:-2], x.shape[-1], x.shape[-2]))
    return x if x.op == "eye" else None


def _reshape(make: Make, x: Node, shape: Any) -> Node | None:
    if x.shape == tuple(shape):
        return x
    if x.op == "constant":
        return _constant(make, x.attrs["value"], shape)
    return make("reshape", x.operands[0], shape=shape) if x.op == "reshape" else None


def _expand(make: Make, x: Node, shape: Any, axes: Any) -> Node | None:
    if x.op == "constant":
        return _constant(make, x.attrs["value"], shape)
    return x if x.shape == tuple(shape) else None


def _total(make: Make, x: Node, to: Any) -> Node | None:
    if x.op == "neg":
        return make("neg", make("total", x.operands[0], to=to))
    if value(x) == 0.0:
        return x
    if x.op == "concat":
        pieces = [p if value(p) == 0.0 else spread(p, x.varies) for p in x.operands]
        return make("concat", *(make("total", p, to=to) for p in pieces), **x.attrs)
    return None


RULES: dict[str, list[Callable[..., Node | None]]] = {
    row.name: [_fold(row.name)]
    for row in OPS.values()
    if row.elementwise and row.name not in ("where", "spread", "stop_gradient")
}
RULES["add"] += [_neutral(0.0, 0, 1), _negated_right("sub")]
RULES["sub"] += [_neutral(0.0, 1), _negated_right("add")]
RULES["mul"] += [_neutral(1.0, 0, 1)]
RULES["div"] += [_neutral(1.0, 1)]
RULES["neg"] += [_double_negation]
RULES["pow"] += [_power]
RULES |= {"transpose": [_transpose], "reshape": [_reshape], "expand": [_expand], "total": [_total]}
