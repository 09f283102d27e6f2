"""A swap changes nothing before it, and is ranked by what it changes most."""

import numpy as np
import pytest
from inspected import KINDS, B, H, T, model, sentences, swapped

import rnngraph as rg
from rnngraph.inspect import swap

AT = 2


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_changes_before_the_swapped_step(kind):
    compiled, params = model(kind)
    x = sentences()
    other = swapped(x, AT)
    found = swap(compiled, params, x, other)
    assert set(found.difference) == set(compiled.named)
    for name, difference in {**found.difference, **found.outputs}.items():
        assert difference.shape[:2] == (T, B)
        assert not difference[:AT].any() and difference[AT:].any(), name
    one, two = (compiled.trace(params, each, names=["x"])["x"] for each in (x, other))
    assert np.array_equal(found.before["x"], one) and np.array_equal(found.after["x"], two)
    largest = {(n, unit): np.abs(d[(..., *unit)]).max() for n, d in found.difference.items()
               for unit in np.ndindex(d.shape[2:])}
    ranked = found.ranked()
    assert [abs(c.by) for c in ranked] == sorted(largest.values(), reverse=True)
    for change in ranked:
        element = found.difference[change.name][(change.step, change.row, *change.unit)]
        assert change.by == element and abs(element) == largest[change.name, change.unit]


def test_states_lengths_and_what_does_not_fit():
    rnn = rg.load("rnn").compile(I=3, H=H)
    params, x = rnn.init(0), np.random.default_rng(0).normal(size=(T, B, 3))
    other = x + (np.arange(T) == 4)[:, None, None]
    start = {"h": np.ones((B, H))}
    found = swap(rnn, params, x, other, start, lengths=[T, 3, T, T])
    assert not found.outputs["h"][:, 1].any() and found.outputs["h"][4, 0].any()
    assert np.array_equal(found.before["h"], rnn.trace(params, x, start, lengths=[T, 3, T, T])["h"])
    with pytest.raises(rg.ArgumentError, match=r"\[T, B\] = \[5, 4\], expected \[6, 4\]"):
        swap(rnn, params, x, x[1:])
