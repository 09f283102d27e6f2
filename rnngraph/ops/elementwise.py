"""Elementwise ops: one row each.

Adding an op here is all it takes: it is then callable in cells, differentiated in both modes,
compiled, documented and tested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import approximations as approx
from .row import Op, ShapeError, show_shape

REAL_LINE = (-4.0, 4.0)
POSITIVE = (0.05, 4.0)


def _same_shape(symbol: str) -> Callable[..., tuple[Any, ...]]:
    """Shape rule: equal shapes, where a scalar goes with anything."""

    def rule(*shapes: tuple[Any, ...]) -> tuple[Any, ...]:
        full = [i for i, s in enumerate(shapes) if s != ()]
        for i in full[1:]:
            if shapes[i] != shapes[full[0]]:
                a, b = show_shape(shapes[full[0]]), show_shape(shapes[i])
                raise ShapeError(f"shapes do not match in '{symbol}': {a} and {b}", (full[0], i))
        return shapes[full[0]] if full else ()

    return rule


def _unary(
    name: str,
    reference: Callable[..., Any],
    derivative: Callable[..., Any] | None,
    emit: Callable[..., Any],
    doc: str,
    **more: Any,
) -> Op:
    more.setdefault("domain", (REAL_LINE,))
    return Op(
        name, 1, "elementwise", _same_shape(name), doc,
        reference=reference, derivative=(derivative,), emit=emit, **more,
    )  # fmt: skip


def _binary(
    name: str,
    symbol: str,
    reference: Callable[..., Any],
    derivative: tuple[Callable[..., Any] | None, Callable[..., Any] | None],
    emit: Callable[..., Any],
    doc: str,
    **more: Any,
) -> Op:
    more.setdefault("domain", (REAL_LINE, REAL_LINE))
    return Op(
        name, 2, "elementwise", _same_shape(symbol or name), doc, symbol=symbol,
        reference=reference, derivative=derivative, emit=emit, **more,
    )  # fmt: skip


def _comparison(name: str, symbol: str, reference: Callable[..., Any], doc: str) -> Op:
    return _binary(
        name, symbol, reference, (None, None), lambda b, x, y: getattr(b, name)(x, y), doc,
        dtype=lambda dtypes: "bool", smooth=False,
    )  # fmt: skip


def _stable_sigmoid(x: Any) -> Any:
    """Sigmoid without overflow: exp of a value that is never positive."""
    x = np.asarray(x)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e)).astype(x.dtype, copy=False)


def _where_dtype(dtypes: Sequence[str]) -> str:
    return dtypes[1] if dtypes[1] == dtypes[2] else "real"


def _where_shape(p: tuple[Any, ...], a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    return _same_shape("where")(p, a, b)


def _kept(dtypes: Sequence[str]) -> str:
    return dtypes[0]


def _bool(dtypes: Sequence[str]) -> str:
    return "bool"


def zero_unless(p: Any, g: Any) -> Any:
    """``g`` where ``p`` holds, else 0 (a select, so that an infinite ``g`` leaves no NaN)."""
    return g.graph.apply("where", p, g, g.graph.constant(0.0))


def _call(name: str) -> Callable[..., Any]:
    """A node function: apply the op ``name`` in the graph of its first operand."""

    def apply(x: Any, *more: Any) -> Any:
        graph = x.graph
        rest = [graph.constant(y) if isinstance(y, float) else y for y in more]
        return graph.apply(name, x, *rest)

    return apply


_exp, _log, _sin, _cos = _call("exp"), _call("log"), _call("sin"), _call("cos")
_sign, _floor = _call("sign"), _call("floor")
_gt, _ge, _lt, _not = _call("gt"), _call("ge"), _call("lt"), _call("not_")

UNARY = (
    _unary("neg", np.negative, lambda g, y, x: -g, lambda b, x: b.neg(x), "negation", symbol="-"),
    _unary("exp", np.exp, lambda g, y, x: g * y, approx.exp, "e to the power of x", cost=14),
    _unary("expm1", np.expm1, lambda g, y, x: g * (y + 1.0), approx.expm1,
           "exp(x) - 1, accurate near 0", cost=16),
    _unary("log", np.log, lambda g, y, x: g / x, approx.log, "natural logarithm",
           domain=(POSITIVE,), cost=18),
    _unary("log1p", np.log1p, lambda g, y, x: g / (1.0 + x), approx.log1p,
           "log(1 + x), accurate near 0", domain=((-0.9, 4.0),), cost=20),
    _unary("tanh", np.tanh, lambda g, y, x: g * (1.0 - y * y), approx.tanh,
           "hyperbolic tangent", cost=22),
    _unary("sigmoid", _stable_sigmoid, lambda g, y, x: g * (y * (1.0 - y)), approx.sigmoid,
           "logistic function 1 / (1 + exp(-x))", cost=18),
    _unary("sqrt", np.sqrt, lambda g, y, x: g * 0.5 / y, lambda b, x: b.sqrt(x), "square root",
           domain=(POSITIVE,), cost=8),
    _unary("rsqrt", lambda x: 1 / np.sqrt(x), lambda g, y, x: g * -0.5 * y / x,
           lambda b, x: b.div(b.const(1.0), b.sqrt(x)), "1 / sqrt(x)",
           domain=(POSITIVE,), cost=12),
    _unary("abs", np.abs, lambda g, y, x: g * _sign(x), lambda b, x: b.abs(x), "absolute value",
           smooth=False),
    _unary("sign", np.sign, None, approx.sign, "-1, 0 or 1", smooth=False),
    _unary("floor", np.floor, None, lambda b, x: b.floor(x), "largest integer not above x",
           smooth=False),
    _unary("sin", np.sin, lambda g, y, x: g * _cos(x), approx.sin, "sine", cost=20),
    _unary("cos", np.cos, lambda g, y, x: g * -_sin(x), approx.cos, "cosine", cost=20),
    _unary("relu", lambda x: np.where(np.isnan(x) | (x > 0), x, x.dtype.type(0)),
           lambda g, y, x: zero_unless(_gt(x, 0.0), g),
           lambda b, x: b.maximum(x, b.const(0.0)), "max(x, 0)", smooth=False),
)  # fmt: skip

BINARY = (
    _binary("add", "+", np.add, (lambda g, y, a, b: g, lambda g, y, a, b: g),
            lambda b, x, y: b.add(x, y), "sum"),
    _binary("sub", "-", np.subtract, (lambda g, y, a, b: g, lambda g, y, a, b: -g),
            lambda b, x, y: b.sub(x, y), "difference"),
    _binary("mul", "*", np.multiply, (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
            lambda b, x, y: b.mul(x, y), "elementwise (Hadamard) product"),
    _binary("div", "/", np.divide, (lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * y / b)),
            lambda b, x, y: b.div(x, y), "quotient", domain=(REAL_LINE, POSITIVE), cost=6),
    _binary("pow", "**", np.power,
            (lambda g, y, a, b: g * b * a ** (b - 1.0), lambda g, y, a, b: g * y * _log(a)),
            approx.power, "a to the power of b", domain=(POSITIVE, (-2.0, 3.0)), cost=40),
    _binary("maximum", "", np.maximum,
            (lambda g, y, a, b: zero_unless(_ge(a, b), g),
             lambda g, y, a, b: zero_unless(_lt(a, b), g)),
            lambda b, x, y: b.maximum(x, y), "the larger of two", smooth=False),
    _binary("minimum", "", np.minimum,
            (lambda g, y, a, b: zero_unless(_call("le")(a, b), g),
             lambda g, y, a, b: zero_unless(_gt(a, b), g)),
            lambda b, x, y: b.minimum(x, y), "the smaller of two", smooth=False),
    _binary("mod", "%", lambda a, b: a - np.floor(a / b) * b,
            (lambda g, y, a, b: g, lambda g, y, a, b: -(g * _floor(a / b))),
            approx.mod, "remainder with the sign of b", domain=(REAL_LINE, POSITIVE), cost=10,
            smooth=False),
    _comparison("lt", "<", np.less, "less than"),
    _comparison("le", "<=", np.less_equal, "at most"),
    _comparison("gt", ">", np.greater, "greater than"),
    _comparison("ge", ">=", np.greater_equal, "at least"),
    _comparison("eq", "==", np.equal, "equal"),
    _comparison("ne", "!=", np.not_equal, "not equal"),
    _binary("and_", "and", np.logical_and, (None, None), lambda b, x, y: b.mask_and(x, y),
            "both hold", dtype=_bool, smooth=False),
    _binary("or_", "or", np.logical_or, (None, None), lambda b, x, y: b.mask_or(x, y),
            "either holds", dtype=_bool, smooth=False),
)  # fmt: skip

OTHER = (
    Op("not_", 1, "elementwise", _same_shape("not"), "does not hold", symbol="not",
       reference=np.logical_not, derivative=(None,), emit=lambda b, x: b.mask_not(x),
       dtype=_bool, smooth=False),
    Op("where", 3, "elementwise", _where_shape, "a where p holds, else b",
       reference=np.where, dtype=_where_dtype,
       derivative=(None, lambda g, y, p, a, b: zero_unless(p, g),
                   lambda g, y, p, a, b: zero_unless(_not(p), g)),
       emit=lambda b, p, x, y: b.select(p, x, y),
       domain=((-1.0, 1.0), REAL_LINE, REAL_LINE)),
    Op("stop_gradient", 1, "elementwise", _same_shape("stop_gradient"),
       "its operand, held constant by differentiation", reference=lambda x: x,
       derivative=(None,), emit=lambda b, x: x, cost=0, domain=(REAL_LINE,), smooth=False,
       dtype=_kept),
    Op("spread", 1, "elementwise", lambda shape, to: shape,
       "its operand, as a value that varies from row to row, or from step to step",
       reference=lambda x, to: x, derivative=(lambda g, y, x: g,), emit=lambda b, x: x, cost=0,
       domain=(REAL_LINE,), dtype=_kept),
)  # fmt: skip

ROWS: tuple[Op, ...] = UNARY + BINARY + OTHER
