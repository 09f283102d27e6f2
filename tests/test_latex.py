"""Cells as LaTeX: everything that the language has can be written, and is written rightly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from rnngraph.check import check, statics
from rnngraph.check.builtins import TABLE
from rnngraph.check.declare import LAWS as LAWS_OF_NOISE
from rnngraph.check.elaborate import prelude
from rnngraph.check.evaluate import ELEMENTWISE
from rnngraph.cli import main
from rnngraph.latex import definitions, equations, expressions, items
from rnngraph.latex.calls import CALLS
from rnngraph.latex.symbols import number, symbol, text
from rnngraph.source import Source
from rnngraph.syntax import parse
from rnngraph.syntax.tree import Cell, Expr, Item

LIBRARY = sorted((Path(__file__).parent.parent / "cells").glob("*.cell"))
HEAD = """cell Test
input  x[I], gap[], token: int
context v[H]
state  h[H]
const  dt = 0.1, delay = 2
const  mode[n in H] = n + 1
noise  z_h[H] ~ bernoulli(0.5) each step
param  W[H, I], U[H, H], b[H], E[H, H], Q[2, H, H], p[]
fn twice(a, k=2) = k * a
"""


def tree_of(body: str) -> Cell:
    return parse(Source(HEAD + body + "\n", "test.cell"))


def written(expression: str, name: str = "y") -> str:
    """The right side of an equation."""
    tree = tree_of(f"{name} = {expression}\nh' = h")
    found = equations(tree, check(tree)).splitlines()
    (line,) = (line for line in found if line.startswith((rf"{name}_{{t}} ", f"{name} ")))
    return line.partition("&= ")[2].partition(" &&")[0].removesuffix(r" \\")


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_the_library_is_balanced(path: Path) -> None:
    tree = parse(Source(path.read_text(encoding="utf-8"), path.name))
    graph = check(tree)
    whole = equations(tree, graph) + definitions(tree, graph)
    plain = whole.replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}")
    for left, right in ((r"\\left\b", r"\\right\b"), (r"\\begin\{", r"\\end\{"), (r"\(", r"\)")):
        assert len(re.findall(left, whole)) == len(re.findall(right, whole))
    assert "operatorname" not in whole  # GitHub refuses it
    for state in graph.states.values():
        if not state.name.startswith("prev_") and "." not in state.name:
            assert f"{symbol(state.name, 't')} &" in whole
    for label in (named.label for name, named in graph.names.items() if "." not in name):
        assert text(label) in whole


def test_every_part_of_the_tree_can_be_written() -> None:
    assert set(expressions.EXPRESSIONS) == set(expressions.RANKS) == set(get_args(Expr))
    assert {*items.EQUATIONS, *items.DEFINITIONS, *items.ELSEWHERE} == set(get_args(Item))


def test_every_operator_can_be_written() -> None:
    assert set(expressions.BINARY) == {*statics.ROW_OF, "//", "@"}


def test_every_function_can_be_written() -> None:
    assert set(CALLS) == {*TABLE, *ELEMENTWISE, *prelude()}
    assert set(items.LAWS) == set(LAWS_OF_NOISE)


@pytest.mark.parametrize(("expression", "expected"), [
    ("W @ x + b", r"W\, x_{t} + b"),
    ("sigmoid(U @ h) * (1 - z_h)", r"\sigma(U\, h_{t-1}) \odot (1 - z_{h,t})"),
    ("(U @ h) * b", r"(U\, h_{t-1}) \odot b"),
    ("U @ (b * h)", r"U\, (b \odot h_{t-1})"),
    ("dt * h", r"\mathrm{dt}\, h_{t-1}"),
    ("gap * h * b", r"\mathrm{gap}_{t}\, h_{t-1} \odot b"),
    ("h - (b - v)", "h_{t-1} - (b - v)"),
    ("-b * h", r"-b \odot h_{t-1}"),
    ("h + -b * h", r"h_{t-1} + (-b \odot h_{t-1})"),
    ("-(b + h)", "-(b + h_{t-1})"),
    ("b / (h + 1)", r"\frac{b}{h_{t-1} + 1}"),
    ("(b / h)**2", r"\left(\frac{b}{h_{t-1}}\right)^{2}"),
    ("2**(-h / 3)", "2^{-h_{t-1} / 3}"),
    ("h @ b * h", r"{h_{t-1}}^{\top}\, b\, h_{t-1}"),
    ("U.T @ h", r"{U}^{\top}\, h_{t-1}"),
    ("Q[1] @ h", r"Q^{(1)}\, h_{t-1}"),
    ("E[token]", r"E^{(\mathrm{token}_{t})}"),
    ("[h[0:2], b[2:]]", r"[h_{t-1}[0{:}2];\, b[2{:}]]"),
    ("prev(x)", "x_{t-1}"),
    ("prev(x, 3)", "x_{t-3}"),
    ("prev(h)", "h_{t-2}"),
    ("prev(h, delay)", r"h_{t-1-\mathrm{delay}}"),
    ("where(h > 0 and not (b < h), 1, 0)", r"\begin{cases} 1 & \text{if } h_{t-1} > 0 \land "
     r"\lnot (b < h_{t-1}) \\ 0 & \text{otherwise} \end{cases}"),
    ("sum(h * b) * h", r"\left(\sum (h_{t-1} \odot b)\right)\, h_{t-1}"),
    ("outer(h, b) @ h", r"(h_{t-1} \otimes b)\, h_{t-1}"),
    ("sum(h) + gap", r"\sum h_{t-1} + \mathrm{gap}_{t}"),
    ("softmax(U, axis=0) @ h", r"\mathrm{softmax}_{\text{axis }0}(U)\, h_{t-1}"),
    ("abs(h) % 2", r"\left| h_{t-1} \right| \bmod 2"),
    ("p * 2 * h", r"p \cdot 2\, h_{t-1}"),
    ("1e-12 * h", r"10^{-12}\, h_{t-1}"),
    ("twice(h, k=3)", r"\mathrm{twice}(h_{t-1};\, k = 3)"),
    ("(h + 1) @ U", r"{(h_{t-1} + 1)}^{\top}\, U"),
    ("expand(gap, h) + h", r"\mathrm{gap}_{t} + h_{t-1}"),
])  # fmt: skip
def test_expressions(expression: str, expected: str) -> None:
    assert written(expression) == expected


def test_what_the_graph_knows_to_be_the_same_at_every_step_has_no_time() -> None:
    assert written("U - U.T", name="A") == "U - {U}^{\\top}"


def test_repeats_assign() -> None:
    tree = tree_of('y = h\nrepeat k in 0..2:\n    y = Q[k] @ y  "layer"\nh\' = y')
    expected = r"""\begin{array}{l}
\begin{aligned}
y &\gets h_{t-1}
\end{aligned} \\[4pt]
\left.\begin{aligned}
y &\gets Q^{(k)}\, y && \text{layer}
\end{aligned}\right\rbrace \quad k = 0, \dots, 1 \\[4pt]
\begin{aligned}
h_{t} &= y
\end{aligned}
\end{array}"""
    assert equations(tree, check(tree)) == expected


def test_definitions() -> None:
    tree = tree_of("h' = twice(h) + z_h")
    expected = r"""\begin{aligned}
\mathrm{mode}_{n} &= n + 1 && n < H \\
z_{h,t} &\sim \mathrm{Bernoulli}(0.5) && \text{drawn at every step} \\
\mathrm{twice}(a,\, k = 2) &= k \odot a
\end{aligned}"""
    assert definitions(tree, check(tree)) == expected


def test_long_sums_go_on_below() -> None:
    terms = " + ".join(["U @ tanh(U @ h + W @ x + b)"] * 4)
    tree = tree_of(f"h' = {terms}")
    lines = equations(tree, check(tree)).splitlines()
    assert sum(line.startswith(r"&\quad + ") for line in lines) >= 1
    assert all(items.width(line) < 1.5 * items.WIDEST for line in lines)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "delta_net", "--latex"]) == 0
    blocks = capsys.readouterr().out.count(r"\begin{aligned}")
    assert blocks == 2  # equations, then what they use
    assert main(["show", "rnn", "--latex", "--layers", "2"]) == 1
    assert "a stack has no syntax tree" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "expected"), [
    ("f", "f"), ("W_f", "W_{f}"), ("w_tau", r"w_{\tau}"), ("gap", r"\mathrm{gap}"),
    ("θ", r"\theta"), ("Γ_f", r"\Gamma_{f}"), ("Α", r"\mathrm{Α}"), ("c̃", r"\tilde{c}"),
    ("h₁", "h_{1}"), ("h1", "h_{1}"), ("h_re_x", r"h_{\mathrm{re},x}"), ("λ", r"\lambda"),
    ("状", r"\text{状}"), ("ς", r"\varsigma"),
])  # fmt: skip
def test_names(name: str, expected: str) -> None:
    assert symbol(name) == expected


def test_numbers_and_words() -> None:
    assert [number(v) for v in (3, 0.5, 1e-12, 2.5e-9)] == [
        "3", "0.5", "10^{-12}", r"2.5 \times 10^{-9}"]  # fmt: skip
    assert text("50% of x_1 ~ 2^3") == (
        r"\text{50\% of x\_1 }\sim\text{ 2}\wedge\text{3}")  # fmt: skip
