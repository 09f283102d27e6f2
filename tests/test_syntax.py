"""Text to tree and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnngraph.source import CellError, Source
from rnngraph.syntax import Cell, parse, print_cell
from rnngraph.syntax.tree import (
    Binary,
    Call,
    Equation,
    Index,
    Join,
    Name,
    Number,
    Output,
    Repeat,
    Slice,
    Transpose,
    Unary,
)

EVERYTHING = """\
cell Everything
"One line."
"Another, with \\"quotes\\" and a \\\\."
family "example"
source "Somebody 1999"

input  x[I], token: int
context v[C]
state  h[H] = 1, S[K, V] = S_0, n[]
const  dt = 0.1, depth = 3
param  W_f, W_u [H, H+I] ~ uniform(1/sqrt(H))
param  b = 0
noise  m[H] ~ bernoulli(0.9) each sequence
use    lstm as inner

fn softsign(v, slope=1e-3) = v / (1 + abs(v)) * slope

f = sigmoid(W_f @ [h, x] + b)  "forget gate"  # a comment
a, b' = split(f, 2)
repeat l in 0..depth:
    s = R[l] @ s  "deeper"
    t = s
p = not a < b and c == d or e
q = -x**-2 - (a - b) % 3 // 2
r = where(p, S.T[0:2, :, 1:], E[token]) + sum(v, axis=-1)
c' = f * c
output y = f  "out"
output h', c
"""


def cell(text):
    return parse(Source(text, "x.cell"))


def value(text):
    return cell(f"cell X\nf = {text}").items[0].value


@pytest.mark.parametrize("unicode", [False, True])
def test_round_trip(unicode):
    tree = cell(EVERYTHING)
    text = print_cell(tree, unicode)
    assert cell(text) == tree
    assert print_cell(cell(text), unicode) == text


def test_header():
    tree = cell(EVERYTHING)
    assert tree.name == "Everything"
    assert tree.doc == 'One line.\nAnother, with "quotes" and a \\.'
    assert tree.source == "Somebody 1999"
    assert tree.family == "example"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b * c", Binary("+", Name("a"), Binary("*", Name("b"), Name("c")))),
        ("a - b - c", Binary("-", Binary("-", Name("a"), Name("b")), Name("c"))),
        ("a ** b ** c", Binary("**", Name("a"), Binary("**", Name("b"), Name("c")))),
        ("-a ** b", Unary("-", Binary("**", Name("a"), Name("b")))),
        ("-a * b", Binary("*", Unary("-", Name("a")), Name("b"))),
        ("W @ h'", Binary("@", Name("W"), Name("h", True))),
        ("not a < b", Unary("not", Binary("<", Name("a"), Name("b")))),
        ("a or b and c", Binary("or", Name("a"), Binary("and", Name("b"), Name("c")))),
        ("[h, x,]", Join((Name("h"), Name("x")))),
        ("W.T", Transpose(Name("W"))),
        ("z[0:H]", Index(Name("z"), (Slice(Number(0), Name("H")),))),
        ("z[:, 1]", Index(Name("z"), (Slice(None, None), Number(1)))),
        ("σ(a)", Call(Name("sigmoid"), (Name("a"),))),
        ("a ⊙ b", Binary("*", Name("a"), Name("b"))),
        ("W · Γ_f", Binary("@", Name("W"), Name("Γ_f"))),
        ("Wᵀ · c̃′", Binary("@", Transpose(Name("W")), Name("c̃", True))),
        ("x²", Binary("**", Name("x"), Number(2))),
        ("a ≤ −1", Binary("<=", Name("a"), Unary("-", Number(1)))),
        ("(\n  a\n  + b\n)", Binary("+", Name("a"), Name("b"))),
        ("a +\n  b", Binary("+", Name("a"), Name("b"))),
        ("state", Name("state")),
    ],
)
def test_expressions(text, tree):
    assert value(text) == tree


def test_spans_cover_what_they_stand_for():
    text = "cell X\nf = g(a) + (b * c)"
    e = cell(text).items[0].value
    assert text[slice(*e.span)] == "g(a) + (b * c)"
    assert text[slice(*e.left.span)] == "g(a)"
    assert text[slice(*e.right.span)] == "(b * c)"
    assert text[slice(*e.op_span)] == "+"


def test_words_of_the_language_can_name_gates():
    items = cell("cell X\ninput = a\nstate, source = split(b, 2)\noutput output'").items
    assert isinstance(items[0], Equation) and isinstance(items[1], Equation)
    assert items[2] == Output((Name("output", True),))


def test_names_are_compared_in_one_unicode_form():
    composed, combining = "é", "e\u0301"
    assert value(composed) == value(combining)


def test_repeat_takes_the_indented_lines():
    items = cell("cell X\nrepeat l in 0..3:\n    a = b\n    c = d\ne = f").items
    assert isinstance(items[0], Repeat) and len(items[0].items) == 2
    assert isinstance(items[1], Equation)


def test_independent_mistakes_are_reported_together():
    with pytest.raises(CellError) as caught:
        cell("cell X\nparm W[H]\nf = (a\ng = ]\nh = a b\nstate s[\nk = 1")
    assert [d.message for d in caught.value.diagnostics] == [
        "'parm' is no declaration; did you mean 'param'?",
        "'(' is never closed",
        "']' closes nothing",
        "expected an operator before 'b'",
        "'[' is never closed",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1_000_000,
        "x = " + "(" * 1_000_000,
        "x = " + "()" * 500_000,
        "x = " + "-" * 1_000_000,
        "x = " + "a+" * 500_000,
        "x = " + "a**" * 20_000 + "a",
        "x = " + "f(" * 30_000,
        "x = a" + "[0]" * 30_000,
        "x = a" + ".T" * 30_000,
        "x = " + "not " * 30_000 + "a",
        "x = a" + "²" * 30_000,
        "\x00" * 1_000_000,
        "f = \n" * 30_000,
        "x" * 2_000_000,
        "f = " + "9" * 1_000_000,
        "f = 1e999",
        '"' * 100_000,
    ],
    ids=lambda t: f"{t[4:10]!r}",
)
def test_hostile_texts(text):
    with pytest.raises(CellError) as caught:
        cell("cell X\n" + text)
    assert len(str(caught.value)) < 20_000


WORDS = [
    "cell X", "state h[H]", "input x[I]", "param W", "const k = 3", "fn f(a) = a", "repeat l in",
    "0..3:", "output", "h'", "=", "+", "-", "*", "@", "**", "(", ")", "[", "]", ":", "..", "not",
    "and", "a", "b", "c", "1", "2.5", ".T", '"s"', '"', "\n", "\n    ", "σ", "⊙", "'", ",", "each",
    "noise m ~ b(1) each", "use a as b", "\x00", "<", "~", "ᵀ", "²",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_any_text_gives_a_tree_or_reports(words):
    text = "cell X\n" + " ".join(words)
    try:
        tree = cell(text)
    except CellError as error:
        assert error.diagnostics and str(error)
    else:
        assert cell(print_cell(tree)) == tree
        assert cell(print_cell(tree, unicode=True)) == tree


@given(st.text(max_size=80))
def test_noise(text):
    try:
        cell(text)
    except CellError as error:
        assert str(error)


names = st.sampled_from(["a", "b", "h_1", "Γ_f", "c̃"])
leaves = st.builds(Name, names, st.booleans()) | st.builds(
    Number, st.integers(0, 10**17) | st.floats(0, 1e300).filter(lambda v: v != int(v) or v > 1)
)
binary_ops = st.sampled_from(
    ["+", "-", "*", "/", "//", "%", "@", "**", "<", "<=", "==", "and", "or"]
)


def _nested(e):
    slices = st.builds(Slice, st.none() | e, st.none() | e)
    return (
        st.builds(Binary, binary_ops, e, e)
        | st.builds(Unary, st.sampled_from(["-", "not"]), e)
        | st.builds(Call, st.builds(Name, names), st.lists(e, max_size=2).map(tuple))
        | st.builds(Join, st.lists(e, min_size=1, max_size=3).map(tuple))
        | st.builds(Transpose, e)
        | st.builds(Index, e, st.lists(e | slices, min_size=1, max_size=2).map(tuple))
    )


@given(st.recursive(leaves, _nested, max_leaves=12), st.booleans())
def test_every_expression_round_trips(e, unicode):
    tree = Cell("X", "", "", (Equation((Name("f"),), e),))
    assert cell(print_cell(tree, unicode)) == tree
