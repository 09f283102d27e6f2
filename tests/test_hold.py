"""Held units are zero everywhere and at every step; a mask of ones changes nothing."""

import numpy as np
import pytest

from rnngraph.backends.reference import evaluate
from rnngraph.graph import Graph
from rnngraph.passes.hold import hold

T, B, H = 4, 3, 5


def a_cell():
    g = Graph("Delays")
    x, W = g.input("x", (H,)), g.param("W", (H, H))
    h, p = g.state("h", (H,), init=0.5), g.state("p", (H,))
    u = g.apply("sigmoid", W @ h + p)
    following = u * g.apply("tanh", x + h)
    g.advance("h", following)
    g.advance("p", x)
    g.name("u", u, "gate")
    g.output("y", following + x)
    return g


def values(graph, **extra):
    rng = np.random.default_rng(0)
    given = {"x": rng.normal(size=(T, B, H)), "W": rng.normal(size=(H, H)), **extra}
    return evaluate(graph, given, T, B, trace=["u"]), given


def masks(unit=None):
    keep = np.ones((B, H))
    if unit is not None:
        keep[:, unit] = 0
    return {"keep(h)": keep, "keep(p)": keep}


def test_ones_change_nothing():
    plain, _ = values(a_cell())
    held, _ = values(hold(a_cell()), **masks())
    assert np.array_equal(plain.outputs["y"], held.outputs["y"])
    assert np.array_equal(plain.values["u"], held.values["u"])


def test_a_held_unit_is_zero_and_the_input_is_not():
    held, given = values(hold(a_cell()), **masks(unit=2))
    assert (held.finals["h"][:, 2] == 0).all() and (held.finals["p"][:, 2] == 0).all()
    assert np.array_equal(held.outputs["y"][:, :, 2], given["x"][:, :, 2])


def test_holding_equals_a_cell_without_the_unit():
    held, given = values(hold(a_cell()), **masks(unit=H - 1))
    small = a_cell_of(H - 1, given)
    assert held.outputs["y"][..., :-1] == pytest.approx(small, abs=1e-14)


def a_cell_of(size, given):
    """The same equations in NumPy, without the last unit."""
    W, x = given["W"][:size, :size], given["x"][..., :size]
    h, p, y = np.full((B, size), 0.5), np.zeros((B, size)), []
    for xt in x:
        h = 1 / (1 + np.exp(-(h @ W.T + p))) * np.tanh(xt + h)
        p = xt
        y.append(h + xt)
    return np.stack(y)


def test_unknown_state_and_taken_mark():
    with pytest.raises(ValueError, match="no state 'c'"):
        hold(a_cell(), ["c"])
    with pytest.raises(ValueError, match="declared twice"):
        hold(hold(a_cell()))
