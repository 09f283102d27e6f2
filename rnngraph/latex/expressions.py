r"""Expressions as LaTeX: ``f * c + u * g`` is ``f_{t} \odot c_{t-1} + u_{t} \odot g_{t}``.

A product with a number is written side by side, an elementwise one with \odot, that of a matrix
side by side; a quotient is a fraction, but on one line in exponents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..syntax.tree import (
    Binary,
    Call,
    Expr,
    Index,
    Join,
    Name,
    Number,
    Slice,
    Transpose,
    Unary,
)
from .calls import CALLS, Writer, Written, by_name, largest
from .known import BEFORE, Known
from .levels import (
    AND,
    ATOM,
    COMPARISON,
    NEGATED,
    NOT,
    OR,
    POWER,
    PRODUCT,
    SUM,
    TIMES,
    bracketed,
)
from .symbols import number, symbol

# sign, level, what the left and the right operand must bind
INFIX = {
    "or": (r"\lor", OR, OR, AND), "and": (r"\land", AND, AND, NOT),
    "<": ("<", COMPARISON, SUM, SUM), "<=": (r"\le", COMPARISON, SUM, SUM),
    ">": (">", COMPARISON, SUM, SUM), ">=": (r"\ge", COMPARISON, SUM, SUM),
    "==": ("=", COMPARISON, SUM, SUM), "!=": (r"\ne", COMPARISON, SUM, SUM),
    "+": ("+", SUM, SUM, PRODUCT), "-": ("-", SUM, SUM, PRODUCT),
    "%": (r"\bmod", PRODUCT, PRODUCT, TIMES),
}  # fmt: skip


class Spelling(Writer):
    """Writes the expressions of one cell; ``flat`` has no fractions."""

    def __init__(self, known: Known, flat: bool = False) -> None:
        self.known, self.flat = known, flat

    def spelled(self, e: Expr, level: int = 0) -> str:
        """An expression, in brackets where it binds more loosely than ``level``."""
        text, own = self.written(e)
        return bracketed(text) if own < level else text

    def written(self, e: Expr) -> Written:
        """An expression and how strongly it binds."""
        return EXPRESSIONS[type(e)](self, e)

    def number(self, e: Number) -> Written:
        text = number(e.value)
        return text, TIMES if r"\times" in text else ATOM

    def name(self, e: Name) -> Written:
        tense = self.known.tense(e)
        return symbol(e.id, *([tense] if tense else [])), ATOM

    def unary(self, e: Unary) -> Written:
        if e.op == "not":
            return rf"\lnot {self.spelled(e.operand, ATOM)}", NOT
        return "-" + self.spelled(e.operand, PRODUCT), NEGATED

    def transpose(self, e: Transpose) -> Written:
        return f"{{{self.spelled(e.value, ATOM)}}}^{{\\top}}", ATOM

    def join(self, e: Join) -> Written:
        return bracketed(r";\, ".join(map(self.spelled, e.parts)), "[]"), ATOM

    def slice(self, e: Slice) -> Written:
        ends = ("" if end is None else self.spelled(end) for end in (e.start, e.stop))
        return "{:}".join(ends), ATOM

    def index(self, e: Index) -> Written:
        """One place of an array is a superscript; a window stands in brackets behind it."""
        inside = r",\, ".join(map(self.spelled, e.indices))
        value = self.spelled(e.value, ATOM)
        windows = any(isinstance(i, Slice) for i in e.indices)
        return (rf"{value}[{inside}]" if windows else rf"{value}^{{({inside})}}"), ATOM

    def call(self, e: Call) -> Written:
        name = e.function.id
        own = name in self.known.functions or name in self.known.inner
        return by_name(name)(self, e) if own else CALLS[name].style(self, e)

    def earlier(self, e: Expr, steps: Expr | None) -> str:
        """``prev``: the step is counted on from the one that the name is of."""
        assert isinstance(e, Name)
        before = self.known.tense(e) == BEFORE
        if steps is None or isinstance(steps, Number):
            return symbol(e.id, f"t-{before + (1 if steps is None else int(steps.value))}")
        return symbol(e.id, f"t-{'1-' * before}{self.spelled(steps, PRODUCT)}")

    # --- operators ---------------------------------------------------------------------

    def binary(self, e: Binary) -> Written:
        return BINARY[e.op](self, e)

    def infix(self, e: Binary) -> Written:
        sign, level, left, right = INFIX[e.op]
        return f"{self.spelled(e.left, left)} {sign} {self.spelled(e.right, right)}", level

    def elementwise(self, e: Binary) -> Written:
        """A product of arrays; a number stands beside what it scales."""
        if 0 in (self.rank(e.left), self.rank(e.right)):
            return self.scaled(e)
        left, level = self.first(e.left, TIMES if _is_sum(e.left) else PRODUCT)
        right = self.spelled(e.right, TIMES)
        left, right = (bracketed(text) if _is_product(part) else text
                       for part, text in ((e.left, left), (e.right, right)))
        return rf"{left} \odot {right}", level

    def scaled(self, e: Binary) -> Written:
        left, level = self.first(e.left, TIMES)
        right = self.spelled(e.right, TIMES)
        return left + (r" \cdot " if right[0].isdigit() else r"\, ") + right, level

    def first(self, e: Expr, level: int) -> Written:
        """The left operand of a product, and how strongly the product binds with it."""
        text, own = self.written(e)
        if own == NEGATED:
            return text, NEGATED
        return (bracketed(text) if own < level else text), level

    def quotient(self, e: Binary) -> Written:
        if self.flat:
            return self.on_one_line(e)
        return rf"\frac{{{self.spelled(e.left)}}}{{{self.spelled(e.right)}}}", TIMES

    def on_one_line(self, e: Binary) -> Written:
        left, level = self.first(e.left, TIMES)
        return f"{left} / {self.spelled(e.right, POWER)}", level

    def power(self, e: Binary) -> Written:
        exponent = Spelling(self.known, flat=True).spelled(e.right)
        return f"{self.spelled(e.left, ATOM)}^{{{exponent}}}", POWER

    def product(self, e: Binary) -> Written:
        """A product of matrices and vectors; a vector on the left lies down."""
        left, level = self.first(e.left, TIMES)
        if self.rank(e.left) == 1:
            left = f"{{{self.spelled(e.left, ATOM)}}}^{{\\top}}"
        return rf"{left}\, {self.spelled(e.right, POWER)}", level

    # --- axes --------------------------------------------------------------------------

    def rank(self, e: Expr) -> int | None:
        """How many axes a value has, None where that is not known."""
        return RANKS[type(e)](self, e)

    def name_rank(self, e: Name) -> int | None:
        return self.known.ranks.get(str(e))

    def binary_rank(self, e: Binary) -> int | None:
        if e.op != "@":
            return largest(self, (e.left, e.right))
        left, right = self.rank(e.left), self.rank(e.right)
        if left is None or right is None:
            return None
        return max(left, right) - (left != right or left == 1)

    def call_rank(self, e: Call) -> int | None:
        name = e.function.id
        if name in self.known.inner:
            return None
        if name not in self.known.functions:
            return CALLS[name].rank(self, e)
        fn = self.known.functions[name]
        given = dict(zip((p.name for p in fn.parameters), e.arguments, strict=False))
        given |= {k.name: k.value for k in e.keywords}
        ranks = {p.name: self.rank(given[p.name]) if p.name in given else 0 for p in fn.parameters}
        return Spelling(self.known.inside(ranks)).rank(fn.body)

    def index_rank(self, e: Index) -> int | None:
        rank = self.rank(e.value)
        places = sum(not isinstance(i, Slice) for i in e.indices)
        return None if rank is None else rank - places

    def join_rank(self, e: Join) -> int | None:
        rank = largest(self, e.parts)
        return None if rank is None else max(rank, 1)


def _is_product(e: Expr) -> bool:
    """A product of matrices, which a reader could take to go on behind an elementwise sign."""
    return isinstance(e, Binary) and e.op == "@"


def _is_sum(e: Expr) -> bool:
    """A sum along an axis, which a reader could take to hold all that follows."""
    return isinstance(e, Call) and e.function.id == "sum"


BINARY: dict[str, Callable[[Spelling, Binary], Written]] = {
    **dict.fromkeys(INFIX, Spelling.infix), "*": Spelling.elementwise, "/": Spelling.quotient,
    "//": Spelling.on_one_line, "**": Spelling.power, "@": Spelling.product,
}  # fmt: skip
EXPRESSIONS: dict[type, Callable[[Spelling, Any], Written]] = {
    Number: Spelling.number, Name: Spelling.name, Unary: Spelling.unary,
    Binary: Spelling.binary, Call: Spelling.call, Index: Spelling.index, Slice: Spelling.slice,
    Join: Spelling.join, Transpose: Spelling.transpose,
}  # fmt: skip
RANKS: dict[type, Callable[[Spelling, Any], int | None]] = {
    Number: lambda self, e: 0, Name: Spelling.name_rank,
    Unary: lambda self, e: self.rank(e.operand), Binary: Spelling.binary_rank,
    Call: Spelling.call_rank, Index: Spelling.index_rank, Slice: lambda self, e: None,
    Join: Spelling.join_rank, Transpose: lambda self, e: self.rank(e.value),
}  # fmt: skip
