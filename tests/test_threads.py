"""Teams of threads: the same bits as alone, for every cell, whatever the division of work."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from compiled_cells import FEW, compiled_for, turns

import rnngraph as rg
from rnngraph.backends.llvm import pool
from rnngraph.runtime import teams
from rnngraph.runtime.executable import Executable
from rnngraph.runtime.teams import Trial
from rnngraph.schedule import cost

ROWS = {True: (1, 3), False: (5, 33)}  # few, by units; many, by units and by rows


def everything(compiled, rows, steps=5):
    params, rng = compiled.init(seed=3), np.random.default_rng(rows)
    leads = ((compiled.graph.inputs, (steps, rows)), (compiled.graph.contexts, (rows,)))
    x = {k: rng.normal(size=(*lead, *leaf.shape)) for leaves, lead in leads
         for k, leaf in leaves.items()}  # fmt: skip
    x = {k: v.astype(compiled.dtype.replace("f", "float")) for k, v in x.items()}
    y, state, pullback = compiled.vjp(params, x)
    gradients = pullback(np.ones_like(y))
    found = {"y": y, **state, **gradients.params, **gradients.inputs}
    return found | {f"d {name}": value for name, value in gradients.state.items()}


def team_of(monkeypatch, threads):
    """Every call is worth a team of just so many."""
    monkeypatch.setattr(Executable, "trial", lambda *_: Trial(threads, tries=0))


@pytest.mark.parametrize("name", turns())
def test_a_team_gives_the_same_bits(name, monkeypatch):
    turn = turns()[name]
    compiled = turn.compile(name, threads=4)
    for rows in ROWS[turn.lengths is FEW]:
        team_of(monkeypatch, 1)
        alone = everything(compiled, rows)
        for threads in (2, 3):
            team_of(monkeypatch, threads)
            for key, value in everything(compiled, rows).items():
                assert np.array_equal(value, alone[key]), (key, rows, threads)


COSTS = cost.TeamCosts(wake=1e-5, barrier=1e-7)


SUMS_AND_MORE = """cell SumsAndMore
input x[H]
state h[H], k[H]
param u[H] ~ uniform(0.5)
h' = (1 - 0.01 * sigmoid(x)) * h + u * tanh(x)
k' = where(x > 0, k * sigmoid(x + u), u - k / (1 + x * x))
output y = h' + k' * tanh(k')
"""


def test_no_memory_is_taken_from_sums_that_a_team_does_last(monkeypatch):
    compiled = rg.parse(SUMS_AND_MORE).compile(H=16, threads=2)
    team_of(monkeypatch, 1)
    alone = everything(compiled, 1)
    team_of(monkeypatch, 2)
    team = everything(compiled, 1)
    assert all(np.array_equal(team[key], alone[key]) for key in alone)


@pytest.mark.parametrize(
    ("operations", "barriers", "steps", "rows", "threads", "team"),
    [
        (1e3, 1, 10, 1, 8, 1),
        (1e6, 1, 1000, 64, 8, 8),
        (1e6, 1, 0, 64, 8, 1),
        (1e4, 1, 10_000, 1, 2, 1),  # too little in a step to wait for each other
        (7e4, 1, 1000, 1, 2, 2),
        (7e4, 4, 1000, 1, 2, 1),  # too many barriers
        (1e3, 1, 9000, 16, 4, 2),  # by rows: each of two has a tile of them
    ],
)
def test_a_team_is_no_larger_than_its_work(operations, barriers, steps, rows, threads, team):
    step = cost.StepWork(operations, barriers)
    assert cost.team_size(step, steps, rows, threads, COSTS) == team


def step_of(operations, barriers=1):
    return cost.StepWork(operations, barriers)


def test_units_are_divided_longer_where_few_kernels_read_weights_from_afar():
    def least(name, size):
        cell = rg.load(name)
        made = cell.compile(**dict.fromkeys(cell.sizes, size)).stages()["schedule"]
        return {cost.rows_per_part(procedure) for procedure in made.procedures}

    assert least("lstm", 256) == {cost.FAR_ROWS_PER_PART}
    assert least("lstm", 32) == least("layernorm_lstm", 256) == {cost.ROWS_PER_PART}
    step = cost.StepWork(1e6, 1, rows_per_part=12)
    assert teams.trial(step, 100, 16, 2, cost.TeamCosts(1e-6, 1e-3)).size == 1  # barriers are dear
    assert teams.trial(step, 100, 24, 2, cost.TeamCosts(1e-6, 1e-3)).size == 2


def test_what_a_team_cannot_win_is_not_tried():
    assert teams.trial(step_of(1e3), 10, 1, 8, COSTS).settled
    assert teams.trial(step_of(1e3), 10, 1, 8, COSTS).size == 1


def test_long_calls_have_the_team_that_is_expected_most_of():
    found = teams.trial(step_of(1e6), 3000, 64, 8, COSTS)
    assert found.settled and found.size == 8


@pytest.mark.parametrize(("held_up", "size", "tries"), [
    (range(3), 2, 2 + 2 * teams.TRIES),  # for a while: then the team is seen to be faster
    (range(0, 999, 9), 2, 2 * teams.TRIES),  # now and then
    (range(1, 999), 1, teams.MOST + teams.TRIES),  # nearly always
])  # fmt: skip
def test_a_team_that_others_hold_up_is_tried_for_longer(held_up, size, tries):
    found, calls = teams.trial(step_of(7e4), 1000, 1, 2, COSTS), {1: 0, 2: 0}
    while not found.settled:
        team, tried = found.size, not found.pause
        found.note(team, 3 if team == 1 else 9 if calls[2] in held_up else 2)
        calls[team] += tried
    assert (found.size, calls[1]) == (size, tries)


@pytest.mark.parametrize(("alone", "team", "size"), [(3, 2, 2), (2, 3, 1), (2, 2, 1), (2, 1.9, 1)])
def test_short_calls_are_tried_both_ways_and_the_faster_is_kept(alone, team, size):
    found, seen = teams.trial(step_of(7e4), 1000, 1, 2, COSTS), []
    while not found.settled:
        seen.append(found.size)
        found.note(found.size, {1: alone, 2: team}[found.size] + 9 * (len(seen) < 3))
    assert seen == [2, 1] * teams.TRIES + [size] * teams.PAUSE + [2, 1] * teams.TRIES
    found.note(size, 100)  # a call that began before it was settled
    assert found.size == size


def test_what_first_calls_say_is_asked_once_more():
    found, sizes = teams.trial(step_of(7e4), 1000, 1, 2, COSTS), []
    while not found.settled:  # at the beginning something else keeps a core
        team = 9 if len(sizes) < 2 * teams.TRIES else 2
        found.note(found.size, 3 if found.size == 1 else team)
        sizes.append(found.size)
    assert set(sizes[2 * teams.TRIES :][: teams.PAUSE - 1]) == {1} and found.size == 2


def test_calls_that_run_at_once_are_noted_in_any_order():
    found = teams.trial(step_of(7e4), 1000, 1, 2, COSTS)
    for _ in range(3 * teams.TRIES):  # all of them began with a team
        found.note(2, 1.0)
    assert not found.settled and found.size == 1
    for _ in range(teams.TRIES):
        found.note(1, 3.0)
    assert found.pause == teams.PAUSE and found.size == 2


def test_calls_with_many_threads_settle_and_keep_their_bits():
    compiled = compiled_for("lstm", 23, "host", "f32", threads=2)
    alone = everything(compiled_for("lstm", 23, "host", "f32", threads=1), 33, 50)
    for _ in range(4 * teams.TRIES + teams.PAUSE + 2):
        for key, value in everything(compiled, 33, 50).items():
            assert np.array_equal(value, alone[key]), key


def test_what_a_team_costs_is_measured():
    found = pool.costs()
    assert found.wake > 0 and found.barrier >= 0
    assert pool.cores() >= 1


@pytest.mark.parametrize(("steps", "rows"), [(0, 3), (3, 0), (1, 1)])
def test_nothing_to_divide(steps, rows, monkeypatch):
    compiled = compiled_for("gru", 23, "host", "f32", threads=4)
    team_of(monkeypatch, 1)
    alone = everything(compiled, rows, steps)
    team_of(monkeypatch, 4)
    team = everything(compiled, rows, steps)
    assert all(np.array_equal(team[key], alone[key]) for key in alone)


def test_threads_are_used_again_and_sleep_between_calls(monkeypatch):
    team_of(monkeypatch, 4)
    compiled = compiled_for("lstm", 23, "host", "f32", threads=4)
    everything(compiled, 33)
    tasks, used = _tasks(), time.process_time()
    time.sleep(0.2)
    assert time.process_time() - used < 0.1
    for _ in range(5):
        everything(compiled, 33)
    assert _tasks() == tasks


@pytest.mark.skipif(sys.platform != "linux" or pool.cores() < 2, reason="Linux, two cores")
def test_members_that_meet_on_a_core_part_ways():
    where, cpu = {}, ctypes.CDLL(None).sched_getcpu

    @pool.ENTRY
    def entry(table, steps, rows, part, parts, control):
        where[part] = (threading.get_native_id(), cpu())

    pool.enter()(entry, None, 0, 0, 2)
    allowed = os.sched_getaffinity(0)
    core = {min(allowed)}
    try:
        for thread, _ in where.values():
            os.sched_setaffinity(thread, core)
        pool.enter()(entry, None, 0, 0, 2)
        assert {where[0][1]} == core and where[1][1] in allowed - core
    finally:
        os.sched_setaffinity(0, allowed)


def test_many_callers_have_teams_of_their_own(monkeypatch):
    team_of(monkeypatch, 3)
    compiled = compiled_for("gru", 23, "host", "f32", threads=4)
    alone = everything(compiled, 5)
    with ThreadPoolExecutor(6) as callers:
        for found in callers.map(lambda _: everything(compiled, 5), range(12)):
            assert all(np.array_equal(found[key], alone[key]) for key in alone)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_makes_threads_of_its_own(monkeypatch):
    team_of(monkeypatch, 2)
    compiled = compiled_for("gru", 23, "host", "f32", threads=4)
    before = everything(compiled, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads: just that
        child = os.fork()
    if child == 0:
        found = everything(compiled, 5)
        os._exit(0 if all(np.array_equal(found[key], before[key]) for key in before) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(everything(compiled, 5)["y"], before["y"])


def _tasks():
    folder = Path("/proc/self/task")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "two", 1000])
def test_a_number_of_threads_that_is_none(threads):
    with pytest.raises(ValueError, match="threads must be an integer from 1 to 256"):
        rg.load("lstm").compile(I=2, H=2, threads=threads)
