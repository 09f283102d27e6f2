"""Patches bring about exactly what their value carries."""

import numpy as np
import pytest
from inspected import KINDS, B, H, T, decision, model, sentences, swapped

import rnngraph as rg
from rnngraph.inspect import Decision, patch
from rnngraph.inspect.override import shared

AT = 2


@pytest.mark.parametrize("kind", KINDS)
def test_all_of_the_state_carries_all_of_the_change(kind):
    compiled, params = model(kind)
    x, states = sentences(), tuple(compiled.graph.states)
    found = patch(compiled, params, x, swapped(x, AT), decision(), [states])
    (effects,) = found.effects.values()
    assert list(found.effects) == [", ".join(states)] and found.change.all()
    assert (effects[:AT] == 0).all() and (effects[AT:] == 1).all()


def test_a_patch_is_the_override_of_one_value_at_one_step_and_unit(monkeypatch):
    compiled, params = model("lstm")
    x = sentences()
    other, whole = swapped(x, AT), shared(compiled)

    def decided(x, given):
        return decision().of(whole.run(params, x, given, outputs=["logits"])[0])

    y, y_other = decided(x, {}), decided(other, {})
    donor = compiled.trace(params, other, names=["f", "c", "x"])
    few = patch(compiled, params, x, other, decision(), ["f", "c", "x"], steps=[3, 2], units="each")
    monkeypatch.setattr("rnngraph.inspect.trials.ROWS", B)  # one trial in a run
    again = patch(compiled, params, x, other, decision(), ["f", "c", "x"], [3, 2], "each")
    assert few.effects["f"].shape == (2, H) and few.effects["x"].shape == (2, 4)
    assert few.moved["c"].shape == (2, H, B)
    for name in few.moved:
        assert np.array_equal(few.moved[name], again.moved[name])
        mask = np.zeros(donor[name].shape, bool)
        mask[3, :, 1] = True
        patched = decided(x, {name: (mask, donor[name])})
        assert few.moved[name][0, 1] == pytest.approx(patched - y, abs=1e-12)
        share = (patched - y).sum() / (y_other - y).sum()
        assert few.effects[name][0, 1] == pytest.approx(share, abs=1e-9)


def test_sets_of_units_and_defaults():
    compiled, params = model("memory")
    x = sentences()
    given = compiled, params, x, swapped(x, AT), decision()
    assert set(patch(*given, steps=[0]).effects) == {"x", "k", "q", "f", "v", "y", "M"}
    found = patch(*given, ["M"], units=[range(H), (0, 2)])
    assert found.effects["M"].shape == (T, 2) and found.units["M"][1] == (0, 2)
    assert (found.effects["M"][AT:, 0] == 1).all() and (found.effects["M"][AT:, 1] != 1).all()


def test_a_real_input_can_be_patched():
    rnn = rg.load("rnn").compile(I=3, H=4, dtype="f64")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(T, 1, 3))
    other = x.copy()
    other[AT] = 1
    weights = np.zeros((T, 1, 4))
    weights[-1, 0, 0] = 1
    effects = patch(rnn, rnn.init(1), x, other, Decision("h", weights), ["x", "h"]).effects
    assert effects["x"].tolist() == [0, 0, 1, 0, 0, 0]
    assert effects["h"].tolist() == [0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(("asked", "message"), [
    ({"names": ["q"]}, "'q' is no real value"),
    ({"steps": [6]}, "no step 6; steps are 0 to 5"),
    ({"names": ["h"], "units": [5]}, "no unit 5; units are 0 to 4"),
    ({"units": "some"}, "not 'some'"),
    ({"names": [("x", "h")], "units": "each"}, "x has 4, h has 5"),
    ({"decision": Decision("y", np.zeros(1))}, "about 'y', but the outputs are logits, loss"),
    ({"decision": Decision("logits", np.zeros((2, 3)))}, r"\[2, 3\], expected .* = \[6, 4, 9\]"),
    ({"other": sentences(3)}, r"other input has \[T, B\] = \[6, 3\], expected \[6, 4\]"),
])  # fmt: skip
def test_what_does_not_fit_is_named(asked, message):
    compiled, params = model("lstm")
    given = {"x": sentences(), "other": sentences(seed=1), "decision": decision(), **asked}
    with pytest.raises(rg.ArgumentError, match=message):
        patch(compiled, params, **given)
