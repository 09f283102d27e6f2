"""Held units have their value everywhere and at every step; ones and zeros change nothing."""

import numpy as np
import pytest

from rnngraph.backends.reference import evaluate
from rnngraph.graph import Graph
from rnngraph.passes.hold import hold

T, B, H = 4, 3, 5


def a_cell(init=0.5):
    g = Graph("Delays")
    x, W = g.input("x", (H,)), g.param("W", (H, H))
    h, p = g.state("h", (H,), init=init), g.state("p", (H,))
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


def held_at(value=0.0, unit=None, steps=slice(None)):
    keep, fill = np.ones((T, B, H)), np.zeros((T, B, H))
    if unit is not None:
        keep[steps, :, unit], fill[steps, :, unit] = 0, value
    return {f"{mark}({s})": array for s in "hp" for mark, array in (("keep", keep), ("fill", fill))}


def test_ones_and_zeros_change_nothing():
    plain, _ = values(a_cell())
    held, _ = values(hold(a_cell()), **held_at())
    assert np.array_equal(plain.outputs["y"], held.outputs["y"])
    assert np.array_equal(plain.values["u"], held.values["u"])


@pytest.mark.parametrize("value", [0.0, -0.25])
def test_a_held_unit_has_its_value_and_the_input_is_not_held(value):
    held, given = values(hold(a_cell()), **held_at(value, unit=2))
    assert (held.finals["h"][:, 2] == value).all() and (held.finals["p"][:, 2] == value).all()
    assert held.outputs["y"][:, :, 2] == pytest.approx(given["x"][:, :, 2] + value, abs=1e-15)


def test_all_states_from_another_run_give_its_future():
    plain, given = values(a_cell())
    other, _ = values(a_cell(), x=given["x"][::-1])
    at = 1
    keep, fill = np.ones((T, B, H)), {s: np.zeros((T, B, H)) for s in "hp"}
    keep[at] = 0
    for s, value in {"h": other.outputs["y"] - given["x"][::-1], "p": given["x"][::-1]}.items():
        fill[s][at] = value[at]
    inputs = {**{f"keep({s})": keep for s in "hp"}, **{f"fill({s})": fill[s] for s in "hp"}}
    x = np.concatenate([given["x"][:at + 1], given["x"][::-1][at + 1:]])
    patched, _ = values(hold(a_cell()), x=x, **inputs)
    assert patched.outputs["y"][:at] == pytest.approx(plain.outputs["y"][:at], abs=1e-15)
    assert patched.outputs["y"][at + 1:] == pytest.approx(other.outputs["y"][at + 1:], abs=1e-14)


def test_holding_at_zero_equals_a_cell_without_the_unit():
    held, given = values(hold(a_cell(init=0.0)), **held_at(unit=H - 1))
    small = a_cell_of(H - 1, given)
    assert held.outputs["y"][..., :-1] == pytest.approx(small, abs=1e-14)


def a_cell_of(size, given):
    """The same equations in NumPy, without the last unit."""
    W, x = given["W"][:size, :size], given["x"][..., :size]
    h, p, y = np.zeros((B, size)), np.zeros((B, size)), []
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
