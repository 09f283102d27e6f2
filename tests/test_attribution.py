"""Attributions add up, have a named baseline, and saliency is a gradient with its warning."""

import numpy as np
import pytest
from inspected import (
    KINDS,
    B,
    T,
    decided,
    decided_along,
    decision,
    model,
    sentences,
    swapped,
    traced,
)
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


@pytest.mark.parametrize("kind", KINDS)
def test_every_words_part_is_its_integral(kind):
    """By Gauss and Legendre's rule, and differences along each word's way alone."""
    compiled, params = model(kind)
    x, other = sentences(), swapped(swapped(sentences(), 1), 3)
    found = integrated_gradients(compiled, params, x, decision(), Baseline("other words", other),
                                 tolerance=1e-10)  # fmt: skip
    change = decided(compiled, params, x) - decided(compiled, params, other)
    assert_close(found.change, change, "parity", what=kind)
    assert_close(found.values.sum(0), change, "reordered", what=kind)
    assert (found.error <= 1e-10 * np.abs(change)).all() and not found.values[[0, 2, 4, 5]].any()
    end, start = (traced(compiled, params, v)["x"] for v in (x, other))
    nodes, weights = (a / 2 for a in np.polynomial.legendre.leggauss(64))
    places = start[:, None] + (nodes[:, None, None] + 0.5) * (end - start)[:, None]
    places = places.reshape(T, -1, places.shape[-1])
    for step in (1, 3):
        way = np.where(np.arange(T)[:, None, None] == step, end - start, 0)
        slope = decided_along(compiled, params, x, places, np.tile(way, (1, len(nodes), 1)))
        assert_close(found.values[step], weights @ slope.reshape(-1, B), "difference", what=kind)


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
    made = compiled("rnn")
    params, x, other, decision = drawn(made)
    found = saliency(made, params, x, decision, other)
    gradient = made.vjp(params, x)[2](decision.weights).inputs["x"]
    assert_close(found.values, np.sqrt((gradient**2).sum(2)), "reordered")
    told = (gradient * (other["x"] - x["x"])).sum((0, 2)) / change_of(made, params, x, other,
                                                                      decision)
    assert_close(found.told, told, "reordered")
    assert WARNING in str(found) and f"here it gives {100 * told[0]:.1f} %" in str(found)
    assert WARNING in str(saliency(made, params, x, decision))


@pytest.mark.parametrize("kind", KINDS)
def test_saliency_is_the_norm_of_the_slopes_and_says_how_little_it_tells(kind):
    compiled, params = model(kind)
    x, other = sentences(), swapped(sentences(), 2)
    found = saliency(compiled, params, x, decision(), other)
    here, there = (traced(compiled, params, v)["x"] for v in (x, other))
    units = np.eye(T * here.shape[2]).reshape(-1, T, here.shape[2]).transpose(1, 0, 2)
    slopes = decided_along(compiled, params, x, np.tile(here, (1, units.shape[1], 1)),
                           np.repeat(units, B, 1)).reshape(T, -1, B)  # fmt: skip
    assert_close(found.values, np.sqrt((slopes**2).sum(1)), "difference", what=kind)
    change = decided(compiled, params, other) - decided(compiled, params, x)
    told = decided_along(compiled, params, x, here, there - here)
    assert_close(found.told * change, told, "difference", what=kind)
    assert WARNING in str(found) and f"{100 * found.told[0]:.1f} % of the true" in str(found)


def test_saliency_of_words_is_that_of_their_rows():
    made = compiled(MODEL)
    params, x, _, decision = drawn(made)
    found = saliency(made, params, x, decision)
    assert found.values.shape == (STEPS, ROWS) and (found.values > 0).all()
