"""Expressions, by precedence climbing over the tokens of one statement.

    loosest   or
              and
              not
              < <= > >= == !=            (one comparison, not a chain)
              + -
              * / // % @                 from left to right
              -x
              **                         from right to left
    tightest  f(x)  v[0:H]  W.T  h'

A statement stops at its first mistake; the next statement starts afresh.  The height of the tree
is bounded, so that whatever walks it later may recurse.
"""

from __future__ import annotations

import unicodedata

from ..source import Diagnostic, Span
from .lexer import Statement, Token
from .tree import (
    Binary,
    Call,
    Expr,
    Index,
    Join,
    Keyword,
    Name,
    Number,
    Slice,
    Transpose,
    Unary,
)

MAX_HEIGHT = 100
MAX_DIGITS = 18

_LEVEL = {
    "or": 1, "and": 2,
    "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "@": 6, "**": 8,
}  # fmt: skip
_NOT, _COMPARE, _NEGATE, _POWER = 3, 4, 7, 8
_FUNCTION_SPELLING = {"σ": "sigmoid", "√": "sqrt"}


class Stop(Exception):
    """Ends the reading of a statement; carries the report."""

    def __init__(self, report: Diagnostic) -> None:
        super().__init__(report.message)
        self.report = report


class Reader:
    """The tokens of one statement, read from left to right."""

    def __init__(self, statement: Statement) -> None:
        self.tokens = statement.tokens
        self.place = 0
        self.heights: dict[int, int] = {}
        self.depth = 0

    # --- tokens ------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The text of the next token if it is an operator or word, "" at the end."""
        if self.place >= len(self.tokens) or self.tokens[self.place].kind == "string":
            return ""
        return self.tokens[self.place].text

    @property
    def kind(self) -> str:
        """The kind of the next token, "" at the end."""
        return self.tokens[self.place].kind if self.place < len(self.tokens) else ""

    @property
    def here(self) -> Span:
        """Where the next token is; at the end of the line, the place behind it."""
        if self.place < len(self.tokens):
            return self.tokens[self.place].span
        end = self.tokens[-1].span.end
        return Span(end, end + 1)

    def since(self, start: Span) -> Span:
        """From ``start`` to the end of the last token read."""
        return start.to(self.tokens[self.place - 1].span)

    def take(self) -> Token:
        """Read one token."""
        self.place += 1
        return self.tokens[self.place - 1]

    def accept(self, text: str) -> bool:
        """Read the next token if it is ``text``."""
        if self.text != text:
            return False
        self.place += 1
        return True

    def expect(self, text: str, what: str) -> Token:
        """Read ``text`` or report that ``what`` is missing."""
        if self.text != text:
            raise self.stop(f"expected '{text}' {what}")
        return self.take()

    def name(self, what: str) -> Token:
        """Read a name."""
        if self.kind != "name":
            raise self.stop(f"expected {what}")
        return self.take()

    def string(self) -> str:
        """Read a string if there is one, else ""."""
        if self.kind != "string":
            return ""
        return self.take().text[1:-1].replace('\\"', '"').replace("\\\\", "\\")

    def end(self, what: str) -> None:
        """Report anything that is left."""
        if self.kind:
            raise self.stop(f"expected the end of the line {what}")

    def stop(self, message: str, span: Span | None = None, *notes: str) -> Stop:
        """A report at the next token, which it names."""
        if span is None:
            span, found = self.here, self._found()
            message = f"{message}, found {found}"
        return Stop(Diagnostic(message, span, notes=tuple((n, None) for n in notes)))

    def _found(self) -> str:
        if not self.kind:
            return "the end of the line"
        return "a string" if self.kind == "string" else f"'{self.text}'"

    # --- expressions -------------------------------------------------------------------

    def expression(self, level: int = 1) -> Expr:
        """Read an expression whose operators bind at least as tightly as ``level``."""
        self.depth += 1
        if self.depth > MAX_HEIGHT:
            raise self.stop(_TOO_DEEP, self.here)
        left = self._prefixed()
        while self.text in _LEVEL and _LEVEL[self.text] >= level:
            left = self._binary(left)
        self.depth -= 1
        return left

    def _binary(self, left: Expr) -> Expr:
        token = self.take()
        level = _LEVEL[token.text]
        right = self.expression(level if level == _POWER else level + 1)
        made = Binary(token.text, left, right, span=left.span.to(right.span), op_span=token.span)
        if level == _COMPARE and self.text in _LEVEL and _LEVEL[self.text] == _COMPARE:
            raise self.stop(
                "comparisons do not chain", self.here, f"write a {token.text} b and b {self.text} c"
            )
        return self._tall(made, left, right)

    def _prefixed(self) -> Expr:
        if self.text not in ("-", "not"):
            return self._postfixed()
        token = self.take()
        operand = self.expression(_NEGATE if token.text == "-" else _NOT)
        return self._tall(Unary(token.text, operand, span=self.since(token.span)), operand)

    def _tall(self, made: Expr, *parts: Expr) -> Expr:
        height = 1 + max((self.heights.get(id(part), 0) for part in parts), default=0)
        if height > MAX_HEIGHT:
            raise self.stop(_TOO_DEEP, made.span)
        self.heights[id(made)] = height
        return made

    def _postfixed(self) -> Expr:
        value = self._primary()
        while True:
            if self.text == "(":
                value = self._call(value)
            elif self.text == "[":
                value = self._index(value)
            elif self.text == "." or self.text == "ᵀ":
                value = self._transpose(value)
            elif self.text in ("²", "³"):
                value = self._raised(value)
            else:
                return value

    def _primary(self) -> Expr:
        if self.kind == "number":
            return self._number()
        if self.kind == "name":
            return self.reference("a name")
        if self.text == "(":
            start = self.take().span
            value = self.expression()
            self.expect(")", "to close the bracket")
            return _spanning(value, self.since(start), self)
        if self.text == "[":
            return self._join()
        raise self.stop("expected a value")

    def reference(self, what: str) -> Name:
        """Read a name with or without a prime."""
        token = self.name(what)
        primed = self.accept("'")
        if primed and self.text == "'":
            raise self.stop("a value has one prime at most", self.here)
        return Name(token.text, primed, span=self.since(token.span))

    def _number(self) -> Number:
        token = self.take()
        if self.kind == "name" and self.here.start == token.span.end:
            name = self.text
            raise self.stop(
                f"expected an operator between '{token.text}' and '{name}'",
                token.span.to(self.here),
                f"a product is written {token.text} * {name}",
            )
        return Number(_value(token), span=token.span)

    def _join(self) -> Expr:
        start = self.take().span
        parts = self.listed("]", "a value")
        made = Join(parts, span=self.since(start))
        return self._tall(made, *parts)

    def listed(self, close: str, what: str) -> tuple[Expr, ...]:
        """Read ``a, b, ...`` up to and with the closing bracket; a last comma is allowed."""
        parts: list[Expr] = []
        while not self.accept(close):
            parts.append(self.expression())
            if self.text != close:
                self.expect(",", f"or '{close}' after {what}")
        return tuple(parts)

    def _call(self, function: Expr) -> Expr:
        if not isinstance(function, Name) or function.primed:
            raise self.stop(
                "only a name can be called", function.span, "a product is written a * b"
            )
        self.take()
        arguments, keywords = self._arguments()
        name = _FUNCTION_SPELLING.get(function.id, function.id)
        callee = Name(name, span=function.span)
        made = Call(callee, arguments, keywords, span=self.since(function.span))
        return self._tall(made, *arguments, *(k.value for k in keywords))

    def _arguments(self) -> tuple[tuple[Expr, ...], tuple[Keyword, ...]]:
        arguments: list[Expr] = []
        keywords: list[Keyword] = []
        while not self.accept(")"):
            if self.kind == "name" and self._next_text() == "=":
                token = self.take()
                self.take()
                value = self.expression()
                keywords.append(Keyword(token.text, value, span=self.since(token.span)))
            elif keywords:
                raise self.stop("values come before named arguments", self.here)
            else:
                arguments.append(self.expression())
            if self.text != ")":
                self.expect(",", "or ')' after an argument")
        return tuple(arguments), tuple(keywords)

    def _next_text(self) -> str:
        after = self.place + 1
        return self.tokens[after].text if after < len(self.tokens) else ""

    def _index(self, value: Expr) -> Expr:
        self.take()
        indices: list[Expr] = []
        while not self.accept("]"):
            indices.append(self._range())
            if self.text != "]":
                self.expect(",", "or ']' after an index")
        span = self.since(value.span)
        if not indices:
            raise self.stop("an index is missing between '[' and ']'", span)
        return self._tall(Index(value, tuple(indices), span=span), value, *indices)

    def _range(self) -> Expr:
        start_span = self.here
        start = None if self.text == ":" else self.expression()
        if start is not None and self.text != ":":
            return start
        self.expect(":", "in a slice")
        stop = None if self.text in ("]", ",") else self.expression()
        parts = [part for part in (start, stop) if part is not None]
        return self._tall(Slice(start, stop, span=self.since(start_span)), *parts)

    def _transpose(self, value: Expr) -> Expr:
        if self.take().text == ".":
            token = self.name("'T' after '.'")
            if token.text != "T":
                raise self.stop(f"'.{token.text}' is unknown; a value only has '.T'", token.span)
        return self._tall(Transpose(value, span=self.since(value.span)), value)

    def _raised(self, value: Expr) -> Expr:
        token = self.take()
        power = Number(unicodedata.digit(token.text), span=token.span)
        span = self.since(value.span)
        return self._tall(Binary("**", value, power, span=span, op_span=token.span), value)


_TOO_DEEP = f"an expression is nested more than {MAX_HEIGHT} deep; give a part of it a name"


def _spanning(value: Expr, span: Span, reader: Reader) -> Expr:
    """The same expression with its parentheses counted in, so that carets cover them."""
    fields = {k: v for k, v in vars(value).items() if k != "span"}
    made = type(value)(**fields, span=span)
    reader.heights[id(made)] = reader.heights.get(id(value), 0)
    return made


def _value(token: Token) -> int | float:
    if token.text.isdigit():
        if len(token.text) > MAX_DIGITS:
            raise Stop(Diagnostic("this number is too large", token.span))
        return int(token.text)
    value = float(token.text)
    if value == float("inf"):
        raise Stop(Diagnostic("this number is too large", token.span))
    return value
