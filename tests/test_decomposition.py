"""Contextual decomposition: parts add up for any cell, and are the paper's for its LSTM."""

import numpy as np
import pytest
from inspected import KINDS, B, T, decided, decision, model, sentences
from test_routes import MODEL, ROWS, STEPS, H, compiled, drawn, reference
from tolerances import assert_close

from rnngraph.inspect import Decision, decompose
from rnngraph.runtime.arrays import ArgumentError

PHRASE = [1, 2]


@pytest.mark.parametrize("text", ["gru", MODEL], ids=["gru", "model"])
def test_parts_add_up(text):
    made = compiled(text)
    params, x, _, decision = drawn(made)
    y = decision.of(reference(made, params, x).outputs)
    found = decompose(made, params, x, decision, PHRASE)
    assert_close(found.total, y, "reordered")
    assert np.abs(found.phrase).min() > 1e-9 and np.abs(found.others).min() > 1e-9
    every = decompose(made, params, x, decision, range(STEPS))
    assert_close(every.total, y, "reordered")
    if not made.graph.contexts and not any(isinstance(s.init, str)
                                           for s in made.graph.states.values()):  # fmt: skip
        assert not every.others.any()
    assert not decompose(made, params, x, decision, []).phrase.any()


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_phrases_add_up(kind):
    """Of a phrase of its own for every row, of each alone, of nothing and of everything."""
    compiled, params = model(kind)
    x, inside = sentences(), np.zeros((T, B), bool)
    phrases = [(1, 2), (0,), (3, 4, 5), (0, 5)]
    for row, phrase in enumerate(phrases):
        inside[list(phrase), row] = True
    y = decided(compiled, params, x)
    found = decompose(compiled, params, x, decision(), inside)
    assert_close(found.total, y, "reordered", what=kind)
    parts = np.stack([found.phrase, found.others, found.constants])
    assert np.abs(parts[:2]).min() > 1e-6
    for row, phrase in enumerate(phrases):
        alone = decompose(compiled, params, x, decision(), phrase)
        alone = np.stack([alone.phrase, alone.others, alone.constants])
        assert_close(alone[:, row], parts[:, row], "parity", what=kind)
    nothing, everything = (decompose(compiled, params, x, decision(), steps)
                           for steps in ([], range(T)))  # fmt: skip
    assert not nothing.phrase.any() and not everything.others.any()
    for made in (nothing, everything):
        assert_close(made.constants, found.constants, "parity", what=kind)
        assert_close(made.total, y, "reordered", what=kind)


def test_a_linear_cell_has_the_phrase_alone():
    made = compiled("cell L\ninput x[]\nstate h[]\nh' = 0.5 * h + x")
    x = np.random.default_rng(0).normal(size=(4, 2))
    decision = Decision("h", (np.arange(4)[:, None] == 3) * np.ones((4, 2)))
    inside = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], bool)
    found = decompose(made, {}, x, decision, inside)
    expected = [decision.of(reference(made, {}, {"x": np.where(p, x, 0)}).outputs)
                for p in (inside, ~inside)]  # fmt: skip
    assert_close(found.phrase, expected[0], "reordered")
    assert_close(found.others, expected[1], "reordered")


@pytest.mark.parametrize("phrase", [[1, 2], [0], [3, 4, 5]])
def test_it_is_the_papers_for_its_lstm(phrase):
    made = compiled("lstm")
    params, x, _, decision = drawn(made)
    found = decompose(made, params, x, decision, phrase, whole=["o"])
    beta, gamma = murdoch(params, x["x"], phrase)
    assert_close(found.phrase, (decision.weights[-1] * beta).sum(1), "reordered")
    assert_close(found.others, (decision.weights[-1] * gamma).sum(1), "reordered")
    assert not found.constants.any()


def murdoch(params, x, phrase):
    """beta and gamma of the last h [B, H]: Murdoch, Liu & Yu 2018, section 3.2, in NumPy."""

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    def linearised(act, terms, bias):
        """Every term's part: the mean over both orders, the bias always first."""
        a, b = terms
        both, only_a, only_b = act(a + b + bias), act(a + bias), act(b + bias)
        zero = act(np.zeros_like(a) + bias)
        return (only_a - zero + both - only_b) / 2, (only_b - zero + both - only_a) / 2, zero

    beta_h = gamma_h = beta_c = gamma_c = np.zeros((ROWS, H))
    for t, xt in enumerate(x):
        inside = float(t in phrase)
        joined = np.hstack([beta_h, inside * xt]), np.hstack([gamma_h, (1 - inside) * xt])
        (bf, gf, df), (bu, gu, du), (bg, gg, dg) = (
            linearised(act, [v @ params[f"W_{k}"].T for v in joined], params[f"b_{k}"])
            for k, act in (("f", sigmoid), ("u", sigmoid), ("g", np.tanh)))
        new = bu * (bg + dg) + du * bg + inside * du * dg
        rest = gu * (bg + gg + dg) + (bu + du) * gg + (1 - inside) * du * dg
        gamma_c = (bf + gf + df) * gamma_c + gf * beta_c + rest
        beta_c = (bf + df) * beta_c + new
        o = sigmoid(sum(joined) @ params["W_o"].T + params["b_o"])
        beta, gamma, _ = linearised(np.tanh, [beta_c, gamma_c], 0.0)
        beta_h, gamma_h = o * beta, o * gamma
    return beta_h, gamma_h


def test_a_state_at_the_beginning_is_of_other_steps():
    made = compiled("gru")
    params, x, _, decision = drawn(made)
    state = {"h": np.full((ROWS, H), 0.4)}
    found = decompose(made, params, x, decision, range(STEPS), state)
    assert_close(found.total, decision.of(reference(made, params, x, state).outputs), "reordered")
    assert np.abs(found.others).min() > 1e-6


def test_a_cell_without_a_value_for_a_part_alone():
    made = compiled("cell Q\ninput x[]\nstate h[]\nh' = 0.5 * h + x / (x + h)")
    decision = Decision("h", np.ones((3, 1)))
    with pytest.raises(ValueError, match="it has no contextual decomposition"):
        decompose(made, {}, np.ones((3, 1)), decision, [1])


def test_refusals():
    made = compiled(MODEL)
    params, x, _, decision = drawn(made)
    with pytest.raises(ValueError, match="names no value 'p'"):
        decompose(made, params, x, decision, PHRASE, whole=["p"])
    with pytest.raises(ArgumentError, match="'steps' holds 6, expected 0 to 5"):
        decompose(made, params, x, decision, [STEPS])
    with pytest.raises(ArgumentError, match="'steps' has shape"):
        decompose(made, params, x, decision, np.zeros((STEPS, ROWS + 1), bool))
