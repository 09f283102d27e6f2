"""Two cells side by side: what is said to be the same is the same, and what differs is marked."""

import re
from pathlib import Path

import pytest
from command_line import Call, call

import rnngraph as rg
from rnngraph import library
from rnngraph.comparison.rows import CHANGED, LEFT, RIGHT, SAME
from rnngraph.comparison.text import lines

__all__ = ["call"]  # a fixture


def marks(difference, section):
    return {(row.left or row.right).key: row.mark for row in difference.rows
            if row.section == section}  # fmt: skip


@pytest.mark.parametrize("name", library.names())
def test_a_cell_is_the_same_as_itself(name):
    cell = rg.load(name)
    assert {row.mark for row in rg.diff(cell, cell).rows} == {SAME}


def test_what_differs_is_marked():
    found = rg.diff(rg.load("lstm"), rg.load("peephole_lstm"))
    changed = {key for key, mark in marks(found, "equations").items() if mark == CHANGED}
    assert changed == {"f", "u", "o"}
    parameters = marks(found, "parameters")
    assert {key for key, mark in parameters.items() if mark == RIGHT} == {"p_f", "p_u", "p_o"}
    assert CHANGED not in parameters.values() and LEFT not in parameters.values()
    back = rg.diff(rg.load("peephole_lstm"), rg.load("lstm"))
    assert marks(back, "parameters")["p_f"] == LEFT


def test_equal_equations_meet_under_other_names():
    one = rg.parse("cell A\ninput x[I]\nstate h[H]\nparam W[H, I]\na = W @ x\nb = tanh(a)  \"new\""
                   "\nh' = b")  # fmt: skip
    two = rg.parse("cell B\ninput x[I]\nstate h[H]\nparam W[H, I]\nz = W @ x\nc = relu(z)  \"new\""
                   "\nh' = c")  # fmt: skip
    pairs = [(row.left.key, row.right.key) for row in rg.diff(one, two).rows
             if row.section == "equations"]  # fmt: skip
    assert pairs == [("a", "z"), ("b", "c"), ("h'", "h'")]  # by value, by label, by name


def test_a_cell_without_a_text_prints_its_graph():
    stacked = rg.stack(rg.load("gru"), layers=2)
    assert {row.mark for row in rg.diff(stacked, stacked).rows} == {SAME}
    found = rg.diff(rg.load("gru"), stacked)
    assert "layer1.z" in marks(found, "equations") and "2-layer GRU" in found.text()


def test_an_initialiser_and_a_shape_are_compared():
    text = "cell A\ninput x[I]\nstate h[H] = {}\nparam W[{}] ~ {}\nh' = W @ x + h"
    one, two = (rg.parse(text.format(*given)) for given in (
        ("0", "H, I", "normal(1)"), ("1", "H, I", "normal(2)")))  # fmt: skip
    found = rg.diff(one, two)
    assert marks(found, "states") == {"h": CHANGED} and marks(found, "parameters")["W"] == CHANGED


@pytest.mark.parametrize("columns", [60, 80, 131])
def test_lines_keep_to_the_columns_and_lose_nothing(columns):
    one, two = rg.load("rhn"), rg.load("s5")
    text = rg.diff(one, two).text(columns)
    body = text.split("a step of one row")[0]
    assert max(map(len, body.splitlines())) <= columns
    written = re.sub(r"\s", "", body)
    whole = rg.diff(one, two)
    for row in whole.rows:
        for side in filter(None, (row.left, row.right)):
            if len(side.text) < columns // 2 - 4:
                assert re.sub(r"\s", "", side.text) in written


def test_only_what_differs_is_painted():
    found = rg.diff(rg.load("lstm"), rg.load("peephole_lstm"))

    def paint(text, differs):
        return f"<<{text}>>" if differs else text

    painted = "\n".join(lines(found.titles, found.rows, found.figures, 120, paint))
    assert "u = sigmoid(W_u @ [h, x] + <<p_u * c + >>b_u)" in painted
    assert "c' = f * c + u * g " in painted
    assert re.sub("<<|>>", "", painted) + "\n" == found.text(120)


def test_figures_are_those_of_the_cells():
    one, two = rg.diff(rg.load("lstm"), rg.load("gru"), H=8, I=4).figures
    assert one.sizes == two.sizes == {"I": 4, "H": 8}
    assert one.parameters == 4 * (8 * 12 + 8) and two.parameters == 3 * (8 * 12 + 8)
    assert (one.carried, two.carried) == (16, 8)
    assert (one.products, two.products) == (2 * 4 * 8 * 12, 2 * 3 * 8 * 12)
    assert (one.depth, two.depth) == (1, 2), "the reset gate comes before a product"


def test_boxes_have_the_marks_of_their_rows():
    picture = rg.diff(rg.load("gru"), rg.load("mgu")).diagram().picture
    kinds = {(box.group, key[3:]): box.kind for key, box in picture.boxes.items()}
    assert kinds[("GRU", "x")] == kinds[("MGU", "h")] == SAME
    assert kinds[("GRU", "r")] == kinds[("GRU", "z")] == LEFT
    assert kinds[("MGU", "f")] == RIGHT and kinds[("MGU", "g")] == CHANGED
    twice = rg.diff(rg.load("gru"), rg.load("gru")).diagram().picture
    assert len({box.group for box in twice.boxes.values()}) == 2
    assert {box.kind for box in twice.boxes.values()} == {SAME}


def test_the_command_takes_paths_and_draws(call: Call):
    assert call("new", "mine", "--like", "gru").code == 0
    answer = call("diff", "gru", "mine.cell", "--sizes", "H=8", "--draw", "d.html")
    assert answer.code == 0 and "H = 8" in answer.out and "\x1b" not in answer.out
    page = Path("d.html").read_text(encoding="utf-8")
    assert "<svg" in page and "http" not in re.sub(r"http://www\.w3\.org|<!DOCTYPE[^>]*>", "", page)
    assert call("diff", "gru", "mgu", "--draw", "d.svg").code == 0
    assert "forget gate" in Path("d.svg").read_text(encoding="utf-8").replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gru", "nope"), "no cell 'nope'"),
        (("gru", "mgu", "--sizes", "Q=3"), "neither cell has a size 'Q'"),
        (("gru", "mgu", "--draw", "d.doc"), "drawings are .svg"),
    ],
)
def test_bad_input_is_named(call: Call, words, said):
    answer = call("diff", *words)
    assert answer.code == 1 and said in answer.err and not list(Path().iterdir())
