"""A call that is replayed answers as one that is not: replays remember where things lie, never
what they hold."""

from __future__ import annotations

import ctypes
from types import MappingProxyType

import numpy as np
import pytest
from structure import PLACES, representative

import rnngraph as rg
from rnngraph.runtime.arrays import ArgumentError

T, B, I, H = 4, 2, 3, 5  # noqa: E741


@pytest.fixture
def cell():
    return rg.load("lstm").compile(I=I, H=H)


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(T, B, I)).astype(np.float32)


def fresh(compiled, params, x, state=None):
    """What a call gives that cannot be a replay."""
    return compiled.run({k: v.copy() for k, v in params.items()}, x.copy(), state)[0]


@pytest.mark.parametrize("order", ["given first", "given later"])
def test_states_are_not_remembered(cell, x, order):
    params = cell.init(0)
    state = {name: np.ones((B, H), np.float32) for name in cell.graph.states}
    calls = [state, None, state, None]
    for given in calls if order == "given first" else calls[1:]:
        assert np.array_equal(cell.run(params, x, given)[0], fresh(cell, params, x, given))


def test_a_learned_first_state_is_read_again(x):
    text = "cell C\ninput x[I]\nstate h[I] = first\nparam first[I] = 1\nh' = tanh(h + x)"
    compiled = rg.parse(text).compile(I=I)
    params = compiled.init(0)
    for _ in range(3):
        params["first"] += 1
        assert np.array_equal(compiled.run(params, x)[0], fresh(compiled, params, x))


def test_parameters_changed_in_place_are_read_again(cell, x):
    params = cell.init(0)
    for _ in range(3):
        params["W_f"] *= 2
        assert np.array_equal(cell.run(params, x)[0], fresh(cell, params, x))


def least(w):
    w.view(np.uint32 if w.dtype == np.float32 else np.uint64)[1, -1] ^= 1


def exchanged(w):
    w[0, :4], w[-1, -4:] = w[-1, -4:].copy(), w[0, :4].copy()


CHANGES = {
    "last bit": least,
    "all signs": lambda w: np.negative(w, out=w),
    "two signs of one chain": lambda w: np.negative(w.reshape(-1)[::128][:2],
                                                    out=w.reshape(-1)[::128][:2]),
    "exchanged": exchanged,
    "rows in another order": lambda w: np.copyto(w, w[::-1].copy()),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_of_a_parameter_is_seen(change, dtype):
    text = "cell C\ninput x[I]\nstate h[H]\nparam W[H, I] ~ normal(1)\nh' = W @ x"
    compiled = rg.parse(text).compile(I=29, H=53, dtype=dtype)
    params = compiled.init(0)
    x = np.random.default_rng(1).normal(size=(2, 3, 29)).astype(params["W"].dtype)
    before = compiled.run(params, x)[0].copy()
    change(params["W"])
    found = compiled.run(params, x)[0]
    assert np.allclose(found, x @ params["W"].T, atol=1e-4)
    assert not np.array_equal(found, before)


def test_frozen_parameters_can_not_be_changed(cell):
    for name, array in cell.freeze(cell.init(0)).items():
        with pytest.raises(ValueError):
            array[...] = 1
        with pytest.raises(ValueError):
            array.setflags(write=True)
        assert np.array_equal(array, cell.init(0)[name])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("call", ["run", "step"])
def test_frozen_parameters_give_the_same_bits_in_any_order(x, call, threads):
    """Also when one of them comes as an array again, which then changes in place."""
    cell = rg.load("lstm").compile(I=I, H=H, threads=threads)
    x = x if call == "run" else x[0]
    first, second = (cell.freeze(cell.init(seed)) for seed in (0, 1))
    loose = {**first, "W_f": first["W_f"].copy()}
    for params in (first, first, second, second, first, loose, loose, first, second):
        found, _ = getattr(cell, call)(params, x)
        copies = {name: array.copy() for name, array in params.items()}
        assert np.array_equal(found, getattr(cell, call)(copies, x)[0])
        loose["W_f"] *= 1.5


def test_frozen_parameters_are_not_looked_through(cell, x):
    """Seen by changing one behind everybody's back, which nothing notices."""
    params = cell.freeze(cell.init(0))
    before = cell.run(params, x)[0]
    pointer = params["W_f"].ctypes.data
    ctypes.memset(pointer, 0, params["W_f"].nbytes)
    assert np.array_equal(cell.run(params, x)[0], before)
    assert not np.array_equal(cell.run(dict(params, W_f=params["W_f"].copy()), x)[0], before)


def test_freezing_checks_and_converts(cell):
    params = cell.init(0)
    wide = {name: array.astype(np.float64) for name, array in params.items()}
    assert {array.dtype for array in cell.freeze(wide).values()} == {np.dtype(np.float32)}
    with pytest.raises(ArgumentError, match="'b_f' has shape"):
        cell.freeze(params | {"b_f": np.zeros(H + 1)})


def test_parameters_reshaped_in_place_are_looked_at_again(cell, x):
    params = cell.init(0)
    cell.run(params, x)
    params["W_f"].shape = (H + I, H)
    with pytest.raises(ArgumentError, match="'W_f' has shape"):
        cell.run(params, x)


def test_parameters_moved_in_memory_are_found_again(cell, x):
    params = cell.init(0)
    params["W_f"] = np.array(params["W_f"])
    cell.run(params, x)
    params["W_f"].resize((1 << 10, H + I), refcheck=False)
    with pytest.raises(ArgumentError, match="'W_f' has shape"):
        cell.run(params, x)
    params["W_f"].resize((H, H + I), refcheck=False)
    assert np.array_equal(cell.run(params, x)[0], fresh(cell, params, x))


def test_a_pullback_used_again_begins_where_the_first_did():
    """States whose past no gradient needs are kept in a ring, which a run goes over."""
    text = """
cell Mixed
input x[I]
state s[], h[H], S[H, K]
param W[H, I], k[K], P[K]
s' = 0.9 * s + mean(h)
S' = 0.5 * S + outer(h, k)
h' = tanh(W @ x + S @ P + s)
output long = norm(h')
output most = max(S', axis=0)
"""
    compiled = rg.parse(text).compile(I=I, H=H, K=2, dtype="f64")
    params = {k: v + 0.1 for k, v in compiled.init(0).items()}
    rng = np.random.default_rng(1)
    x = rng.normal(size=(T, B, I))
    state = {k: rng.normal(size=(B, *v.leaf.shape)) for k, v in compiled.graph.states.items()}
    y, _, pullback = compiled.vjp(params, x, state)
    first, *later = (pullback({k: np.ones_like(v) for k, v in y.items()}) for _ in range(3))
    for again in later:
        for name, value in first.params.items():
            assert np.array_equal(value, again.params[name]), name


# --- what a call must find out anew ---------------------------------------------------------------


def remembered(compiled):
    """How many calls are remembered."""
    return sum(len(held) for held in compiled._replays._kept.values())


def everything(found):
    """All arrays of a call's answer, by path."""
    if isinstance(found, np.ndarray):
        return {"": found}
    named = found.items() if isinstance(found, dict) else enumerate(found)
    return {f"{k}.{path}": v for k, part in named for path, v in everything(part).items()}


def both_ways(compiled, params, x, state, dy, dstate):
    y, final, pullback = compiled.vjp(params, x, state)
    dy = {k: np.full_like(v, dy) for k, v in y.items()} if isinstance(y, dict) else (
        np.full_like(y, dy))  # fmt: skip
    return y, final, vars(pullback(dy, dstate))


def assert_same(found, expected):
    found, expected = everything(found), everything(expected)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert np.array_equal(found[name], value), name


@pytest.mark.parametrize("place", PLACES)
def test_replays_give_the_same_bits(place):
    """Runs, steps and gradients, with other numbers and other memory each time."""
    loaded = rg.load(representative(place))
    compiled = loaded.compile(**dict.fromkeys(loaded.sizes, 5))
    rng, leaves = np.random.default_rng(0), compiled.graph.inputs
    contexts = compiled.graph.contexts
    for seed in range(3):
        params = compiled.init(seed)
        unusual = MappingProxyType(params)  # no dict, so such a call is not remembered
        x = {k: rng.normal(size=(T, B, *v.shape)).astype(np.float32) for k, v in leaves.items()}
        fixed = {k: rng.normal(size=(B, *v.shape)).astype(np.float32) for k, v in contexts.items()}
        one = {k: v[0] for k, v in x.items()} | fixed
        x |= fixed
        state = {k: rng.normal(size=(B, *s.leaf.shape)).astype(np.float32)
                 for k, s in compiled.graph.states.items()}  # fmt: skip
        for given in (None, state):
            assert_same(compiled.run(params, x, given), compiled.run(unusual, x, given))
            assert_same(compiled.step(params, one, given), compiled.step(unusual, one, given))
            both = [both_ways(compiled, p, x, given, seed, given) for p in (params, unusual)]
            assert_same(*both)
        assert remembered(compiled) == 6


def test_arguments_of_another_kind_are_not_taken_for_the_usual_ones(cell, x):
    params = cell.init(0)
    y, _ = cell.run(params, x)
    wide = np.repeat(x, 2, axis=-1)
    for same in (x.astype(np.float64), x.tolist(), wide[..., ::2], np.asfortranarray(x),
                 x.astype(">f4"), np.ma.array(x)):  # fmt: skip
        assert np.array_equal(cell.run(params, same)[0], y)
    turned = {k: np.asfortranarray(v) for k, v in params.items()}
    assert np.array_equal(cell.run(turned, x)[0], y)
    other = dict(reversed(params.items()))
    assert np.array_equal(cell.run(other, x)[0], y)
    for wrong in (x[..., :-1], x.astype(complex), x[0]):
        with pytest.raises(ArgumentError, match="'x'"):
            cell.run(params, wrong)
    with pytest.raises(ArgumentError, match="missing parameter 'W_f'"):
        cell.run({k: v for k, v in params.items() if k != "W_f"}, x)
    with pytest.raises(ArgumentError, match="'W_f'"):
        cell.run(params | {"W_f": None}, x)
    with pytest.raises(ArgumentError, match="state h"):
        cell.run(params, x, {"h": np.zeros((B, H + 1), np.float32), "c": np.zeros((B, H))})
    assert np.array_equal(cell.run(params, x)[0], y)


def test_indices_are_checked_in_replays_too():
    text = "cell C\ninput n: int\nparam E[7, 3] ~ normal(1)\nstate h[3]\nh' = h + E[n]"
    compiled = rg.parse(text).compile()
    params, n = compiled.init(0), np.arange(6).reshape(3, 2)
    expected = params["E"][n].cumsum(0)
    for wrong in (7, -1, 1 << 62):
        assert np.array_equal(compiled.run(params, n)[0], expected)
        bad = n.copy()
        bad[2, 1] = wrong
        with pytest.raises(ArgumentError, match=f"'n' holds {wrong}"):
            compiled.run(params, bad)


def test_results_belong_to_the_caller(cell, x):
    params = cell.init(0)
    cell.run(params, x)
    y, final = cell.run(params, x)
    kept = y.copy(), {k: v.copy() for k, v in final.items()}
    cell.run(params, -x)
    assert_same((y, final), kept)
    _, _, pullback = cell.vjp(params, x)
    first = vars(pullback(np.ones_like(y)))
    kept = {k: {n: v.copy() for n, v in found.items()} for k, found in first.items()}
    pullback(-np.ones_like(y))
    cell.vjp(params, -x)[2](np.ones_like(y))
    assert_same(first, kept)


def test_pullbacks_that_live_at_once_have_memory_of_their_own(cell, x):
    params = cell.init(0)
    ys, _, pullbacks = zip(*(cell.vjp(params, x * k) for k in range(6)), strict=True)
    for k, (y, pullback) in enumerate(zip(ys, pullbacks, strict=True)):
        alone = cell.vjp(MappingProxyType(params), x * k)[2](np.ones_like(y))
        assert_same(vars(pullback(np.ones_like(y))), vars(alone))
    with pytest.raises(ArgumentError, match="cotangent of h"):
        pullback(np.ones_like(y)[1:])
    assert_same(vars(pullback(np.ones(y.shape))), vars(alone))


def test_parameters_that_moved_and_kept_their_shape_are_found(cell, x):
    params = cell.init(0)
    y, _ = cell.run(params, x)
    flat = params["b_f"] = np.array(params["b_f"])
    shape = flat.shape
    cell.run(params, x)
    flat.resize((1 << 16,), refcheck=False)
    flat.resize(shape, refcheck=False)
    assert np.array_equal(cell.run(params, x)[0], y)
