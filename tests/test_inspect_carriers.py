"""Carriers are ranked by what is lost without them, not by how well they tell labels apart."""

import numpy as np
import pytest
from inspected import KINDS, B, H, T, decision, model, sentences

import rnngraph as rg
from rnngraph.inspect import Decision, carriers
from rnngraph.inspect.carriers import d_prime

PLANTED = """
cell Planted
input x[H]
state s[H]
param w[H]
s' = s + x     "memory"
output y = w @ s'
"""
ROWS = 40


def planted():
    """Unit 0 tells the labels apart best and is read by nobody; unit 1 decides; 2 is noise."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(ROWS) % 2)
    x = np.zeros((T, ROWS, 3))
    x[1] = np.stack([9 * labels, 2 * labels - 1, 0 * labels], 1) + rng.normal(size=(ROWS, 3)) * 0.4
    weights = np.zeros((T, ROWS))
    weights[-1] = 2 * labels - 1
    return x, labels, Decision("y", weights)


def test_what_is_read_by_nobody_is_no_carrier():
    compiled = rg.parse(PLANTED).compile(H=3, dtype="f64")
    x, labels, decided = planted()
    found = carriers(compiled, {"w": [0.0, 1.0, 0.1]}, x, labels, decided, steps=range(2, T))
    assert {c.name for c in found} == {"s"} and [c.unit for c in found[:1]] == [1]
    first, inert = found[0], next(c for c in found if c.unit == 0)
    assert inert.candidate and first.candidate and not found[1 + (found[1] is inert)].candidate
    assert np.abs(inert.d_prime).min() > np.abs(first.d_prime).min() > 2
    assert (inert.lost, inert.margin) == (0, 0) and first.lost > 0.3 and first.margin > 0.8
    assert first.accuracy < 0.7 and inert.accuracy == 1


def test_d_prime_is_its_formula():
    values = np.array([[[1.0, 5, 7], [3, 5, 7], [0, 5, 6], [0, 5, 6]]])
    found = d_prime(values, np.array([True, True, False, False]))
    assert found[0] == pytest.approx([2 / np.sqrt(0.5), 0, np.inf])


@pytest.mark.parametrize("kind", KINDS)
def test_any_cell(kind):
    compiled, params = model(kind)
    states = tuple(compiled.graph.states)
    found = carriers(compiled, params, sentences(), [0, 1, 0, 1], decision(), names=[states, "x"],
                     steps=[3, 4], halfway={"x": np.zeros(4)})
    assert {(c.name, c.unit) for c in found} == {
        *((", ".join(states), unit) for unit in range(H)), *(("x", unit) for unit in range(4))}
    assert [c.margin for c in found] == sorted((c.margin for c in found), reverse=True)
    assert all(c.d_prime.shape == (2,) for c in found) and found[0].margin > 0


@pytest.mark.parametrize(("labels", "message"), [
    ([0, 1], "one for each of 4 rows"),
    ([0, 1, 2, 0], "truth values"),
    ([1] * B, "all the same"),
])  # fmt: skip
def test_labels_must_be_of_two_kinds(labels, message):
    compiled, params = model("lstm")
    with pytest.raises(rg.ArgumentError, match=message):
        carriers(compiled, params, sentences(), labels, decision())
