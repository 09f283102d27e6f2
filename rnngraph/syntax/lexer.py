"""Text to statements: tokens by one regular expression, then lines by their brackets.

    Token     ::= kind, text, span         kind in {name, number, string, op}
    Statement ::= indent, tokens           one logical line

A logical line goes on while a bracket is open or its last token asks for more (an operator, a
comma).  A bracket that is never closed must not swallow the rest of the file, so a line that
looks like a new statement and is not indented deeper ends it: each line's mistakes stay its own.
Imports only ``source``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..source import Diagnostic, Source, Span

MAX_TEXT = 1 << 20
MAX_WORDS = 100_000
MAX_NESTING = 64

# Letters as Unicode has them, with combining marks (c̃) and subscripts (h₁), but not the signs
# that mean an operation (Wᵀ, x²).
_MARKS = "\u0300-\u036f\u20d0-\u20ff"
_SIGNS = "ᵀ⁰¹²³⁴⁵⁶⁷⁸⁹"
_TOKEN = re.compile(
    rf"""
      (?P<newline> \n )
    | (?P<blank>   [^\S\n]+ | \#[^\n]* | \ufeff )
    | (?P<name>    (?![{_SIGNS}])[^\W\d] (?: (?![{_SIGNS}])[\w{_MARKS}] )* )
    | (?P<number>  (?: [0-9]+ (?: \.(?!\.)[0-9]* )? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? )
    | (?P<string>  "(?: [^"\\\n] | \\[^\n] )*" )
    | (?P<op>      \*\* | // | <= | >= | == | != | \.\.
                 | [-+*/%@<>=~()\[\],:.'] | [⊙∘×·−÷≤≥≠′ᵀ²³] )
    | (?P<open>    "[^\n]* )
    | (?P<bad>     . )
    """,
    re.VERBOSE | re.DOTALL,
)
_SPELLING = {
    "⊙": "*", "∘": "*", "×": "*", "·": "@", "−": "-", "÷": "/",
    "≤": "<=", "≥": ">=", "≠": "!=", "′": "'",
}  # fmt: skip
_CLOSES = {")": "(", "]": "["}
_CONTINUES = frozenset(
    {"+", "-", "*", "/", "//", "%", "@", "**", "<", "<=", ">", ">=", "==", "!=", ",", "=", "~"}
)
KEYWORDS = (
    "cell", "family", "source", "input", "context", "state", "param", "const", "noise", "use",
    "fn", "repeat", "output",
)  # fmt: skip
OPERATOR_WORDS = ("and", "or", "not")


class Token(NamedTuple):
    """A word of the text; operators are in their ASCII spelling, names in Unicode form NFC."""

    kind: str
    text: str
    span: Span


@dataclass(frozen=True)
class Statement:
    """One logical line."""

    indent: int
    tokens: tuple[Token, ...]


def is_keyword(tokens: list[Token] | tuple[Token, ...]) -> bool:
    """Whether the line declares something; ``input = a + b`` is an equation like any other."""
    if tokens[0].kind != "name" or tokens[0].text not in KEYWORDS:
        return False
    return len(tokens) < 2 or tokens[1].text not in ("=", "'", ",")


def read(source: Source) -> tuple[list[Statement], list[Statement], list[Diagnostic]]:
    """Split a text into statements; those with a broken bracket or sign come second."""
    if len(source.text) > MAX_TEXT:
        end = Span(MAX_TEXT, MAX_TEXT + 1)
        text = f"a cell's text has at most {MAX_TEXT} characters, this one has {len(source.text)}"
        return [], [], [Diagnostic(text, end)]
    return _Layout(source).run()


class _Layout:
    """The state of reading line by line: the statement so far and its open brackets."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.reports: list[Diagnostic] = []
        self.statements: list[Statement] = []
        self.lost: list[Statement] = []
        self.tokens: list[Token] = []
        self.open: list[Token] = []
        self.indent = 0
        self.broken = False
        self.too_long = False

    def run(self) -> tuple[list[Statement], list[Statement], list[Diagnostic]]:
        for indent, tokens, bad in self._lines():
            if self.tokens and not self._goes_on(indent, tokens):
                self._finish()
            if not self.tokens:
                self.indent = indent
            self.broken |= bad
            for token in tokens:
                self._bracket(token)
            self.tokens += tokens
        if self.tokens:
            self._finish()
        return ([] if self.too_long else self.statements), self.lost, self.reports

    def _lines(self) -> Iterator[tuple[int, list[Token], bool]]:
        """Physical lines with tokens: indentation, tokens, whether some were unreadable."""
        line: list[Token] = []
        start, indent, words, last_bad, bad = 0, 0, 0, -1, False
        for match in _TOKEN.finditer(self.source.text):
            kind = match.lastgroup
            if kind == "newline":
                if line:
                    yield indent, line, bad
                line, bad, start = [], False, match.end()
            elif kind in ("bad", "open"):
                if match.start() != last_bad:
                    self._unreadable(kind, match)
                bad, last_bad = True, match.end()
            elif kind != "blank":
                words += 1
                if words > MAX_WORDS:
                    self._too_long(match.start())
                    break
                if not line:
                    indent = match.start() - start
                line.append(_token(kind or "", match))
        if line:
            yield indent, line, bad

    def _too_long(self, start: int) -> None:
        text = f"a cell has at most {MAX_WORDS} words and signs, this one has more"
        self.reports.append(Diagnostic(text, Span(start, start + 1)))
        self.too_long = True

    def _unreadable(self, kind: str, match: re.Match[str]) -> None:
        span = Span(*match.span())
        if kind == "open":
            self.reports.append(Diagnostic("this string is never closed", span))
            return
        code = f"U+{ord(match[0]):04X}"
        name = unicodedata.name(match[0], "a control character" if ord(match[0]) < 32 else code)
        shown = f"'{match[0]}'" if match[0].isprintable() else code
        text = f"{shown} has no meaning in a cell"
        notes = () if match[0].isascii() and match[0].isprintable() else ((f"it is {name}", None),)
        self.reports.append(Diagnostic(text, span, notes=notes))

    def _goes_on(self, indent: int, tokens: list[Token]) -> bool:
        if self.broken or not (self.open or self.tokens[-1].text in _CONTINUES):
            return False
        return indent > self.indent or not _begins_statement(tokens)

    def _bracket(self, token: Token) -> None:
        if token.kind != "op" or self.broken:
            return
        if token.text in "([":
            self.open.append(token)
            if len(self.open) > MAX_NESTING:
                self._break(f"brackets are nested more than {MAX_NESTING} deep", token.span)
        elif token.text in _CLOSES:
            self._close(token)

    def _close(self, token: Token) -> None:
        if not self.open:
            self._break(f"'{token.text}' closes nothing", token.span)
        elif self.open[-1].text != _CLOSES[token.text]:
            last = self.open[-1]
            self._break(
                f"'{token.text}' does not close '{last.text}'",
                token.span,
                (last.span, f"'{last.text}' is opened here"),
            )
        else:
            self.open.pop()

    def _break(self, message: str, span: Span, *labels: tuple[Span, str]) -> None:
        self.reports.append(Diagnostic(message, span, labels))
        self.broken = True

    def _finish(self) -> None:
        if self.open and not self.broken:
            last = self.open[-1]
            self._break(f"'{last.text}' is never closed", last.span)
        kept = self.lost if self.broken else self.statements
        kept.append(Statement(self.indent, tuple(self.tokens)))
        self.tokens, self.open, self.broken = [], [], False


def _token(kind: str, match: re.Match[str]) -> Token:
    text = match[0]
    if kind == "name":
        text = unicodedata.normalize("NFC", text)
        kind = "op" if text in OPERATOR_WORDS else kind
    elif kind == "op":
        text = _SPELLING.get(text, text)
    return Token(kind, text, Span(*match.span()))


def _begins_statement(tokens: list[Token]) -> bool:
    """Whether a line reads like ``input x``, ``f =``, ``c' =`` or ``a, b =``."""
    if tokens[0].kind != "name":
        return False
    if is_keyword(tokens):
        return len(tokens) > 1 and tokens[1].kind in ("name", "string")
    for token in tokens:
        if token.text == "=":
            return True
        if token.kind != "name" and token.text not in ("'", ","):
            return False
    return False
