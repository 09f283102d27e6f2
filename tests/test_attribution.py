"""Attributions add up, have a named baseline, and saliency is a gradient with its warning."""

import numpy as np
import pytest
from test_routes import MODEL, ROWS, STEPS, change_of, compiled, drawn
from tolerances import assert_close

from rnngraph.inspect import Baseline, Decision, integrated_gradients, saliency
from rnngraph.inspect.attribution import WARNING
from rnngraph.runtime.arrays import ArgumentError


@pytest.mark.parametrize("text", ["lstm", MODEL], ids=["lstm", "model"])
def test_integrated_gradients_add_up(text):
    made = compiled(text)
    params, x, other, decision = drawn(made)
    other = {name: array[::-1].copy() for name, array in x.items()}
    found = integrated_gradients(made, params, x, decision, Baseline("reversed", other),
                                 tolerance=1e-12)  # fmt: skip
    change = -change_of(made, params, x, other, decision)
    assert_close(found.values.sum(0), change, "reordered")
    parts = sum(a.reshape(STEPS, ROWS, -1).sum(2) for a in found.elements.values())
    assert_close(parts, found.values, "reordered")
    assert np.count_nonzero(found.values) == found.values.size
    assert "against reversed" in str(found) and f"from {found.points[1]} points" in str(found)


def test_a_straight_cell_has_its_weights():
    """y = sum over t of w_t x_t: every step's part is its own change."""
    made = compiled("cell S\ninput x[]\nstate h[]\nh' = 0.5 * h + x")
    x = np.random.default_rng(0).normal(size=(4, 2))
    decision = Decision("h", (np.arange(4)[:, None] == 3) * np.ones((4, 2)))
    found = integrated_gradients(made, {}, x, decision, Baseline("nothing", np.zeros((4, 2))))
    expected = x * 0.5 ** np.arange(3, -1, -1)[:, None]
    assert_close(found.values, expected, "reordered")
    assert_close(saliency(made, {}, x, decision).values, np.abs(expected / x), "reordered")


def test_a_baseline_has_a_name():
    made = compiled("lstm")
    params, x, other, decision = drawn(made)
    with pytest.raises(ArgumentError, match="name the baseline"):
        integrated_gradients(made, params, x, decision, other)


def test_saliency_is_the_gradient_and_warns():
    made = compiled("lstm")
    params, x, other, decision = drawn(made)
    found = saliency(made, params, x, decision, other)
    gradient = made.vjp(params, x)[2](decision.weights).inputs["x"]
    assert_close(found.values, np.sqrt((gradient**2).sum(2)), "reordered")
    told = (gradient * (other["x"] - x["x"])).sum((0, 2)) / change_of(made, params, x, other,
                                                                      decision)
    assert_close(found.told, told, "reordered")
    assert WARNING in str(found) and f"here it gives {100 * told[0]:.1f} %" in str(found)
    assert WARNING in str(saliency(made, params, x, decision))


def test_saliency_of_words_is_that_of_their_rows():
    made = compiled(MODEL)
    params, x, _, decision = drawn(made)
    found = saliency(made, params, x, decision)
    assert found.values.shape == (STEPS, ROWS) and (found.values > 0).all()
