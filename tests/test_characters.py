"""The character pack: oracles, brackets, features, coloured text, and the whole report."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

import rnngraph as rg
from rnngraph.characters import Options, examine
from rnngraph.characters.baseline import ngram_models
from rnngraph.characters.brackets import closings, distances
from rnngraph.characters.errors import peel
from rnngraph.characters.features import features, followers
from rnngraph.characters.highlight import as_html, as_picture, as_terminal, scaled
from rnngraph.characters.trained import open_trained
from rnngraph.cli import main
from rnngraph.tasks.text import read
from rnngraph.train.checkpoint import CheckpointError
from rnngraph.train.run import train_text

POEM = 'the {cat} said "I ate (all) of it" and was full.\n'


@pytest.fixture(scope="module", name="home")
def _home(tmp_path_factory):
    """A text and a two-layer model of it."""
    folder = tmp_path_factory.mktemp("characters")
    (folder / "book.txt").write_text(POEM * 60, encoding="utf-8")
    train_text(rg.load("gru"), folder / "book.txt", folder / "model", hidden=9, layers=2,
               embedding=5, batch=8, window=20, steps=40, rate=0.02, held_out=0.2,
               console=Console(file=io.StringIO()))
    return folder


# --- errors ----------------------------------------------------------------------------------


def test_each_oracle_takes_its_own_errors_and_none_twice():
    text = "Mary saw Mary, ok rare x"
    p = np.full(len(text), 0.9)
    fails = {0: 0.1, 2: 0.1, 9: 0.1, 10: 0.1, 13: 0.1, 19: 0.1, 20: 0.45, 7: 0.1, 16: 0.45, 3: 0.1}
    for at, value in fails.items():
        p[at] = value
    ngram = np.zeros(len(text))
    ngram[2] = 0.5
    onion = peel(text, p, [ngram], "saw " * 6 + "Mary " * 6 + "ok " * 9 + "rare rare x")
    assert onion.errors == len(fails) == sum(layer.errors for layer in onion.layers)
    taken = {(one.oracle, one.detail): one.errors for one in onion.layers if one.errors}
    assert taken == {
        ("n-gram", "right by an order up to 1"): 1,
        ("memory", "the word came in the last 100 characters"): 2,
        ("rare words", "the word comes 2 times in training"): 2,
        ("word model", "first character of a word"): 1,
        ("punctuation", "neither letter nor digit"): 1,
        ("boost", "given 0.4 to 0.5"): 1, ("the rest", ""): 2}
    assert sum(onion.by_oracle().values()) == pytest.approx(1)


def test_a_model_without_errors_has_an_empty_onion():
    onion = peel("ab", np.ones(2), [], "ab")
    assert onion.errors == 0 and all(layer.share == 0 for layer in onion.layers)


# --- brackets --------------------------------------------------------------------------------


def test_brackets_are_matched_by_kind():
    places, back = distances("} a{b(c}d{e}})", "}")
    assert places.tolist() == [7, 11] and back.tolist() == [4, 2]
    text = "{" + "x" * 30 + "} {}"
    p = np.linspace(1, 0, len(text))
    found = closings(text, {"model": p, "other": np.ones(len(text))})
    assert [(one.bracket, one.low, one.count) for one in found] == [("}", 1, 1), ("}", 20, 1)]
    assert found[1].right == {"model": 0, "other": 1} and found[1].mean["model"] == p[31]


# --- units -----------------------------------------------------------------------------------


def test_features_and_the_unit_that_follows_one():
    text = 'ab "cd\ne" (f[g]) H'
    found = features(text)
    assert found["position in the line"][:9].tolist() == [1, 2, 3, 4, 5, 6, 0, 1, 2]
    assert "".join(map(str, found["inside quotes"].astype(int))) == "000111110000000000"
    assert found["depth of brackets"].max() == 2 and found["depth of brackets"][-1] == 0
    assert found["capital letter"].sum() == 1
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(text), 4))
    planted = noise.copy()
    planted[:, 2] = -3 * found["inside quotes"] + 1
    by_feature = {one.feature: one for one in followers(found, {"a": noise, "b": planted})}
    best = by_feature["inside quotes"]
    assert (best.name, best.unit) == ("b", 2) and best.correlation == pytest.approx(-1)


def test_values_are_scaled_to_their_range():
    assert scaled(np.array([0, 0.5, 1]), (0, 1)).tolist() == [-1, 0, 1]
    assert scaled(np.array([-0.5, 1]), None).tolist() == [-0.5, 1]
    assert scaled(np.array([-5.0, 2]), None) == pytest.approx(np.tanh([-5, 2]))


def test_coloured_text_keeps_the_text():
    text, values = "a<b>\n$x_1$\tz", np.linspace(-1, 1, 12)
    html = as_html(text, values)
    assert "&lt;" in html and "<b>" not in html and html.count("background:#") >= 10
    shown = as_terminal(text, values).plain
    assert shown.replace("↵\n", "\n").replace("→   ", "\t") == text
    as_picture(text, values, "c, unit 1").savefig(io.BytesIO())


# --- the whole -------------------------------------------------------------------------------


def test_probabilities_do_not_depend_on_the_windows(home, monkeypatch):
    trained = open_trained(home / "model")
    ids = read(home / "book.txt").test[:200]
    whole, traced = trained.probabilities(ids), trained.traced(ids, ["layer1.h"])
    monkeypatch.setattr("rnngraph.characters.trained.WINDOW", 37)
    assert np.array_equal(trained.probabilities(ids), whole) and len(whole) == 199
    assert np.array_equal(trained.traced(ids, ["layer1.h"])["layer1.h"], traced["layer1.h"])


def test_kept_ngrams_are_used_for_their_text_alone(home, tmp_path):
    text, asked = read(home / "book.txt"), []
    first = ngram_models(text, text.test, 4, tmp_path / "kept.npz", asked.append)
    again = ngram_models(text, text.test, 3, tmp_path / "kept.npz", asked.append)
    assert asked == [1, 2, 3, 4] and np.allclose(first[:3], again, rtol=1e-6)
    ngram_models(text, text.test[5:], 2, tmp_path / "kept.npz", asked.append)
    assert asked[4:] == [1, 2]


def test_the_report(home, tmp_path):
    pytest.importorskip("h5py")
    out = Console(file=io.StringIO(), width=200, highlight=False, force_terminal=True,
                  color_system="truecolor")
    found = examine(home / "model", home / "book.txt", tmp_path / "r",
                    Options(traced=300, shown=80, order=5, units=("layer0.z:3",)),
                    lstmvis=tmp_path / "vis", console=out)
    told = out.file.getvalue()
    assert f"{found.nats:.4f} nats per character" in told and "n-gram" in told
    assert "layer0.z, unit 3: chosen" in told and "\x1b[38;2;34;34;34;48;2;" in told
    assert {"layer0.r", "layer1.z", "layer1.g"} <= found.saturation.keys()
    assert found.onion.characters == len(POEM) * 12 - 1 and len(found.ngrams) == 5
    stored = json.loads((tmp_path / "r" / "report.json").read_text(encoding="utf-8"))
    assert stored["ngrams"] == pytest.approx(found.ngrams)
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert "http" not in page and "layer0.z, unit 3: chosen" in page
    assert {"saturation.png", "errors.png", "brackets.png", "layer0.z-3.png"} <= {
        file.name for file in (tmp_path / "r").iterdir()}
    assert (tmp_path / "vis" / "lstm.yml").is_file()


@pytest.mark.parametrize(("unit", "message"), [
    ("layer0.z:9", "'layer0.z' has the units 0 to 8, and no 9"),
    ("x:1", "there is no unit 'x:1'"), ("layer0.z", "there is no unit 'layer0.z'"),
])
def test_units_that_are_not_there(home, tmp_path, unit, message, capsys):
    assert main(["characters", str(home / "model"), "--text", str(home / "book.txt"),
                 "-o", str(tmp_path / "none"), "--unit", unit]) == 1
    assert message in capsys.readouterr().err and not (tmp_path / "none").exists()


def test_what_is_no_model(tmp_path):
    with pytest.raises(CheckpointError, match=r"neither best\.safetensors nor last"):
        open_trained(tmp_path)


# --- from a cell -----------------------------------------------------------------------------


def depths(home, folder, *words):
    return main(["characters", "rnn", "--text", str(home / "book.txt"), "-o", str(folder),
                 "--hidden", "7", "--batch", "8", "--window", "20", "--order", "3",
                 "--layers", "1", "2", *words])  # fmt: skip


def test_models_of_several_depths_are_trained_and_examined(home, tmp_path, capsys):
    assert depths(home, tmp_path, "--steps", "3") == 0
    for count in (1, 2):
        place = tmp_path / f"{count}-layers"
        assert open_trained(place).setting.layers == count
        assert (place / "report" / "report.html").is_file()
    kept = (tmp_path / "1-layers" / "best.safetensors").read_bytes()
    ngrams = (tmp_path / "ngrams.npz").stat().st_mtime_ns
    assert depths(home, tmp_path, "--steps", "3") == 0  # what is trained is not trained again
    assert (tmp_path / "1-layers" / "best.safetensors").read_bytes() == kept
    assert depths(home, tmp_path, "--steps", "5") == 0
    assert open_trained(tmp_path / "2-layers").step == 5
    assert (tmp_path / "ngrams.npz").stat().st_mtime_ns == ngrams
    assert "rnn, 2 layers" in capsys.readouterr().out.lower()


def test_a_training_that_is_stopped_examines_nothing(home, tmp_path, monkeypatch):
    def stop(*given, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("rnngraph.train.loop.Trainer.advance", stop)
    assert depths(home, tmp_path, "--steps", "3") == 130
    assert not list(tmp_path.glob("*/report")) and not (tmp_path / "2-layers").exists()


@pytest.mark.parametrize(("words", "message"), [
    (["rnn", "--lstmvis", "vis"], "name it instead of a cell"),
    (["MODEL", "--layers", "2"], "--layers is for a training"), (["nothing"], "nothing"),
])
def test_what_goes_with_a_cell_and_what_with_a_model(home, words, message, capsys):
    words = [str(home / "model") if word == "MODEL" else word for word in words]
    assert main(["characters", *words, "--text", str(home / "book.txt")]) in (1, 2)
    assert message in capsys.readouterr().err
