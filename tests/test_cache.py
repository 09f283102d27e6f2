"""Schedules and machine code kept on disk: found again, checked before use, bounded, private."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import warnings

import numpy as np
import pytest

import rnngraph as rg
from rnngraph import compile as way
from rnngraph import entries
from rnngraph.backends.llvm import cache, compiler
from rnngraph.library import cells_folder
from rnngraph.schedule import kept
from rnngraph.settings import Settings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(entries, "settings", Settings(cache=str(tmp_path / "code")))
    return tmp_path / "code"


def run(name="rnn", dtype="f32", **sizes):
    compiled = rg.load(name).compile(**(sizes or {"I": 5, "H": 9}), dtype=dtype)
    size = compiled.graph.inputs["x"].shape[0]
    x = np.random.default_rng(0).normal(size=(4, 3, size))
    y, _, pullback = compiled.vjp(compiled.init(0), x)
    return y, pullback(np.ones_like(y)).inputs["x"]


def codes(folder):
    return sorted(folder.glob(f"*{cache.SUFFIX}"))


def schedules(folder):
    return sorted(folder.glob(f"*{kept.SUFFIX}"))


def refuse(*args, **kwargs):
    raise AssertionError("compiled, though the code is in the cache")


def test_code_is_found_again_and_gives_the_same_bits(folder, monkeypatch):
    first = run()
    assert len(codes(folder)) == 1
    assert len(schedules(folder)) == 1
    monkeypatch.setattr(compiler, "write_module", refuse)
    monkeypatch.setattr(way, "stages", refuse)
    for a, b in zip(first, run(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(
    "other", [{"dtype": "f64"}, {"I": 5, "H": 10}, {"I": 6, "H": 9}, {"name": "lstm"}]
)
def test_everything_that_matters_is_in_the_key(folder, other):
    run()
    run(**other)
    assert len(codes(folder)) == len(schedules(folder)) == 2


def test_other_code_of_ours_is_another_entry(folder, monkeypatch):
    run()
    monkeypatch.setattr(entries, "version_of", lambda *rooms: "another")
    run()
    assert len(codes(folder)) == len(schedules(folder)) == 2


@pytest.mark.parametrize("kind", [codes, schedules])
@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "no header"])
def test_a_damaged_entry_is_made_again_with_a_warning(folder, kind, damage):
    first = run()
    (path,) = kind(folder)
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
    assert codes(folder) == []


def test_it_can_be_switched_off(tmp_path, monkeypatch):
    monkeypatch.setattr(entries, "settings", Settings(cache="off"))
    assert entries.folder() is None
    run()


def test_the_oldest_entries_go(folder, monkeypatch):
    run(dtype="f64")
    (old,) = codes(folder)
    monkeypatch.setattr(entries, "MAX_BYTES", old.stat().st_size + 100)
    run(dtype="f32")
    assert len(codes(folder)) == 1 and not old.exists()


def test_half_written_files_do_not_stay(folder):
    run()
    assert {p.suffix for p in folder.iterdir()} == {cache.SUFFIX, kept.SUFFIX}
    old, young = (folder / f"{name}{entries.UNFINISHED}" for name in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    run("lstm")
    assert young.exists() and not old.exists()


def _compile_in_child(folder):
    entries.settings = Settings(cache=str(folder))
    return run("rnn")


def test_many_processes_write_at_once(folder):
    """Each finds a whole entry or none, and what stays is whole."""
    expected = run("rnn")
    for path in folder.iterdir():
        path.unlink()
    with multiprocessing.get_context("spawn").Pool(4) as pool, warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pool.map(_compile_in_child, [folder] * 4)
    assert all(np.array_equal(a, b) for pair in found for a, b in zip(pair, expected, strict=True))
    (code,), (schedule,) = codes(folder), schedules(folder)
    assert entries.load(code.name) is not None and kept.load(schedule.name) is not None
    assert {*folder.iterdir()} == {code, schedule}


def test_code_of_another_entry_is_not_run(folder):
    """A whole entry in the wrong place has the right digest and the wrong code."""
    first = run()
    (mine,) = codes(folder)
    run("lstm")
    (other,) = {*codes(folder)} - {mine}
    mine.write_bytes(other.read_bytes())
    with pytest.warns(UserWarning, match="damaged"):
        again = run()
    assert np.array_equal(first[0], again[0])


@pytest.mark.parametrize("name", sorted(p.stem for p in cells_folder().glob("*.cell")))
def test_a_schedule_is_read_as_it_was_written(name):
    cell = rg.load(name)
    made = cell.compile(**dict.fromkeys(cell.sizes, 4)).stages(gradients=True)["schedule"]
    read = kept.loads(kept.dumps(made))
    assert str(read) == str(made) and cache.fingerprint(read.graph) == cache.fingerprint(made.graph)


def test_a_schedule_makes_nothing_but_what_is_ours():
    with pytest.raises(pickle.UnpicklingError, match="system"):
        kept.loads(pickle.dumps(os.system))


def test_nothing_is_kept_where_every_stage_is_to_be_verified(folder, monkeypatch):
    run()
    monkeypatch.setattr(way, "settings", Settings(debug=1))
    monkeypatch.setattr(kept, "load", refuse)
    run()
