"""The export for LSTMVis, read back by the rules that its loader has."""

import json

import numpy as np
import pytest

from rnngraph.inspect.lstmvis import export, spell

h5py = pytest.importorskip("h5py")


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
    letters = ["a", " ", "\n", "\t", "␣", "\u00a0", "é"]
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
