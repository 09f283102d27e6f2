"""A new cell is a whole one: it checks, and its gradient is that of what it computes."""

from pathlib import Path

import numpy as np
import pytest
from command_line import Call, call

import rnngraph as rg
from rnngraph.backends.reference import evaluate

__all__ = ["call"]  # a fixture


def test_the_starter_checks_compiles_and_has_the_right_gradient(call: Call):
    assert call("new", "mine").out == "mine.cell\n"
    assert call("check", "mine.cell").code == 0
    cell = rg.load("mine.cell")
    assert cell.name == "mine" and any(named.label for named in cell.graph.names.values())
    compiled = cell.compile(I=3, H=4, dtype="f64")
    params, rng = compiled.init(seed=1), np.random.default_rng(0)
    x, dy = rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 2, 4))
    y, _, pullback = compiled.vjp(params, x)
    want = evaluate(compiled.graph, {**params, "x": x}, 5, 2).outputs["h"]
    np.testing.assert_allclose(y, want, 1e-9)
    slope = pullback(dy).params
    for name, value in params.items():
        way, step = rng.normal(size=value.shape), 1e-6
        ahead, behind = (compiled.run({**params, name: value + s * step * way}, x)[0]
                         for s in (1, -1))  # fmt: skip
        want = ((ahead - behind) * dy).sum() / (2 * step)
        assert (slope[name] * way).sum() == pytest.approx(want, rel=1e-6)


def test_the_starter_says_how_to_go_on_with_its_own_name(call: Call):
    call("new", "folder/mine")
    text = Path("folder/mine.cell").read_text(encoding="utf-8")
    assert "starter" not in text.lower() and "rnngraph check folder/mine.cell" in text
    commands = [line.split()[2] for line in text.splitlines() if line.startswith("#   rnngraph")]
    assert {"check", "show", "draw", "run", "train", "diff"} <= set(commands)
    for command in commands:
        assert call(command, "--help").code == 0


def test_like_another_cell(call: Call):
    assert call("new", "mine", "--like", "gru").code == 0
    mine, gru = rg.load("mine.cell"), rg.load("gru")
    assert mine.name == "mine" and mine.text == gru.text.replace("cell GRU", "cell mine", 1)


def test_nothing_is_overwritten_unasked(call: Call):
    Path("mine.cell").write_text("precious")
    answer = call("new", "mine")
    assert answer.code == 1 and "--force" in answer.err
    assert Path("mine.cell").read_text() == "precious"
    assert call("new", "mine", "--like", "nope", "--force").code == 1
    assert Path("mine.cell").read_text() == "precious"
    assert call("new", "mine", "--force").code == 0
    assert rg.load("mine.cell").name == "mine"


@pytest.mark.parametrize("name", ["2x", "a b", "a#b", "a-b", "x²", ".cell", "x.y", 'a"b'])
def test_bad_names_are_refused(call: Call, name):
    answer = call("new", name)
    assert answer.code == 1 and "no name for a cell" in answer.err and not list(Path().iterdir())
