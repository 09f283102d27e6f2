"""Machine code kept on disk: found again, checked before it is run, bounded, private."""

from __future__ import annotations

import multiprocessing
import os
import warnings

import numpy as np
import pytest

import rnngraph as rg
from rnngraph.backends.llvm import cache, compiler
from rnngraph.settings import Settings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "settings", Settings(cache=str(tmp_path / "code")))
    return tmp_path / "code"


def run(name="gru", dtype="f32", **sizes):
    compiled = rg.load(name).compile(**(sizes or {"I": 5, "H": 9}), dtype=dtype)
    size = compiled.graph.inputs["x"].shape[0]
    x = np.random.default_rng(0).normal(size=(4, 3, size))
    y, _, pullback = compiled.vjp(compiled.init(0), x)
    return y, pullback(np.ones_like(y)).inputs["x"]


def entries(folder):
    return sorted(folder.glob(f"*{cache.SUFFIX}"))


def refuse(*args, **kwargs):
    raise AssertionError("compiled, though the code is in the cache")


def test_code_is_found_again_and_gives_the_same_bits(folder, monkeypatch):
    first = run()
    assert len(entries(folder)) == 1
    monkeypatch.setattr(compiler, "write_module", refuse)
    for a, b in zip(first, run(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(
    "other", [{"dtype": "f64"}, {"I": 5, "H": 10}, {"I": 6, "H": 9}, {"name": "lstm"}]
)
def test_everything_that_matters_is_in_the_key(folder, other):
    run()
    run(**other)
    assert len(entries(folder)) == 2


def test_other_code_of_ours_is_another_entry(folder, monkeypatch):
    run()
    monkeypatch.setattr(cache, "_code_version", lambda: "another")
    run()
    assert len(entries(folder)) == 2


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "no header"])
def test_a_damaged_entry_is_made_again_with_a_warning(folder, damage):
    first = run()
    (path,) = entries(folder)
    whole = path.read_bytes()
    place = len(whole) // 2
    broken = {"cut": whole[:place], "empty": b"", "no header": b"\n" + whole,
              "flip": whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]}  # fmt: skip
    path.write_bytes(broken[damage])
    with pytest.warns(UserWarning, match="damaged"):
        again = run()
    assert np.array_equal(first[0], again[0])
    assert path.read_bytes() == whole


def test_the_folder_is_private(folder):
    run()
    assert folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_others_may_write_to_is_not_trusted(folder, monkeypatch):
    folder.mkdir()
    folder.chmod(0o777)
    run()
    assert entries(folder) == []


def test_it_can_be_switched_off(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "settings", Settings(cache="off"))
    assert cache.folder() is None
    run()


def test_the_oldest_entries_go(folder, monkeypatch):
    run(dtype="f64")
    (old,) = entries(folder)
    monkeypatch.setattr(cache, "MAX_BYTES", old.stat().st_size + 100)
    run(dtype="f32")
    assert len(entries(folder)) == 1 and not old.exists()


def test_half_written_files_do_not_stay(folder):
    run()
    assert [p for p in folder.iterdir() if p.suffix != cache.SUFFIX] == []
    old, young = (folder / f"{name}{cache.UNFINISHED}" for name in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    run("lstm")
    assert young.exists() and not old.exists()


def _compile_in_child(folder):
    cache.settings = Settings(cache=str(folder))
    return run("rnn")


def test_many_processes_write_at_once(folder):
    """Each finds a whole entry or none, and what stays is whole."""
    expected = run("rnn")
    for path in entries(folder):
        path.unlink()
    with multiprocessing.get_context("spawn").Pool(4) as pool, warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pool.map(_compile_in_child, [folder] * 4)
    assert all(np.array_equal(a, b) for pair in found for a, b in zip(pair, expected, strict=True))
    (path,) = folder.iterdir()
    assert path.suffix == cache.SUFFIX and cache.load(path.stem) is not None


def test_code_of_another_entry_is_not_run(folder):
    """A whole entry in the wrong place has the right digest and the wrong code."""
    first = run()
    (mine,) = entries(folder)
    run("lstm")
    (other,) = {*entries(folder)} - {mine}
    mine.write_bytes(other.read_bytes())
    with pytest.warns(UserWarning, match="damaged"):
        again = run()
    assert np.array_equal(first[0], again[0])
