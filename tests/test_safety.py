"""Calls among other things that a process does: threads of Python, forks, spawned children."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import rnngraph as rg
from rnngraph.runtime.executable import Executable
from rnngraph.runtime.teams import Trial

T, B, H = 8, 32, 24


@pytest.fixture(params=[1, 2])
def threads(request, monkeypatch):
    """Every call is worth a team of just so many."""
    monkeypatch.setattr(Executable, "trial", lambda *_: Trial(request.param, tries=0))
    return request.param


def gradients(compiled, seed):
    params = compiled.init(seed)
    x = np.random.default_rng(seed).normal(size=(T, B, H)).astype(np.float32)
    y, state, pullback = compiled.vjp(params, x)
    found = pullback(np.ones_like(y))
    run, _ = compiled.run(params, x)
    return [y, run, *state.values(), *found.params.values(), *found.inputs.values()]


def same(a, b):
    return len(a) == len(b) and all(map(np.array_equal, a, b))


def lstm(threads):
    return rg.load("lstm").compile(I=H, H=H, threads=threads)


def test_many_threads_share_a_compiled_cell(threads):
    compiled = lstm(threads)
    expected = [gradients(compiled, seed) for seed in range(6)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda k: gradients(compiled, k % 6), range(120)))
    assert all(same(found[k], expected[k % 6]) for k in range(120))


def test_other_threads_go_on_during_a_long_call(threads):
    compiled = lstm(threads)
    params, x = compiled.init(0), np.zeros((20_000, 16, H), np.float32)
    compiled.run(params, x)
    seen, stop = [], threading.Event()

    def watch():
        while not stop.wait(1e-3):
            seen.append(time.perf_counter())

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    compiled.run(params, x)
    ended = time.perf_counter()
    stop.set()
    watcher.join()
    middle = (began + ended) / 2, began + (ended - began) * 0.75
    assert [t for t in seen if middle[0] < t < middle[1]]  # the GIL was free half-way through


def test_no_core_is_used_after_a_call(threads):
    gradients(lstm(threads), 0)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_of_a_fork_computes_the_same(threads):
    compiled = lstm(threads)
    expected = gradients(compiled, 1)
    child = os.fork()
    if child == 0:
        good = False
        try:
            good = all(same(gradients(compiled, 1), expected) for _ in range(3))
        finally:
            os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert same(gradients(compiled, 1), expected)


def _in_child(work):
    compiled, seed = work
    return gradients(compiled, seed)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_pools_of_processes(method):
    compiled = lstm(2)
    expected = [gradients(compiled, seed) for seed in range(3)]
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.map(_in_child, [(compiled, seed) for seed in range(3)])
    assert all(map(same, found, expected))


def test_a_replay_keeps_its_memory_while_its_cell_goes(threads):
    y, _, pullback = lstm(threads).vjp(lstm(1).init(0), np.ones((T, B, H), np.float32))
    assert np.isfinite(pullback(np.ones_like(y)).params["W_f"]).all()
