r"""How calls of the language's functions are written.

    Row   ::= style, rank        text and level of a call; axes of its value
    style ::= applied            \tanh(v), \mathrm{softmax}_{axis 0}(v)
            | around             \left| v \right|
            | a way of its own   \frac{1}{\sqrt{v}}, a \otimes b

Every function that the language has stands in ``CALLS``; those of a cell are set by their name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..syntax.tree import Call, Expr, Join
from . import symbols
from .levels import ATOM, COMPARISON, PRODUCT, SUM, TIMES, bracketed

Written = tuple[str, int]  # text, level


class Writer(Protocol):
    """What a call asks of the writer of expressions."""

    def spelled(self, e: Expr, level: int = 0) -> str: ...
    def written(self, e: Expr) -> Written: ...
    def earlier(self, e: Expr, steps: Expr | None) -> str: ...
    def rank(self, e: Expr) -> int | None: ...


Style = Callable[[Writer, Call], Written]
Rank = Callable[[Writer, Call], "int | None"]


# --- axes of results -----------------------------------------------------------------------------


def largest(writer: Writer, parts: Sequence[Expr]) -> int | None:
    """Axes of an elementwise result: None where an operand's are not known."""
    ranks = [writer.rank(part) for part in parts]
    known = [rank for rank in ranks if rank is not None]
    return max(known, default=0) if len(known) == len(ranks) else None


def _alike(writer: Writer, call: Call) -> int | None:
    return largest(writer, call.arguments)


def _reduced(writer: Writer, call: Call) -> int | None:
    """Of a sum along an axis; of the largest of several values, elementwise."""
    rank = _alike(writer, call)
    return rank if len(call.arguments) > 1 or rank is None else max(rank - 1, 0)


def _listed(writer: Writer, call: Call) -> int | None:
    return len(_dims(call.arguments[-1:])) if call.arguments else 0


def _argument(place: int, more: int = 0) -> Rank:
    def rank(writer: Writer, call: Call) -> int | None:
        found = writer.rank(call.arguments[place])
        return None if found is None else found + more

    return rank


def _always(rank: int) -> Rank:
    return lambda writer, call: rank


# --- styles ------------------------------------------------------------------------------------


def applied(name: str) -> Style:
    """``name(v, w; key = value)``, axes below the name."""

    def style(writer: Writer, call: Call) -> Written:
        named = [k for k in call.keywords if k.name != "axis"]
        inside = r",\, ".join(map(writer.spelled, call.arguments))
        inside += "".join(rf";\, {symbols.symbol(k.name)} = {writer.spelled(k.value)}"
                          for k in named)  # fmt: skip
        return name + _below(_axes(writer, call)) + bracketed(inside), ATOM

    return style


def around(left: str, right: str) -> Style:
    """Signs on both sides of the only argument."""

    def style(writer: Writer, call: Call) -> Written:
        inside = writer.spelled(call.arguments[0])
        return rf"\left{left} {inside} \right{right}" + _below(_axes(writer, call)), ATOM

    return style


def pattern(form: str, level: int, operand: int = 0) -> Style:
    """A form with ``@`` where the argument stands."""

    def style(writer: Writer, call: Call) -> Written:
        return form.replace("@", writer.spelled(call.arguments[0], operand)), level

    return style


def _axes(writer: Writer, call: Call) -> list[str]:
    """What ``axis=`` says; the last axis goes without saying."""
    found = next((k.value for k in call.keywords if k.name == "axis"), None)
    if found is None:
        return []
    return [symbols.axis([writer.spelled(part) for part in _dims([found])])]


def _below(parts: Sequence[str]) -> str:
    return f"_{{{', '.join(parts)}}}" if parts else ""


def _dims(parts: Sequence[Expr]) -> list[Expr]:
    """Sizes or axes, one by one or in a list."""
    return [dim for part in parts for dim in (part.parts if isinstance(part, Join) else (part,))]


def _times(writer: Writer, dims: Sequence[Expr]) -> list[str]:
    """A shape below a name."""
    return [r" \times ".join(writer.spelled(dim, TIMES) for dim in dims)] if dims else []


def _sum(writer: Writer, call: Call) -> Written:
    operand = writer.spelled(call.arguments[0], ATOM)
    return rf"\sum{_below(_axes(writer, call))} {operand}", PRODUCT


def _outer(writer: Writer, call: Call) -> Written:
    left, right = (writer.spelled(part, TIMES) for part in call.arguments)
    return rf"{left} \otimes {right}", PRODUCT


def _dot(writer: Writer, call: Call) -> Written:
    inside = r",\, ".join(map(writer.spelled, call.arguments))
    return rf"\left\langle {inside} \right\rangle", ATOM


def _reshape(writer: Writer, call: Call) -> Written:
    value, shape = call.arguments
    below = _below(_times(writer, _dims([shape])))
    return rf"\mathrm{{reshape}}{below}{bracketed(writer.spelled(value))}", ATOM


def _filled(letter: str) -> Style:
    """A constant array with its shape below."""

    def style(writer: Writer, call: Call) -> Written:
        return letter + _below(_times(writer, _dims(call.arguments))), ATOM

    return style


def _expand(writer: Writer, call: Call) -> Written:
    """A number stands beside any array as it is; else it is said which axes are new."""
    value = call.arguments[0]
    if writer.rank(value) == 0:
        return writer.written(value)
    below = _below(_axes(writer, call))
    return rf"\mathrm{{expand}}{below}{bracketed(writer.spelled(value))}", ATOM


def _concat(writer: Writer, call: Call) -> Written:
    inside = r";\, ".join(map(writer.spelled, call.arguments))
    return bracketed(inside, "[]") + _below(_axes(writer, call)), ATOM


def _split(writer: Writer, call: Call) -> Written:
    value, parts = call.arguments
    below = _below([writer.spelled(parts), *_axes(writer, call)])
    return rf"\mathrm{{split}}{below}{bracketed(writer.spelled(value))}", ATOM


def _prev(writer: Writer, call: Call) -> Written:
    steps = [*call.arguments[1:], *(k.value for k in call.keywords)]
    return writer.earlier(call.arguments[0], steps[0] if steps else None), ATOM


def _where(writer: Writer, call: Call) -> Written:
    rows, rest = [], call
    while True:
        condition, yes, no = rest.arguments
        rows.append(rf"{writer.spelled(yes)} & \text{{if }} {writer.spelled(condition)}")
        if not isinstance(no, Call) or no.function.id != "where":
            break
        rest = no
    rows.append(rf"{writer.spelled(no)} & \text{{otherwise}}")
    return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}", COMPARISON


# --- the functions -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A function of the language: how a call is written, and how many axes its value has."""

    style: Style
    rank: Rank = _alike


def by_name(name: str) -> Style:
    """A function that has no sign of its own."""
    return applied(symbols.operator(name) if len(name) > 1 else symbols.symbol(name))


TITLES = {"relu": "ReLU", "silu": "SiLU", "gelu": "GELU", "elu": "ELU", "leaky_relu": "LeakyReLU",
          "layer_norm": "LayerNorm", "rms_norm": "RMSNorm"}  # fmt: skip
WORDS = ("sign", "softplus", "softsign", "swish", "clip", "centred", "shifted", "standardised",
         "hard_sigmoid", "hard_tanh", "softmax", "stop_gradient")  # fmt: skip

CALLS: dict[str, Row] = {
    **{name: Row(applied("\\" + name)) for name in ("tanh", "exp", "log", "sin", "cos")},
    **{name: Row(by_name(name)) for name in WORDS},
    **{name: Row(by_name(title)) for name, title in TITLES.items()},
    "sigmoid": Row(applied(r"\sigma")),
    "log_sigmoid": Row(applied(r"\log\sigma")),
    "log_softmax": Row(applied(r"\log\mathrm{softmax}")),
    "sqrt": Row(pattern(r"\sqrt{@}", ATOM)),
    "rsqrt": Row(pattern(r"\frac{1}{\sqrt{@}}", TIMES)),
    "expm1": Row(pattern(r"e^{@} - 1", SUM)),
    "log1p": Row(pattern(r"\log\left(1 + @\right)", ATOM, PRODUCT)),
    "abs": Row(around("|", "|")),
    "floor": Row(around(r"\lfloor", r"\rfloor")),
    "norm": Row(around(r"\|", r"\|"), _reduced),
    "where": Row(_where),
    "identity": Row(lambda writer, call: writer.written(call.arguments[0])),
    "maximum": Row(applied(r"\max")),
    "minimum": Row(applied(r"\min")),
    "max": Row(applied(r"\max"), _reduced),
    "min": Row(applied(r"\min"), _reduced),
    "largest": Row(applied(r"\max"), _reduced),
    "sum": Row(_sum, _reduced),
    "mean": Row(by_name("mean"), _reduced),
    "var": Row(by_name("Var"), _reduced),
    "logsumexp": Row(applied(r"\log\sum\exp"), _reduced),
    "dot": Row(_dot, _always(0)),
    "cross_entropy": Row(by_name("CrossEntropy"), _always(0)),
    "size": Row(by_name("size"), _always(0)),
    "outer": Row(_outer, _argument(0, more=1)),
    "transpose": Row(pattern(r"{@}^{\top}", ATOM, ATOM), _argument(0)),
    "eye": Row(_filled(r"\mathbf{I}"), _always(2)),
    "zeros": Row(_filled(r"\mathbf{0}"), _listed),
    "ones": Row(_filled(r"\mathbf{1}"), _listed),
    "reshape": Row(_reshape, _listed),
    "expand": Row(_expand, _argument(1)),
    "concat": Row(_concat),
    "split": Row(_split, _argument(0)),
    "prev": Row(_prev, _argument(0)),
}
