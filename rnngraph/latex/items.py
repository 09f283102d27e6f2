r"""The equations of a cell as one aligned formula, labels as text at the right.

    formula ::= block (\\ block)*      block ::= aligned | aligned in a brace (a repeat)
    aligned ::= row (\\ row)*          row   ::= left & sign right && label

What a cell assigns anew within a step (the value that a repeat begins with, and what is inside
of it) is written with an arrow and without a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from ..graph import Graph
from ..syntax.tree import (
    Binary,
    Binding,
    Call,
    Cell,
    Const,
    Declare,
    Equation,
    Expr,
    Fn,
    Name,
    Noise,
    Number,
    Output,
    Repeat,
    Use,
)
from .expressions import INFIX, Spelling
from .known import Known, known
from .levels import PRODUCT, SUM
from .symbols import operator, symbol, text

WIDEST = 60  # signs of a line; a longer sum goes on below
EACH = {"step": "drawn at every step", "sequence": "drawn once for every sequence"}
LAWS = {
    "bernoulli": r"\mathrm{{Bernoulli}}({0})",
    "normal": r"\mathrm{{Normal}}(0,\, {0}^{{2}})",
    "uniform": r"\mathrm{{Uniform}}(-{0},\, {0})",
    "range": r"\mathrm{{Uniform}}({0},\, {1})",
}


def equations(tree: Cell, graph: Graph) -> str:
    """What a cell computes at step t, one row for each equation, as LaTeX for a display.

    ``graph`` is that of the tree, its sizes bound or not.
    """
    return _stacked(tree, graph, EQUATIONS)


def definitions(tree: Cell, graph: Graph) -> str:
    """What equations use: functions, constant arrays, noises; "" for a cell without them."""
    return _stacked(tree, graph, DEFINITIONS)


def aligned(rows: Iterable[str]) -> str:
    """Rows one below the other."""
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _stacked(tree: Cell, graph: Graph, wanted: dict[type, Writer]) -> str:
    """Rows in one block; a repeat has a block of its own, or its brace would part all labels
    from their equations."""
    names, blocks = known(tree, graph), []
    items = [item for item in tree.items if type(item) in wanted]
    for repeats, group in groupby(items, key=lambda item: isinstance(item, Repeat)):
        rows = [row for item in group for row in wanted[type(item)](item, names)]
        blocks += rows if repeats else [aligned(rows)] if rows else []
    if len(blocks) < 2:
        return "".join(blocks)
    return "\\begin{array}{l}\n" + " \\\\[4pt]\n".join(blocks) + "\n\\end{array}"


# --- rows --------------------------------------------------------------------------------------


def _row(left: str, sign: str, value: Expr, spelling: Spelling, label: str = "") -> Iterator[str]:
    """A row, or as many as a long sum needs; the label (LaTeX) stands beside the first."""
    first, *more = _lines(value, spelling)
    yield f"{left} &{sign} {first}" + (f" && {label}" if label else "")
    yield from (rf"&\quad {line}" for line in more)


def _lines(value: Expr, spelling: Spelling) -> list[str]:
    whole = spelling.spelled(value)
    if width(whole) <= WIDEST:
        return [whole]
    lines = [""]
    for sign, term in _terms(value):
        text = spelling.spelled(term, PRODUCT if sign else SUM)
        if sign and width(lines[-1] + text) > WIDEST:
            lines.append("")
        lines[-1] += f" {sign} {text}" if sign else text
    return [line.strip() for line in lines]


def _terms(value: Expr) -> Iterator[tuple[str, Expr]]:
    """The terms of a sum with their signs, the first without one."""
    if isinstance(value, Binary) and value.op in ("+", "-"):
        yield from _terms(value.left)
        yield INFIX[value.op][0], value.right
    else:
        yield "", value


def width(latex: str) -> int:
    """About how many signs a formula is wide."""
    plain = re.sub(r"\\(?:mathrm|text|mathbf|left|right|,|;|quad) ?", "", latex)
    plain = re.sub(r"\\frac\{(.*?)\}\{(.*?)\}", r"\1", plain)
    return len(re.sub(r"[{}_^ ]", "", re.sub(r"\\[a-zA-Z]+", "x", plain)))


def _equation(item: Equation, names: Known) -> Iterator[str]:
    again = any(name.id in names.again and not name.primed for name in item.targets)
    sign, label = r"\gets" if again else "=", item.label and text(item.label)
    yield from _row(_targets(item.targets, names), sign, item.value, Spelling(names), label)


def _output(item: Output, names: Known) -> Iterator[str]:
    if item.value is not None:
        left, label = _targets(item.targets, names), item.label and text(item.label)
        yield from _row(left, "=", item.value, Spelling(names), label)


def _targets(targets: tuple[Name, ...], names: Known) -> str:
    return r",\, ".join(Spelling(names).spelled(name) for name in targets)


def _repeat(item: Repeat, names: Known) -> Iterator[str]:
    """The equations in a brace, and beside it what the counter runs through."""
    inside = names.inside({item.name: 0})
    body = aligned(row for inner in item.items for row in _equation(inner, inside))
    first, last = Spelling(names).spelled(item.start), _before(item.stop, Spelling(names))
    counted = rf"{symbol(item.name)} = {first}, \dots, {last}"
    yield rf"\left.{body}\right\rbrace \quad {counted}"


def _before(stop: Expr, spelling: Spelling) -> str:
    """The last number before ``stop``."""
    if isinstance(stop, Number):
        return str(int(stop.value) - 1)
    return f"{spelling.spelled(stop, SUM)} - 1"


def _const(item: Const, names: Known) -> Iterator[str]:
    for binding in item.bindings:
        if binding.counters:
            yield from _array(binding, names)


def _array(binding: Binding, names: Known) -> Iterator[str]:
    spelling = Spelling(names.inside({c.name: 0 for c in binding.counters}))
    places = [symbol(c.name) for c in binding.counters]
    stops = [spelling.spelled(c.stop) for c in binding.counters]
    bounds = r",\; ".join(f"{p} < {stop}" for p, stop in zip(places, stops, strict=True))
    yield from _row(symbol(binding.name, *places), "=", binding.value, spelling, bounds)


def _noise(item: Noise, names: Known) -> Iterator[str]:
    spelling = Spelling(names)
    assert isinstance(item.value, Call)
    law = LAWS[item.value.function.id].format(*map(spelling.spelled, item.value.arguments))
    yield rf"{spelling.spelled(Name(item.name))} &\sim {law} && {text(EACH[item.each])}"


def _fn(item: Fn, names: Known) -> Iterator[str]:
    spelling = Spelling(names.inside({p.name: None for p in item.parameters}))
    given = r",\, ".join(
        symbol(p.name) + (f" = {spelling.spelled(p.default)}" if p.default else "")
        for p in item.parameters
    )
    yield from _row(f"{operator(item.name)}({given})", "=", item.body, spelling)


Writer = Callable[[Any, Known], Iterator[str]]
EQUATIONS: dict[type, Writer] = {Equation: _equation, Output: _output, Repeat: _repeat}
DEFINITIONS: dict[type, Writer] = {Const: _const, Noise: _noise, Fn: _fn}
ELSEWHERE = (Declare, Use)  # what is declared is no equation
