"""The syntax tree of a cell: its text without layout, with the place of every part.

    Cell       ::= name, doc, source, items                   cell LSTM
    Item       ::= Declare | Const | Noise | Use | Fn | Repeat | Equation | Output

    Declare    ::= kind, declarators                          param W, U [H, I] ~ uniform(k)
                   kind in {input, context, state, param}
    Declarator ::= name, shape?, dtype?, init?                x[I]    t: int    h[H] = 0
                   a shape or an init holds for all names before it on its line that have none
    Init       ::= drawn, value                               ~ uniform(k)    = 0
    Const      ::= bindings (name, value, counters)*          const dt = 0.1
    Counter    ::= name, stop                                 const A[i in H, j in H] = i - j
    Noise      ::= name, shape, value, each                   noise m[H] ~ bernoulli(p) each step
    Use        ::= cell, name                                 use lstm as inner
    Fn         ::= name, parameters (name, default?)*, body   fn softsign(v) = v / (1 + abs(v))
    Repeat     ::= name, start, stop, items                   repeat l in 0..depth: ...
    Equation   ::= targets, value, label                      f = sigmoid(z)  "forget gate"
    Output     ::= targets, value?, label                     output y = W @ h'    output h'

    Expr       ::= Number | Name | Unary | Binary | Call | Index | Slice | Join | Transpose
    Name       ::= id, primed                                 h    h'
    Unary      ::= op, operand                                op in {-, not}
    Binary     ::= op, left, right                            op in {+ - * / // % @ ** < <= > >=
                                                                     == != and or}
    Call       ::= function, arguments, keywords              sum(v, axis=0)
    Index      ::= value, indices (Expr | Slice)*             z[0:H]   E[token]
    Slice      ::= start?, stop?
    Join       ::= parts                                      [h, x]
    Transpose  ::= value                                      W.T

Two trees are equal when they say the same: spans do not take part in the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..source import Diagnostic, Source, Span

NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Tree:
    """Anything that has a place in the text."""

    span: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


# --- expressions ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Number(Tree):
    value: int | float


@dataclass(frozen=True)
class Name(Tree):
    id: str
    primed: bool = False

    def __str__(self) -> str:
        return self.id + "'" * self.primed


@dataclass(frozen=True)
class Unary(Tree):
    op: str
    operand: Expr


@dataclass(frozen=True)
class Binary(Tree):
    op: str
    left: Expr
    right: Expr
    op_span: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class Keyword(Tree):
    name: str
    value: Expr


@dataclass(frozen=True)
class Call(Tree):
    function: Name
    arguments: tuple[Expr, ...]
    keywords: tuple[Keyword, ...] = ()


@dataclass(frozen=True)
class Slice(Tree):
    start: Expr | None
    stop: Expr | None


@dataclass(frozen=True)
class Index(Tree):
    value: Expr
    indices: tuple[Expr, ...]


@dataclass(frozen=True)
class Join(Tree):
    parts: tuple[Expr, ...]


@dataclass(frozen=True)
class Transpose(Tree):
    value: Expr


Expr = Number | Name | Unary | Binary | Call | Slice | Index | Join | Transpose


# --- items ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Init(Tree):
    drawn: bool
    value: Expr


@dataclass(frozen=True)
class Declarator(Tree):
    name: str
    shape: tuple[Expr, ...] | None = None
    dtype: Name | None = None
    init: Init | None = None


@dataclass(frozen=True)
class Declare(Tree):
    kind: str
    declarators: tuple[Declarator, ...]


@dataclass(frozen=True)
class Counter(Tree):
    name: str
    stop: Expr


@dataclass(frozen=True)
class Binding(Tree):
    name: str
    value: Expr
    counters: tuple[Counter, ...] = ()


@dataclass(frozen=True)
class Const(Tree):
    bindings: tuple[Binding, ...]


@dataclass(frozen=True)
class Noise(Tree):
    name: str
    shape: tuple[Expr, ...]
    value: Expr
    each: str


@dataclass(frozen=True)
class Use(Tree):
    cell: str
    name: str


@dataclass(frozen=True)
class Parameter(Tree):
    name: str
    default: Expr | None = None


@dataclass(frozen=True)
class Fn(Tree):
    name: str
    parameters: tuple[Parameter, ...]
    body: Expr


@dataclass(frozen=True)
class Equation(Tree):
    targets: tuple[Name, ...]
    value: Expr
    label: str = ""


@dataclass(frozen=True)
class Output(Tree):
    targets: tuple[Name, ...]
    value: Expr | None = None
    label: str = ""


@dataclass(frozen=True)
class Repeat(Tree):
    name: str
    start: Expr
    stop: Expr
    items: tuple[Equation, ...]


Item = Declare | Const | Noise | Use | Fn | Repeat | Equation | Output


@dataclass(frozen=True)
class Cell(Tree):
    name: str
    doc: str
    source: str
    items: tuple[Item, ...]
    family: str = field(default="", kw_only=True)
    text: Source = field(default=Source(""), compare=False, repr=False, kw_only=True)
    # of a text that could not be read as a whole: its mistakes, and the names they may have cost
    reports: tuple[Diagnostic, ...] = field(default=(), compare=False, repr=False, kw_only=True)
    lost: frozenset[str] = field(default=frozenset(), compare=False, repr=False, kw_only=True)
