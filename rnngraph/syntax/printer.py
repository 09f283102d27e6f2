"""Tree to canonical text: ``parse(print(tree)) == tree``, in ASCII or mathematical spelling."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from .tree import (
    Binary,
    Binding,
    Call,
    Cell,
    Const,
    Declarator,
    Declare,
    Equation,
    Expr,
    Fn,
    Index,
    Item,
    Join,
    Name,
    Noise,
    Number,
    Output,
    Repeat,
    Slice,
    Transpose,
    Unary,
    Use,
)

_LEVEL = {
    "or": 1, "and": 2, "not": 3,
    "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "@": 6, "neg": 7, "**": 8,
}  # fmt: skip
_TIGHTEST = 9
_SIGNS = {"*": "⊙", "@": "·", "<=": "≤", ">=": "≥", "!=": "≠", "-": "−"}


def print_cell(cell: Cell, unicode: bool = False) -> str:
    """The canonical text of a cell, ending in a newline."""
    speller = _Speller(unicode)
    blocks = [[f"cell {cell.name}", *(f"{_quote(line)}" for line in _lines(cell.doc))]]
    blocks[0] += [f"family {_quote(cell.family)}"] if cell.family else []
    blocks[0] += [f"source {_quote(line)}" for line in _lines(cell.source)]
    for _, items in groupby(cell.items, key=_block):
        blocks.append(_labelled([speller.item(item) for item in items]))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def print_item(item: Item) -> str:
    """The canonical text of a statement, without its label."""
    return _Speller(unicode=False).item(item)[0]


def print_expression(expression: Expr, unicode: bool = False, tight: bool = False) -> str:
    """The canonical text of an expression; ``tight`` leaves out blanks, as sizes do."""
    speller = _Speller(unicode)
    return speller.tightly(expression) if tight else speller.expression(expression)


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _block(item: Item) -> str:
    if isinstance(item, Declare):
        return item.kind if item.kind == "param" else "interface"
    return "equations" if isinstance(item, Equation) else type(item).__name__


def _labelled(rows: list[tuple[str, str]]) -> list[str]:
    """Lines with their labels in one column."""
    width = max((len(text) for text, label in rows if label), default=0)
    return [f"{text:<{width}}  {_quote(label)}" if label else text for text, label in rows]


class _Speller:
    def __init__(self, unicode: bool) -> None:
        self.unicode = unicode
        self.tight = False  # sizes and initialisers are written without blanks: H+I

    # --- items -------------------------------------------------------------------------

    def item(self, item: Item) -> tuple[str, str]:
        """The text of an item and its label."""
        text = _ITEMS[type(item)](self, item)
        return text, getattr(item, "label", "")

    def declare(self, item: Declare) -> str:
        bare = [False, *(d.shape is None for d in item.declarators)]
        pairs = zip(bare, item.declarators, strict=False)
        return f"{item.kind:<6} {', '.join(self.declarator(d, shared) for shared, d in pairs)}"

    def declarator(self, item: Declarator, shared: bool) -> str:
        text = item.name + " " * (shared and item.shape is not None)
        text += self.shape(item.shape) if item.shape is not None else ""
        text += f": {item.dtype.id}" if item.dtype else ""
        if item.init:
            text += f" {'~' if item.init.drawn else '='} {self.tightly(item.init.value)}"
        return text

    def shape(self, shape: tuple[Expr, ...]) -> str:
        return "[" + ", ".join(map(self.tightly, shape)) + "]"

    def tightly(self, e: Expr) -> str:
        self.tight = True
        text = self.expression(e)
        self.tight = False
        return text

    def const(self, item: Const) -> str:
        return f"const  {', '.join(map(self.binding, item.bindings))}"

    def binding(self, item: Binding) -> str:
        counters = ", ".join(f"{c.name} in {self.tightly(c.stop)}" for c in item.counters)
        shape = f"[{counters}]" if counters else ""
        return f"{item.name}{shape} = {self.expression(item.value)}"

    def noise(self, item: Noise) -> str:
        value = self.expression(item.value)
        return f"noise  {item.name}{self.shape(item.shape)} ~ {value} each {item.each}"

    def use(self, item: Use) -> str:
        return f"use    {item.cell} as {item.name}"

    def fn(self, item: Fn) -> str:
        parameters = (
            p.name if p.default is None else f"{p.name}={self.expression(p.default)}"
            for p in item.parameters
        )
        return f"fn {item.name}({', '.join(parameters)}) = {self.expression(item.body)}"

    def repeat(self, item: Repeat) -> str:
        low, high = self.expression(item.start), self.expression(item.stop)
        body = _labelled([self.item(inner) for inner in item.items])
        head = f"repeat {item.name} in {low}..{high}:"
        return "\n".join([head, *("    " + line for line in body)])

    def equation(self, item: Equation) -> str:
        return f"{self.targets(item.targets)} = {self.expression(item.value)}"

    def output(self, item: Output) -> str:
        value = f" = {self.expression(item.value)}" if item.value is not None else ""
        return f"output {self.targets(item.targets)}{value}"

    def targets(self, targets: tuple[Name, ...]) -> str:
        return ", ".join(map(self.name, targets))

    # --- expressions -------------------------------------------------------------------

    def expression(self, e: Expr, level: int = 1) -> str:
        """The text of an expression, in brackets if it binds more loosely than ``level``."""
        text, own = _EXPRESSIONS[type(e)](self, e)
        return f"({text})" if own < level else text

    def number(self, e: Number) -> tuple[str, int]:
        return repr(e.value), _TIGHTEST

    def name(self, e: Name) -> str:
        return e.id + ("′" if self.unicode else "'") * e.primed

    def reference(self, e: Name) -> tuple[str, int]:
        return self.name(e), _TIGHTEST

    def sign(self, op: str) -> str:
        return _SIGNS.get(op, op) if self.unicode else op

    def unary(self, e: Unary) -> tuple[str, int]:
        if e.op == "not":
            return f"not {self.expression(e.operand, _LEVEL['not'])}", _LEVEL["not"]
        return self.sign("-") + self.expression(e.operand, _LEVEL["neg"]), _LEVEL["neg"]

    def binary(self, e: Binary) -> tuple[str, int]:
        level = _LEVEL[e.op]
        left = self.expression(e.left, level + (e.op == "**" or level == _LEVEL["<"]))
        right = self.expression(e.right, level + (e.op != "**"))
        gap = "" if e.op == "**" or (self.tight and level > _LEVEL["<"]) else " "
        return f"{left}{gap}{self.sign(e.op)}{gap}{right}", level

    def call(self, e: Call) -> tuple[str, int]:
        name = "σ" if self.unicode and e.function.id == "sigmoid" else e.function.id
        parts = [self.expression(a) for a in e.arguments]
        parts += [f"{k.name}={self.expression(k.value)}" for k in e.keywords]
        return f"{name}({', '.join(parts)})", _TIGHTEST

    def index(self, e: Index) -> tuple[str, int]:
        inside = ", ".join(self.expression(i) for i in e.indices)
        return f"{self.expression(e.value, _TIGHTEST)}[{inside}]", _TIGHTEST

    def slice(self, e: Slice) -> tuple[str, int]:
        start = "" if e.start is None else self.expression(e.start)
        stop = "" if e.stop is None else self.expression(e.stop)
        return f"{start}:{stop}", _TIGHTEST

    def join(self, e: Join) -> tuple[str, int]:
        return "[" + ", ".join(map(self.expression, e.parts)) + "]", _TIGHTEST

    def transpose(self, e: Transpose) -> tuple[str, int]:
        mark = "ᵀ" if self.unicode else ".T"
        level = _TIGHTEST + isinstance(e.value, Number)  # the point of 2.T would be a decimal one
        return self.expression(e.value, level) + mark, _TIGHTEST


_ITEMS: dict[type, Callable[[_Speller, Any], str]] = {
    Declare: _Speller.declare, Const: _Speller.const, Noise: _Speller.noise, Use: _Speller.use,
    Fn: _Speller.fn, Repeat: _Speller.repeat, Equation: _Speller.equation, Output: _Speller.output,
}  # fmt: skip
_EXPRESSIONS: dict[type, Callable[[_Speller, Any], tuple[str, int]]] = {
    Number: _Speller.number, Name: _Speller.reference, Unary: _Speller.unary,
    Binary: _Speller.binary, Call: _Speller.call, Index: _Speller.index, Slice: _Speller.slice,
    Join: _Speller.join, Transpose: _Speller.transpose,
}  # fmt: skip
