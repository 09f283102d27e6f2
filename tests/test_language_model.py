"""Language models around any cell, trained on text end to end with the compiled model."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from language_cells import language_cells
from rich.console import Console

import rnngraph as rg
from rnngraph import library
from rnngraph.backends.reference import evaluate
from rnngraph.tasks.text import Streams, read
from rnngraph.train.characters import nats_per_character, sample
from rnngraph.train.checkpoint import CheckpointError, load
from rnngraph.train.language_model import language_model, sizes_of
from rnngraph.train.run import train_text

SMALL = {"hidden": 12, "embedding": 6, "batch": 4, "window": 16, "validate_every": 10}
POEM = "the cat was full because it ate already. the cats were full because they ate.\n"


@pytest.fixture(name="book")
def _book(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text(POEM * 40, encoding="utf-8")
    return path


def quiet():
    return Console(file=io.StringIO())


def trained(cell, book, folder, **settings):
    return train_text(cell, book, folder, console=quiet(), **settings)


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


# --- the model -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(language_cells()))
def test_loss_is_the_weighted_cross_entropy_and_its_gradient_exact(name):
    model = language_model(language_cells()[name], 7, embedding=3, hidden=4).compile(dtype="f64")
    rng, params = np.random.default_rng(0), model.init(0)
    x = {"token": rng.integers(0, 7, (5, 3)), "target": rng.integers(0, 7, (5, 3)),
         "weight": rng.random((5, 3))}
    y, _, pullback = model.vjp(params, x)
    p = np.exp(y["logits"]) / np.exp(y["logits"]).sum(-1, keepdims=True)
    nats = -np.log(np.take_along_axis(p, x["target"][..., None], -1))[..., 0]
    assert y["loss"] == pytest.approx(x["weight"] * nats, rel=1e-12)
    assert y["logits"] == pytest.approx(
        evaluate(model.graph, {**params, **x}, 5, 3).outputs["logits"], abs=1e-12)
    grads = pullback({"loss": np.ones((5, 3))}).params
    way = {k: rng.normal(size=v.shape) for k, v in params.items()}

    def loss(step):
        moved = {k: v + step * way[k] for k, v in params.items()}
        return model.run(moved, x, outputs=("loss",))[0]["loss"].sum()

    slope = (loss(1e-5) - loss(-1e-5)) / 2e-5
    assert sum((grads[k] * way[k]).sum() for k in params) == pytest.approx(slope, rel=1e-7)


def test_the_lookup_and_the_loss_are_outside_the_loop():
    model = language_model(rg.load("lstm"), 50).compile()
    text = str(model.schedule)
    loop = text[text.index("step by step"):].split("for all time-steps at once")[0]
    assert "W_f" in loop and "W_y" not in loop and "exp(" not in loop


def test_names_of_the_cell_stay_free():
    cell = rg.parse("cell C\ninput x[I]\nstate E[H], y[H]\nparam W_y[H, I]\n"
                    "y' = tanh(W_y @ x + E)\nE' = y\n")
    model = language_model(cell, 5)
    assert {"E", "y"} == set(model.graph.states)
    assert {"W_y", "E_", "W_y_", "b_y"} == set(model.graph.params)


@pytest.mark.parametrize("name", library.names())
def test_every_cell_can_be_in_the_middle(name):
    """But for those that read more than one vector, which is said."""
    cell = rg.load(name)
    if len(cell.graph.inputs) > 1:
        with pytest.raises(ValueError, match="inputs"):
            language_model(cell, 5)
        return
    graph = language_model(cell, 5, embedding=3, hidden=4).graph
    assert set(graph.outputs) == {"logits", "loss"}
    ((width,), (given,)) = (leaf.shape for leaf in (*cell.graph.outputs.values(),
                                                    *cell.graph.inputs.values()))  # fmt: skip
    assert graph.params["E"].shape == (5, 4 if given == width else 3)


def test_sizes_by_role():
    assert sizes_of(rg.load("lstm"), 3, 4) == {"I": 3, "H": 4}
    assert sizes_of(rg.load("lstm_projection"), 3, 4, {"P": 2}) == {"I": 3, "P": 2, "H": 4}
    assert sizes_of(rg.stack(rg.load("gru"), layers=2), 3, 4) == {"I": 3, "H": 4}
    assert sizes_of(rg.parse("cell C\ninput x[H]\nstate h[H]\nh' = x\n"), 3, 4) == {"H": 4}
    assert sizes_of(rg.load("t_gru"), 3, 4) == {"I": 3, "H": 4}  # though a state holds its input
    with pytest.raises(ValueError, match="no size 'Q'"):
        language_model(rg.load("lstm"), 5, sizes={"Q": 3})


@pytest.mark.parametrize(("text", "reason"), [
    ("input token: int\nstate h[H]\nparam E[9, H]\nh' = h + E[token]", "not read a real vector"),
    ("input x[H], z[H]\nstate h[H]\nh' = x + z + h", "has 2 inputs (x, z)"),
    ("input x[H]\ncontext v[H]\nstate h[H]\nh' = x + v + h", "has 1 context (v)"),
    ("input x[H]\noutput y = tanh(x)", "has no state"),
    ("input x[H]\nstate M[H, H]\nM' = M + outer(x, x)\noutput M'", "not give a real vector"),
    ("input x[H]\nstate loss[H]\nloss' = x + loss", "uses the name loss"),
])
def test_cells_that_will_not_do(text, reason):
    with pytest.raises(ValueError) as caught:
        language_model(rg.parse(f"cell C\n{text}\n"), 5)
    assert reason in str(caught.value)


# --- training on text ------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(language_cells()))
def test_a_text_is_learnt(name, book, tmp_path):
    result = trained(language_cells()[name], book, tmp_path / "m", steps=100, rate=2e-2, **SMALL)
    letters = np.unique(list(POEM), return_counts=True)[1] / len(POEM)
    assert result.test < 0.8 * -(letters * np.log(letters)).sum()  # better than counting letters
    assert not result.interrupted and len(result.sample) == 300 and set(result.sample) <= set(POEM)


def test_held_out_nats_are_those_of_the_whole_text_in_one_go(book):
    text = read(book)
    model = language_model(rg.load("gru"), len(text.characters), hidden=5).compile(dtype="f64")
    params, ids = model.init(3), text.validation
    x = {"token": ids[:-1, None], "target": ids[1:, None], "weight": np.ones((len(ids) - 1, 1))}
    whole = model.run(params, x)[0]["loss"].mean()
    assert nats_per_character(model, params, Streams(ids, 1, 7)) == pytest.approx(whole, rel=1e-12)


def test_samples_follow_from_seed_prime_and_temperature(book):
    text = read(book)
    model = language_model(rg.load("gru"), len(text.characters), hidden=5).compile()
    def drawn(**chosen):
        return sample(model, model.init(1), text.characters, length=40, **chosen)
    assert drawn(seed=1) == drawn(seed=1) != drawn(seed=2)
    assert drawn(prime="the cat").startswith("the cat") and len(drawn(prime="the cat")) == 47
    assert drawn(temperature=0, seed=1) == drawn(temperature=0, seed=2)
    with pytest.raises(ValueError, match="'Q' is not among"):
        drawn(prime="Q")
    with pytest.raises(ValueError, match="temperature is -1"):
        drawn(temperature=-1)


def test_a_folder_is_not_trained_into_twice_nor_with_another_cell(book, tmp_path):
    trained(rg.load("lstm"), book, tmp_path / "m", steps=4, **SMALL)
    with pytest.raises(CheckpointError, match="holds a training already"):
        trained(rg.load("lstm"), book, tmp_path / "m", **SMALL)
    with pytest.raises(CheckpointError, match="another cell than GRU"):
        trained(rg.load("gru"), book, tmp_path / "m", resume=True)


SCRIPT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
import rnngraph as rg
from rnngraph.train import loop
from rnngraph.train.run import train_text
advance = loop.Trainer.advance
def slow(self, moment, batch, **given):
    time.sleep(0.02)
    return advance(self, moment, batch, **given)
loop.Trainer.advance = slow
result = train_text(rg.load("lstm"), sys.argv[1], sys.argv[2], layers=2, hidden=12, embedding=6,
                    batch=4, window=16, validate_every=10, steps=200)
print("interrupted", result.interrupted, result.steps)
"""


@pytest.mark.parametrize("option", [{"checkpoint_every": 3}, {"threads": 2}])
def test_checkpoints_in_time_and_threads_change_no_bit_of_a_training(option, book, tmp_path):
    settings = {"layers": 2, "steps": 12, **SMALL}
    trained(rg.load("gru"), book, tmp_path / "whole", **settings)
    trained(rg.load("gru"), book, tmp_path / "less", **settings, **option)
    whole, less = (load(tmp_path / name / "last.safetensors") for name in ("whole", "less"))
    assert same(whole.params, less.params)
    assert same(whole.moments, less.moments)
    (name,) = option
    with pytest.raises(ValueError, match=f"{name} is 0; it must be at least 1"):
        trained(rg.load("gru"), book, tmp_path / "none", **settings, **{name: 0})


def test_more_epochs_are_more_steps(book, tmp_path):
    first = trained(rg.load("rnn"), book, tmp_path / "t", epochs=0.5, **SMALL)
    again = trained(None, book, tmp_path / "t", epochs=1.0, resume=True)
    assert again.steps == pytest.approx(2 * first.steps, abs=1)


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to a process")
def test_ctrl_c_keeps_the_last_step_and_resuming_gives_the_same_bits(book, tmp_path):
    lstm, settings = rg.load("lstm"), {"layers": 2, "steps": 200, **SMALL}
    trained(lstm, book, tmp_path / "whole", **settings)
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(book), str(tmp_path / "broken")],
                               stdout=subprocess.PIPE, text=True, encoding="utf-8",
                               env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)})
    while not (tmp_path / "broken" / "last.safetensors").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    kept = load(tmp_path / "broken" / "last.safetensors")
    assert process.returncode == 0 and f"interrupted True {kept.step}" in told
    assert 10 <= kept.step < 200 and f"Stopped after step {kept.step}." in told
    result = trained(None, book, tmp_path / "broken", resume=True)
    whole, resumed = (load(tmp_path / name / "last.safetensors") for name in ("whole", "broken"))
    assert result.steps == resumed.step == 200
    for section in ("params", "moments", "carried"):
        assert same(getattr(whole, section), getattr(resumed, section))


@pytest.mark.parametrize(("settings", "message"), [
    ({"optimiser": "adagrad"}, "optimiser is 'adagrad'; it is one of adam, sgd"),
    ({"window": 0}, "window is 0; it must be at least 1"),
    ({"batch": 5000}, "too few for 5000 parallel streams"),
    ({"sizes": {"Q": 1}}, "no size 'Q'"),
])
def test_settings_that_will_not_do(settings, message, book, tmp_path):
    with pytest.raises(ValueError, match=message):
        trained(rg.load("lstm"), book, tmp_path / "m", **{**SMALL, **settings})
    assert not (tmp_path / "m").exists()


def test_a_cell_without_a_text_of_its_own_is_given_again(book, tmp_path):
    tower = rg.stack(rg.load("rnn"), rg.load("gru"))
    trained(tower, book, tmp_path / "m", steps=4, **SMALL)
    assert trained(tower, book, tmp_path / "m", resume=True, steps=8).steps == 8
    with pytest.raises(CheckpointError, match="give the same cell again"):
        trained(None, book, tmp_path / "m", resume=True)
