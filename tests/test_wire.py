"""Wired graphs mean what their parts mean one after the other."""

import numpy as np
import pytest

from rnngraph.backends.reference import evaluate
from rnngraph.graph import Graph
from rnngraph.passes.wire import wire

T, B, H, V = 4, 3, 5, 7


def lookup():
    g = Graph("Lookup")
    g.output("x", g.apply("gather", g.param("E", (V, H)), g.input("token", (), "int")))
    return g


def leaky(reads="x", state="h"):
    g = Graph("Leaky")
    h = g.state(state, (H,))
    following = g.apply("tanh", 0.5 * h + g.input(reads, (H,)))
    g.name("n", following, "new")
    g.advance(state, following, "hidden")
    g.output(f"y_{state}", following)
    return g


def test_whole_equals_parts_in_turn():
    rng = np.random.default_rng(0)
    given = {"E": rng.normal(size=(V, H)), "token": rng.integers(0, V, (T, B))}
    whole = wire([lookup(), leaky()], {"x": "x"}, title="Whole")
    assert (list(whole.inputs), list(whole.outputs)) == (["token"], ["y_h"])
    assert whole.states["h"].label == "hidden" and whole.names["n"].label == "new"
    got = evaluate(whole, given, T, B).outputs["y_h"]
    expected = evaluate(leaky(), {"x": given["E"][given["token"]]}, T, B).outputs["y_h"]
    assert np.array_equal(got, expected)


def test_outputs_that_feed_can_be_kept():
    whole = wire([lookup(), leaky()], {"x": "x"}, title="Whole", outputs=["y_h", "x"])
    assert list(whole.outputs) == ["y_h", "x"]


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="a name in common: h, n, y_h"):
        wire([leaky(), leaky("y")], {"y": "y_h"}, title="Twice")
    with pytest.raises(ValueError, match="'z' is wired to 'y', no output of an earlier part"):
        wire([leaky("z")], {"z": "y"}, title="Nothing")
    with pytest.raises(ValueError, match="no part has an input 'q'"):
        wire([lookup()], {"q": "x"}, title="Nowhere")
    wrong = Graph("Wrong")
    wrong.output("y", wrong.input("z", (V,)))
    with pytest.raises(ValueError, match=r"'x' is real \[5\], but input 'z' is real \[7\]"):
        wire([lookup(), wrong], {"z": "x"}, title="Wrong")
