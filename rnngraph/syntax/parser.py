"""Statements to a tree: one function per kind of statement (grammar of expressions: expressions).

    cell     NAME  STRING*                 declaration of the cell, its doc on the lines below
    family   STRING
    source   STRING
    input    NAME [shape]? (: int)? , ...
    context  state  param                  NAME [shape]? (= value | ~ init)? , ...
    const    NAME ([NAME in size , ...])? = value , ...
    noise    NAME [shape] ~ init  each (step | sequence)
    use      NAME as NAME
    fn       NAME ( NAME (= value)? , ... ) = value
    repeat   NAME in value .. value :      with an indented block of equations
    output   NAME = value STRING? | NAME'? , ...
    NAME'? , ... = value STRING?           an equation, with its label

Every statement is read on its own, so all independent mistakes of a text are reported at once.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from ..source import CellError, Diagnostic, Source, Span
from .expressions import Reader, Stop
from .lexer import KEYWORDS, Statement, is_keyword, read
from .tree import (
    Binding,
    Cell,
    Const,
    Counter,
    Declarator,
    Declare,
    Equation,
    Expr,
    Fn,
    Init,
    Item,
    Name,
    Noise,
    Output,
    Parameter,
    Repeat,
    Use,
)

_INIT_KINDS = ("state", "param")


def parse(source: Source, partial: bool = False) -> Cell:
    """Read the text of one cell into its tree.

    Raises CellError, with all independent mistakes of the text.  With ``partial`` a tree of what
    could be read is returned wherever there is one, with the mistakes in its ``reports``: the
    checker then adds its own to them.
    """
    statements, lost, reports = read(source)
    parser = _Parser(source, reports)
    for statement in lost:
        parser.lose(statement)
    cell = parser.cell(statements)
    if cell is None or (parser.reports and not partial):
        raise CellError(source, parser.reports)
    return cell


class _Parser:
    def __init__(self, source: Source, reports: list[Diagnostic]) -> None:
        self.source = source
        self.reports = reports
        self.name, self.place = "", Span(0, 0)
        self.lost: set[str] = set()
        self.doc: list[str] = []
        self.cited: list[str] = []
        self.family = ""

    def lose(self, statement: Statement) -> None:
        """Remember what a statement would have defined, so that nobody misses it."""
        tokens = statement.tokens
        whole = is_keyword(tokens)
        for token in tokens:
            if token.text == "=" and not whole:
                return
            if token.kind == "name":
                self.lost |= {token.text, token.text + "'"}

    def cell(self, statements: list[Statement]) -> Cell | None:
        if not self._header(statements):
            return None
        items: list[Item] = []
        place = 0
        while place < len(statements):
            place = self._statement(statements, place, items)
        doc, cited = "\n".join(self.doc), "\n".join(self.cited)
        if not self.name and not self.reports:
            return None
        return Cell(
            self.name, doc, cited, tuple(items), family=self.family, text=self.source,
            span=self.place, reports=tuple(self.reports), lost=frozenset(self.lost),
        )  # fmt: skip

    def _header(self, statements: list[Statement]) -> bool:
        if not statements:
            if not self.reports:
                self.reports.append(Diagnostic("there is no cell in this text", Span(0, 0), notes=(
                    ("a cell begins with a line such as: cell LSTM", None),)))  # fmt: skip
            return False
        first = statements[0].tokens
        if not (is_keyword(first) and first[0].text == "cell") and not self.reports:
            note = ("put a line such as this one at the top: cell LSTM", None)
            text = "a cell begins with 'cell' and its name"
            self.reports.append(Diagnostic(text, first[0].span, notes=(note,)))
        return True

    def _statement(self, statements: list[Statement], place: int, items: list[Item]) -> int:
        """Read the statement at ``place`` into ``items`` and return the place of the next one."""
        statement = statements[place]
        body: list[Statement] = []
        if is_keyword(statement.tokens) and statement.tokens[0].text == "repeat":
            for inner in statements[place + 1 :]:
                if inner.indent <= statement.indent:
                    break
                body.append(inner)
        try:
            item = self._item(Reader(statement), body)
        except Stop as stop:
            self.reports.append(stop.report)
            for lost in (statement, *body):
                self.lose(lost)
        else:
            if item is not None:
                items.append(item)
        return place + 1 + len(body)

    def _item(self, reader: Reader, body: list[Statement]) -> Item | None:
        if reader.kind == "string":
            self._doc(reader)
            return None
        if not is_keyword(reader.tokens):
            return _equation(reader)
        keyword = reader.take()
        if keyword.text == "cell":
            self._named(reader, keyword.span)
            return None
        if keyword.text == "family":
            self._family(reader, keyword.span)
            return None
        if keyword.text == "source":
            self._source(reader)
            return None
        if keyword.text == "repeat":
            return self._repeat(reader, keyword.span, body)
        if keyword.text in _STATEMENTS:
            return _STATEMENTS[keyword.text](reader, keyword.span)
        return _declare(reader, keyword.text, keyword.span)

    def _named(self, reader: Reader, start: Span) -> None:
        name = reader.name("the name of the cell after 'cell'")
        reader.end("after the name of the cell")
        if self.name:
            raise reader.stop("a text holds one cell, this is a second one", start.to(name.span))
        self.name, self.place = name.text, name.span

    def _doc(self, reader: Reader) -> None:
        start = reader.here
        text = reader.string()
        reader.end("after a string")
        if not self.name:
            raise reader.stop("a doc string comes after the line 'cell NAME'", start)
        self.doc.append(text)

    def _family(self, reader: Reader, start: Span) -> None:
        text = reader.string()
        if not text:
            raise reader.stop('expected the kind of cell in quotes after "family"')
        reader.end("after the family")
        if self.family:
            raise reader.stop("a cell has one family, this is a second one", reader.since(start))
        self.family = text

    def _source(self, reader: Reader) -> None:
        text = reader.string()
        if not text:
            raise reader.stop('expected a citation in quotes after "source"')
        reader.end("after the citation")
        self.cited.append(text)

    def _repeat(self, reader: Reader, start: Span, body: list[Statement]) -> Repeat:
        name = reader.name("the name of a counter, as in: repeat l in 0..depth:")
        word = reader.name("'in' after the counter")
        if word.text != "in":
            raise reader.stop(f"expected 'in' after the counter, found '{word.text}'", word.span)
        low = reader.expression()
        reader.expect("..", "between the bounds of the repeat")
        high = reader.expression()
        reader.expect(":", "after the bounds of the repeat")
        reader.end("after ':'")
        span = reader.since(start)
        items: list[Item] = []
        for inner in body:
            self._statement([inner], 0, items)
        for item in items:
            if not isinstance(item, Equation):
                text = "only equations can be repeated"
                self.reports.append(Diagnostic(text, item.span))
        if not body:
            raise reader.stop("a repeat needs equations, indented, on the lines below it", span)
        equations = tuple(item for item in items if isinstance(item, Equation))
        return Repeat(name.text, low, high, equations, span=span)


# --- declarations --------------------------------------------------------------------------


def _declare(reader: Reader, kind: str, start: Span) -> Declare:
    declarators = [_declarator(reader, kind)]
    while reader.accept(","):
        declarators.append(_declarator(reader, kind))
    reader.end(f"or ',' after the {kind}")
    return Declare(kind, tuple(declarators), span=reader.since(start))


def _declarator(reader: Reader, kind: str) -> Declarator:
    name = reader.name(f"the name of the {kind}")
    if reader.text == "'":
        text = f"a {kind} is declared without a prime; the prime is for its next value"
        raise reader.stop(text, reader.here)
    shape = reader.listed("]", "a size") if reader.accept("[") else None
    dtype = None
    if reader.accept(":"):
        token = reader.name("'int' or 'real' after ':'")
        dtype = Name(token.text, span=token.span)
    init = _init(reader, kind)
    return Declarator(name.text, shape, dtype, init, span=name.span)


def _init(reader: Reader, kind: str) -> Init | None:
    if reader.text not in ("=", "~"):
        return None
    start = reader.take()
    if kind not in _INIT_KINDS:
        raise reader.stop(f"'{kind}' takes no initial value: the caller gives it", start.span)
    value = reader.expression()
    return Init(start.text == "~", value, span=reader.since(start.span))


def _const(reader: Reader, start: Span) -> Const:
    bindings: list[Binding] = []
    while True:
        name = reader.name("the name of the constant")
        counters = _counters(reader) if reader.accept("[") else ()
        reader.expect("=", "and the value of the constant")
        value = reader.expression()
        bindings.append(Binding(name.text, value, counters, span=name.span))
        if not reader.accept(","):
            break
    reader.end("or ',' after the constant")
    return Const(tuple(bindings), span=reader.since(start))


def _counters(reader: Reader) -> tuple[Counter, ...]:
    """``i in H, j in H]``: the places of a constant vector or matrix."""
    counters: list[Counter] = []
    while True:
        name = reader.name("a counter, as in: const A[i in H, j in H] = i - j")
        word = reader.name("'in' after the counter")
        if word.text != "in":
            raise reader.stop(f"expected 'in' after the counter, found '{word.text}'", word.span)
        counters.append(Counter(name.text, reader.expression(), span=name.span))
        if not reader.accept(","):
            break
    reader.expect("]", "after the counters")
    return tuple(counters)


def _noise(reader: Reader, start: Span) -> Noise:
    name = reader.name("the name of the noise")
    shape = reader.listed("]", "a size") if reader.accept("[") else ()
    reader.expect("~", "and a distribution such as bernoulli(0.9)")
    value = reader.expression()
    words = [reader.name("'each step' or 'each sequence'").text for _ in range(2)]
    if words[0] != "each" or words[1] not in ("step", "sequence"):
        raise reader.stop("noise is drawn 'each step' or 'each sequence'", reader.since(start))
    reader.end("after the noise")
    return Noise(name.text, shape, value, words[1], span=name.span)


def _use(reader: Reader, start: Span) -> Use:
    cell = reader.name("the name of a cell after 'use'")
    word = reader.name("'as' and a name, as in: use lstm as inner")
    if word.text != "as":
        raise reader.stop(f"expected 'as' and a name, found '{word.text}'", word.span)
    name = reader.name("a name after 'as'")
    reader.end("after the name")
    return Use(cell.text, name.text, span=reader.since(start))


def _fn(reader: Reader, start: Span) -> Fn:
    name = reader.name("the name of the function after 'fn'")
    reader.expect("(", "and the parameters of the function")
    parameters: list[Parameter] = []
    while not reader.accept(")"):
        token = reader.name("the name of a parameter")
        default = reader.expression() if reader.accept("=") else None
        parameters.append(Parameter(token.text, default, span=token.span))
        if reader.text != ")":
            reader.expect(",", "or ')' after a parameter")
    reader.expect("=", "and what the function gives")
    body = reader.expression()
    reader.end("after the function")
    return Fn(name.text, tuple(parameters), body, span=name.span)


# --- equations -----------------------------------------------------------------------------


def _targets(reader: Reader) -> tuple[Name, ...]:
    targets = [reader.reference("a name")]
    while reader.accept(","):
        targets.append(reader.reference("a name after ','"))
    return tuple(targets)


def _equation(reader: Reader) -> Equation:
    start = reader.here
    if reader.kind != "name":
        raise reader.stop("expected a declaration or an equation")
    first = reader.tokens[0]
    targets = _targets(reader)
    if reader.text != "=":
        raise _no_equation(reader, first.text, first.span)
    reader.take()
    if reader.text == "=":
        raise reader.stop("an equation has one '='", reader.here)
    value = reader.expression()
    label = reader.string()
    _end_of_value(reader, value)
    return Equation(targets, value, label, span=reader.since(start))


def _no_equation(reader: Reader, word: str, span: Span) -> Stop:
    if reader.kind in ("name", "string") and len(word) > 2:
        close = get_close_matches(word, KEYWORDS, 1, 0.6)
        if close:
            return reader.stop(f"'{word}' is no declaration; did you mean '{close[0]}'?", span)
    if reader.text == "[":
        return reader.stop(
            "a part of a value cannot be assigned",
            reader.here,
            "name the parts and join them: z = [a, b]",
        )
    return reader.stop("expected '=' after the name")


def _end_of_value(reader: Reader, value: Expr) -> None:
    if reader.kind in ("name", "number") and reader.place:
        raise reader.stop(
            f"expected an operator before '{reader.text}'",
            reader.here,
            "products are written a * b (elementwise) or W @ x (matrix)",
        )
    reader.end("or a label in quotes after the expression")


def _output(reader: Reader, start: Span) -> Output:
    targets = _targets(reader)
    value, label = None, ""
    if reader.accept("="):
        value = reader.expression()
        label = reader.string()
        _end_of_value(reader, value)
    reader.end("or ',' after the output")
    return Output(targets, value, label, span=reader.since(start))


_STATEMENTS: dict[str, Callable[[Reader, Span], Item]] = {
    "const": _const, "noise": _noise, "use": _use, "fn": _fn, "output": _output,
}  # fmt: skip
