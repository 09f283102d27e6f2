"""The export for LSTMVis, read back by the rules that its loader has; and by LSTMVis itself where
there is a checkout of it: LSTMVIS=/path/to/LSTMVis pytest tests/test_lstmvis.py"""

import importlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from inspected import KINDS, model, sentences, traced
from tolerances import assert_close

from rnngraph.inspect.lstmvis import export, spell

h5py = pytest.importorskip("h5py")
LSTMVIS = os.environ.get("LSTMVIS")
LETTERS = ["a", " ", "\n", "\t", "␣", "\u00a0", "é", "", "<s>"]


def loaded(folder):
    """What LSTMVis reads: two fields a line, ids to words; lists of sources with their options."""
    words = {}
    for line in (folder / "words.dict").read_text(encoding="utf-8").split("\n")[:-1]:
        word, number = line.split()
        words[int(number)] = word
    config = (folder / "lstm.yml").read_text(encoding="utf-8")
    types = [json.loads(line.split("- ", 1)[1]) for line in config.splitlines() if "- {" in line]
    return words, types


def test_files_are_what_the_loader_expects(tmp_path):
    rng, n = np.random.default_rng(0), 50
    letters = LETTERS[:7]
    ids = rng.integers(0, len(letters), n)
    values = {"layer0.f": rng.random((n, 3)), "layer1.h": rng.uniform(-1, 1, (n, 2, 2)),
              "layer1.c": 9 * rng.normal(size=(n, 4))}
    files = export(tmp_path / "x", ids, letters, values, name='a "name": odd')
    assert all(file.is_file() for file in files)
    words, types = loaded(tmp_path / "x")
    assert sorted(words) == list(range(7)) and len(set(words.values())) == 7
    assert words[0] == "a" and words[4] == "␣" and words[1] == "U+0020" and words[2] == "⏎"
    assert types == [
        {"type": "f", "layer": 1, "path": "layer0.f", "transform": "none", "unsigned": True},
        {"type": "h", "layer": 2, "path": "layer1.h", "transform": "none", "unsigned": False},
        {"type": "c", "layer": 2, "path": "layer1.c", "transform": "tanh", "unsigned": False}]
    with h5py.File(tmp_path / "x" / "states.hdf5") as states:
        for key, value in values.items():
            assert states[key].dtype == np.float32
            assert np.array_equal(states[key][:], value.reshape(n, -1).astype(np.float32))
    with h5py.File(tmp_path / "x" / "train.hdf5") as train:
        assert np.issubdtype(train["word_ids"].dtype, np.integer)
        assert np.array_equal(train["word_ids"][:], ids)


def test_the_configuration_is_yaml(tmp_path):
    yaml = pytest.importorskip("yaml")
    export(tmp_path, [0, 1], ["<s>", "the"], {"h": np.zeros((2, 3))}, name="a: b")
    read = yaml.safe_load((tmp_path / "lstm.yml").read_text(encoding="utf-8"))
    assert read["name"] == "a: b" and read["states"]["file"] in read["files"]
    assert read["files"][read["word_sequence"]["dict_file"]].endswith(".dict")
    assert read["states"]["types"][0]["transform"] == "none"


def test_words_are_told_apart():
    assert spell([" ", "␣", "", "x y", "x␣y"]) == ["U+0020", "␣", "∅", "xU+0020y", "x␣y"]


@pytest.mark.parametrize(("ids", "values", "message"), [
    ([0, 1], {}, "no values"), ([0, 5], {"h": np.zeros((2, 1))}, "from 0 to 5; there are 2"),
    ([0, 1], {"h": np.zeros((3, 1))}, r"'h' has shape \[3, 1\]; expected \[2, ...\]"),
    ([], {"h": np.zeros((0, 1))}, "at least one"),
])
def test_what_will_not_do(tmp_path, ids, values, message):
    with pytest.raises(ValueError, match=message):
        export(tmp_path / "none", ids, ["a", "b"], values, name="x")
    assert not (tmp_path / "none").exists()


@pytest.fixture
def handler_of(monkeypatch):
    """LSTMVis's own handler of a folder, opened as its server does."""
    if not LSTMVIS:
        pytest.skip("opt-in: set LSTMVIS to the path of a checkout of LSTMVis")
    yaml = pytest.importorskip("yaml")
    pytest.importorskip("cgi", reason="LSTMVis imports cgi, which left Python with version 3.13")
    for path in ("lstmdata", "."):  # modules there may import each other either way
        monkeypatch.syspath_prepend(Path(LSTMVIS).resolve() / path)
    made = importlib.import_module("lstmdata.data_handler").LSTMDataHandler
    return lambda folder: made(
        str(folder), yaml.safe_load((folder / "lstm.yml").read_text(encoding="utf-8"))
    )


def exported(kind, folder, steps=40):
    """The export of all that a model computes along a text: what should be seen of it."""
    compiled, params = model(kind)
    x = sentences(rows=1, steps=steps)
    values = {name: array[:, 0] for name, array in traced(compiled, params, x).items()}
    ids = x["token"][:, 0]
    export(folder, ids, LETTERS, values, name=kind)
    rows = {name: value.reshape(steps, -1).astype(np.float32) for name, value in values.items()}
    return ids, {f"states::{name}": value for name, value in rows.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_lstmvis_shows_the_trace_and_its_words(kind, tmp_path, handler_of):
    """In a window, as its page asks for it; it draws what lies between -1 and 1."""
    ids, rows = exported(kind, tmp_path)
    handler, window = handler_of(tmp_path), slice(6, 16)
    assert handler.valid_sources() == list(rows)
    for entry, (source, value) in zip(handler.config["states"]["types"], rows.items(), strict=True):
        assert handler.is_valid_source(source) and entry["size"] == list(value.shape)
        shown = handler.get_dimensions([10], source, 4, 5, ["states", "words"], round_values=9,
                                       data_transform=entry["transform"])  # fmt: skip
        drawn = value if np.abs(value).max() <= 1 else np.tanh(value)
        found = np.transpose(shown["states"][0]["data"])
        assert_close(found, drawn[window], "parity", "f32", source)
        assert shown["words"][0]["word_ids"] == ids[window].tolist()
        assert shown["words"][0]["words"] == [spell(LETTERS)[at] for at in ids[window]]


@pytest.mark.parametrize("kind", KINDS)
def test_lstmvis_finds_where_units_are_on(kind, tmp_path, handler_of):
    _, rows = exported(kind, tmp_path)
    handler, units = handler_of(tmp_path), 0
    for source, value in rows.items():
        for unit in range(value.shape[1]):
            found, _ = handler.query_similar_activations([unit], source, data_transform="none")
            ranges = {(one["pos"], one["factors"][2]) for one in found}
            assert ranges == on(value[:, unit]), (source, unit)
            units += bool(ranges)
    assert units > 10


def on(values):
    """Where a unit is on for two steps or more, and how long; not at the ends of the text, where
    LSTMVis does not look. It takes 0.3 for the hyperbolic tangent of the threshold."""
    above = np.concatenate([[0], (values >= np.arctanh(0.3)).astype(int), [0]])
    edges = np.flatnonzero(np.diff(above)).reshape(-1, 2)
    return {(start, end - start) for start, end in edges.tolist()
            if end - start > 1 and start > 0 and end < len(values)}  # fmt: skip
