"""Teams of threads: the same bits as alone, for every cell, whatever the division of work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rnngraph as rg
from rnngraph import library
from rnngraph.runtime.executable import Executable
from rnngraph.schedule import cost

ROWS = (1, 5, 33)  # by units; by units; by rows


def everything(compiled, rows, steps=5):
    params = compiled.init(seed=3)
    (leaf,) = compiled.graph.inputs.values()
    x = np.random.default_rng(rows).normal(size=(steps, rows, *leaf.shape)).astype(np.float32)
    y, state, pullback = compiled.vjp(params, x)
    gradients = pullback(np.ones_like(y))
    found = {"y": y, **state, **gradients.params, **gradients.inputs}
    return found | {f"d {name}": value for name, value in gradients.state.items()}


def compiled_for_test(name):
    cell = rg.load(name)
    sizes = {size: 17 + 3 * place for place, size in enumerate(cell.sizes)}
    return cell.compile(**sizes, threads=4)


def team_of(monkeypatch, threads):
    """Every call is worth a team of just so many."""
    monkeypatch.setattr(Executable, "threads_for", lambda *_: threads)


@pytest.mark.parametrize("name", library.names())
def test_a_team_gives_the_same_bits(name, monkeypatch):
    compiled = compiled_for_test(name)
    for rows in ROWS:
        team_of(monkeypatch, 1)
        alone = everything(compiled, rows)
        for threads in (2, 3):
            team_of(monkeypatch, threads)
            for key, value in everything(compiled, rows).items():
                assert np.array_equal(value, alone[key]), (key, rows, threads)


def test_a_team_is_no_larger_than_its_work(monkeypatch):
    assert cost.team_size(1e3, steps=10, rows=1, threads=8) == 1
    assert cost.team_size(1e6, steps=1000, rows=64, threads=8) == 8
    assert cost.team_size(1e6, steps=0, rows=64, threads=8) == 1
    assert cost.team_size(7e4, steps=1000, rows=1, threads=2) == 1  # too little in a step
    assert cost.team_size(1e6, steps=1000, rows=1, threads=2) == 2
    assert cost.team_size(7e4, steps=1000, rows=16, threads=4) == 4  # enough, by units
    assert cost.team_size(1e4, steps=9000, rows=16, threads=4) == 2  # by rows


@pytest.mark.parametrize(("steps", "rows"), [(0, 3), (3, 0), (1, 1)])
def test_nothing_to_divide(steps, rows, monkeypatch):
    compiled = compiled_for_test("gru")
    team_of(monkeypatch, 1)
    alone = everything(compiled, rows, steps)
    team_of(monkeypatch, 4)
    team = everything(compiled, rows, steps)
    assert all(np.array_equal(team[key], alone[key]) for key in alone)


def test_no_thread_outlives_its_call(monkeypatch):
    team_of(monkeypatch, 4)
    compiled, tasks = compiled_for_test("lstm"), _tasks()
    everything(compiled, 33)
    assert _tasks() <= tasks


def _tasks():
    folder = Path("/proc/self/task")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "two", 1000])
def test_a_number_of_threads_that_is_none(threads):
    with pytest.raises(ValueError, match="threads must be an integer from 1 to 256"):
        rg.load("lstm").compile(I=2, H=2, threads=threads)
