"""The learning benchmark: tasks are what they say, cells learn them, and what fails is told."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Call, call

import rnngraph as rg
from rnngraph import library
from rnngraph.backends.reference import evaluate
from rnngraph.learn.inputs import with_one_input
from rnngraph.learn.page import learnt, write_page
from rnngraph.learn.problems import PROBLEMS, Adding, Copying, NumberAgreement
from rnngraph.learn.run import learn
from rnngraph.learn.store import Store
from rnngraph.learn.trial import DIVERGED, LEFT_OUT, TRAINED, Budget, trial
from rnngraph.passes.regular import regular
from rnngraph.tasks.adding import MEMORYLESS, adding
from rnngraph.tasks.copying import copying, memoryless

__all__ = ["call"]  # a fixture

EASY = Adding(steps=8), Copying(symbols=4, length=1, delay=3), NumberAgreement(size=500)
SMALL = Budget(width=16, rows=32, updates=120, rates=(0.03,))
LONE = "cell Lone\ninput x[I], k: int\nstate h[H]\nparam W[H, I], E[3, H]\nh' = W @ x + E[k] + h\n"
WILD = "cell Wild\ninput x[I]\nstate h[H]\nparam W[H, I] ~ normal(1)\nh' = exp(exp(h + W @ x))\n"


# --- the tasks -----------------------------------------------------------------------------------


def test_adding_marks_two_numbers_and_wants_their_sum():
    batch = adding(np.random.default_rng(0), 9, 4000)
    number, mark = batch["signal"][..., 0], batch["signal"][..., 1]
    assert (mark[:4].sum(0) == 1).all() and (mark[4:].sum(0) == 1).all()
    np.testing.assert_allclose((number * mark).sum(0), batch["target"][-1, :, 0], rtol=1e-6)
    assert batch["weight"].sum() == 4000 and (batch["weight"][-1] == 1).all()
    assert np.square(batch["target"][-1] - 1).mean() == pytest.approx(MEMORYLESS, rel=0.05)


def test_copying_wants_what_was_shown_after_the_delay():
    batch = copying(np.random.default_rng(0), symbols=5, length=3, delay=4, rows=6)
    token, target = batch["token"], batch["target"]
    assert token.shape == target.shape == (10, 6)
    assert (token[:3] < 5).all() and (target[-3:] == token[:3]).all()
    assert (target[:-3] == 5).all() and (token[3:6] == 5).all() and (token[7:] == 5).all()
    assert (token[6] == 6).all(), "the sign comes right before the answer"
    assert memoryless(5, 3, 4) == pytest.approx(3 * np.log(5) / 10)


@pytest.mark.parametrize("name", PROBLEMS)
def test_batches_are_functions_of_the_step(name):
    problem = PROBLEMS[name]
    one, again, other = (problem.batch(step, 8) for step in (3, 3, 4))
    assert all(np.array_equal(one[k], again[k]) for k in one)
    assert any(not np.array_equal(one[k], other[k]) for k in one)


# --- trials ------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", EASY, ids=lambda problem: problem.name)
def test_a_cell_gets_below_the_baseline(problem):
    found = trial(rg.load("mgu"), problem, SMALL)
    assert found.status == TRAINED and found.rate == 0.03
    assert found.loss < 0.8 * found.baseline_loss


@pytest.mark.parametrize("problem", EASY[:2], ids=lambda problem: problem.name)
def test_a_cell_without_memory_does_not_pass_the_baseline(problem):
    cell = rg.parse("cell Forgetful\ninput x[I]\nstate h[I]\nh' = x + 0 * h\n")
    found = trial(cell, problem, SMALL)
    assert found.loss > 0.9 * found.baseline_loss


def test_what_diverges_is_told():
    found = trial(rg.parse(WILD), PROBLEMS["adding"], Budget(8, 4, 5, (0.01, 0.1)))
    assert found.status == DIVERGED and found.loss is None and found.rate is None
    assert "step 1" in found.reason and all(o["diverged"] for o in found.rates)
    half = trial(rg.load("rnn"), PROBLEMS["adding"], Budget(8, 4, 5, (0.01, 1e30)))
    assert half.status == TRAINED and half.rate == 0.01
    assert [bool(o["diverged"]) for o in half.rates] == [False, True]


def test_a_cell_without_a_model_says_why():
    found = trial(rg.parse(LONE), PROBLEMS["copying"], SMALL)
    assert found.status == LEFT_OUT and "2 inputs (x, k)" in found.reason


def test_a_regular_series_is_one_without_gaps():
    text = ("cell C\ninput x[I], gap[], time[], mask[I]\ncontext mean[I]\nstate h[I]\n"
            "h' = x * mask + 10 * gap + 100 * time + 1000 * mean\n")  # fmt: skip
    graph = regular(rg.parse(text).graph)
    assert list(graph.inputs) == ["x"] and not graph.contexts
    x = np.random.default_rng(0).normal(size=(4, 2, 3))
    bound = rg.Cell(graph).bind(I=3).graph
    got = evaluate(bound, {"x": x}, 4, 2).outputs["h"]
    np.testing.assert_allclose(got, x + 10 + 100 * np.arange(4.0)[:, None, None])


def test_several_real_inputs_are_projections_of_one():
    text = "cell C\ninput x[I], W[], gap[]\nstate h[I]\nh' = h + x * W * gap\n"
    cell = with_one_input(rg.parse(text)).bind(**{"I": 2, "E": 3})
    (name,) = cell.graph.inputs
    rng = np.random.default_rng(0)
    given, W, w = rng.normal(size=(4, 2, 3)), rng.normal(size=(2, 3)), rng.normal(size=3)
    params = dict(zip(cell.graph.params, (W, w), strict=True))
    got = evaluate(cell.graph, {**params, name: given}, 4, 2).outputs["h"]
    np.testing.assert_allclose(got, np.cumsum((given @ W.T) * (given @ w)[..., None], 0))
    found = trial(rg.load("mass_conserving_lstm"), EASY[0], Budget(8, 4, 3, (0.01,)))
    assert found.status == TRAINED


@pytest.mark.parametrize("name", library.names())
def test_every_cell_of_the_library_has_a_model(name):
    cell = with_one_input(rg.load(name))
    for problem in EASY:
        assert problem.model(cell, 8).graph.params


@pytest.mark.parametrize("name", ["rnn", "lstm"])
def test_a_cell_of_regular_series_is_left_alone(name):
    graph = rg.load(name).graph
    assert str(regular(graph)) == str(graph)


# --- the store and the page ----------------------------------------------------------------------


def test_results_are_kept_and_resumed(tmp_path, monkeypatch):
    store = tmp_path / "learning.json"
    budget = Budget(8, 4, 3, (0.01,))
    wild = tmp_path / "wild.cell"
    wild.write_text(WILD)
    learn(["rnn", str(wild)], ["adding"], budget, store)
    kept = json.loads(store.read_text())  # NaN would not be JSON
    assert kept["rnn"]["adding"]["status"] == TRAINED and kept["rnn"]["adding"]["machine"]
    assert kept[str(wild)]["adding"]["status"] == DIVERGED
    with monkeypatch.context() as patch:
        patch.setattr("rnngraph.learn.run.trial", lambda *_: pytest.fail("it was there"))
        learn(["rnn"], ["adding"], budget, store, resume=True)
    learn(["rnn"], ["adding"], Budget(8, 4, 4, (0.01,)), store, resume=True)
    assert json.loads(store.read_text())["rnn"]["adding"]["budget"]["updates"] == 4
    write_page(Store(store).found, tmp_path)
    page = (tmp_path / "learning.md").read_text(encoding="utf-8")
    assert "diverged" in page and "`rnn`" in page and "0.167" in page


def test_jobs_give_the_same_results(tmp_path):
    budget = Budget(8, 4, 3, (0.01,))
    one, two = (learn(["rnn"], ["adding", "copying"], budget, jobs=n).found for n in (1, 2))
    for name in one["rnn"]:
        assert one["rnn"][name]["loss"] == two["rnn"][name]["loss"]


def test_the_command(call: Call):
    answer = call("learn", "rnn", "--tasks", "adding", "--updates", "2", "--width", "4",
                  "--store", "s.json")  # fmt: skip
    assert answer.code == 0 and "adding problem" in answer.out and "0.167" in answer.out
    assert call("learn", "--tasks", "--store", "s.json", "--write-docs", "docs").code == 0
    assert call("learn", "nope").code == 1
    assert call("learn", "rnn", "--rates", "0").code == 2


def test_only_what_is_clearly_below_is_learnt():
    record = {"status": TRAINED, "baseline_loss": 1.0}
    assert learnt({**record, "loss": 0.8}) and not learnt({**record, "loss": 0.95})
    assert not learnt({**record, "status": DIVERGED, "loss": None})


def test_the_page_is_that_of_the_stored_results(tmp_path):
    root = Path(__file__).resolve().parent.parent
    found = Store(root / "benchmarks" / "learning.json").found
    write_page(found, tmp_path)
    written = (root / "docs" / "learning.md").read_text(encoding="utf-8")
    assert (tmp_path / "learning.md").read_text(encoding="utf-8") == written
    assert set(found) <= set(library.names())
