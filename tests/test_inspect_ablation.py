"""Ablation takes away exactly what it says, and compares with random units."""

import numpy as np
import pytest
from inspected import KINDS, B, H, T, decided, decision, model, sentences, traced
from tolerances import assert_close

import rnngraph as rg
from rnngraph.inspect import ablate


@pytest.mark.parametrize("kind", KINDS)
def test_each_unit_alone_is_an_override(kind):
    compiled, params = model(kind)
    x, states = sentences(), tuple(compiled.graph.states)
    found = ablate(compiled, params, x, decision(), names=states, units="each", controls=3)
    assert found.units == [(unit,) for unit in range(H)] and found.conditions == ["all"]
    whole = decided(compiled, params, x)
    assert_close(found.whole.margin, [whole.mean()], "parity", what=kind)
    for unit in (0, H - 1):
        given = {}
        for name in states:
            mask = np.zeros((1, 1, *compiled.graph.states[name].leaf.shape), bool)
            mask[:, :, unit] = True
            given[name] = mask, 0
        without = decided(compiled, params, x, given)
        assert_close(found.without.margin[unit], [without.mean()], "parity", what=kind)
        assert found.without.accuracy[unit] == (without > 0).mean()
        assert found.lost[unit] == (whole > 0).mean() - (without > 0).mean()
    assert found.controls.margin.shape == (3, 1)
    assert set(found.controls.margin[:, 0]) <= set(found.without.margin[1:, 0])


def test_zeroing_what_is_read_of_a_unit_is_zeroing_its_weights():
    compiled, params = model("lstm")
    x, unit, cut = sentences(), 1, dict(params)
    for name in ("W_f", "W_u", "W_o", "W_g"):
        cut[name] = params[name].copy()
        cut[name][unit], cut[name][:, unit] = 0, 0  # afferent, efferent
    cut["W_y"] = params["W_y"].copy()
    cut["W_y"][:, unit] = 0
    found = ablate(compiled, params, x, decision(), names=["h"], units=[unit])
    assert_close(found.without.margin[0, 0], decided(compiled, cut, x).mean(), "parity")


def test_modes_conditions_and_steps():
    compiled, params = model("gru")
    x, conditions = sentences(), ["a", "b", "a", "a"]
    given = compiled, params, x, decision()
    trace, lengths = traced(compiled, params, x)["z"], [T, 2, T, T]
    inside = np.arange(T)[:, None] < lengths
    late = (np.arange(T) >= 3)[:, None, None] & (np.arange(H) < 2)
    asked = {"names": ["z"], "units": [0, 1], "conditions": conditions, "steps": range(3, T)}
    mean = ablate(*given, mode="mean", **asked)
    want = decided(compiled, params, x, {"z": (late, trace.mean((0, 1)))})
    assert mean.conditions == ["a", "b"] and mean.units == [(0, 1)]
    assert_close(mean.without.margin[0], [want[[0, 2, 3]].mean(), want[1]], "parity")
    assert mean.controls.margin.shape == (3, 2)  # all pairs of the other three
    short = ablate(*given, mode="mean", lengths=lengths, **asked)
    own = ablate(*given, mode={"z": trace[inside].mean(0)}, lengths=lengths, **asked)
    assert np.array_equal(short.without.margin, own.without.margin)
    again = [ablate(*given, mode="resample", seed=seed, **asked).without.margin
             for seed in (0, 0, 1, 2)]
    assert np.array_equal(*again[:2])
    assert any(not np.array_equal(again[0], other) for other in again[2:])
    everything = ablate(*given, names=["z"])
    want = decided(compiled, params, x, {"z": (1, 0)}).mean()
    assert_close(everything.without.margin[0, 0], want, "parity")
    assert everything.controls.margin.shape == (0, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_mean_and_resample_are_overrides(kind):
    compiled, params = model(kind)
    x, states, steps = sentences(), tuple(compiled.graph.states), range(1, T)
    trace = traced(compiled, params, x)

    def by_hand(value):
        given = {}
        for name in states:
            mask = np.zeros((T, 1, *trace[name].shape[2:]), bool)
            mask[1:, :, [0, H - 1]] = True
            given[name] = mask, value(trace[name])
        return decided(compiled, params, x, given)

    asked = {"names": states, "units": [0, H - 1], "steps": steps, "conditions": range(B)}
    found = ablate(compiled, params, x, decision(), mode="mean", **asked)
    want = by_hand(lambda array: array.mean((0, 1)))
    assert_close(found.without.margin[0], want, "parity", what=kind)
    assert np.abs(want - decided(compiled, params, x)).min() > 1e-6
    found = ablate(compiled, params, x, decision(), mode="resample", seed=1, **asked)
    of_rows = np.array([by_hand(lambda array, row=row: array[:, [row]]) for row in range(B)])
    source = np.abs(of_rows - found.without.margin[0]).argmin(0)
    assert sorted(source) == [*range(B)] and (source != range(B)).all()
    assert_close(found.without.margin[0], of_rows[source, range(B)], "parity", what=kind)


def test_resampling_takes_every_row_from_another():
    compiled, params = model("gru")
    x = sentences()
    trace = traced(compiled, params, x)["h"]
    found = ablate(compiled, params, x, decision(), names=["h"], mode="resample",
                   conditions=range(B), steps=[T - 1])
    rows = [[decision().of({"logits": np.broadcast_to(trace[:, row : row + 1] @ params["W_y"].T
                                                      + params["b_y"], (T, B, 9))})[0]]
            for row in range(B)]
    source = np.abs(np.array(rows) - found.without.margin[0]).argmin(0)
    assert sorted(source) == [*range(B)] and (source != range(B)).all()


@pytest.mark.parametrize(("asked", "message"), [
    ({"mode": "noise"}, "one of zero, mean, resample, or values by name, not 'noise'"),
    ({"mode": {}}, "no value for 'h'"),
    ({"units": [H]}, "no unit 5"),
    ({"steps": [-1]}, "no step -1"),
    ({"conditions": [1]}, "conditions are 1, expected one for each of 4 rows"),
    ({"names": "h"}, "list of names"),
])  # fmt: skip
def test_what_does_not_fit_is_named(asked, message):
    compiled, params = model("lstm")
    with pytest.raises(rg.ArgumentError, match=message):
        ablate(compiled, params, sentences(), decision(), **{"names": ["h"], **asked})


def test_one_row_cannot_be_resampled():
    compiled, params = model("lstm")
    with pytest.raises(rg.ArgumentError, match="two rows or more"):
        ablate(compiled, params, sentences(1), decision(1), names=["h"], mode="resample")
