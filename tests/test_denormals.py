"""Denormal numbers: 0 to our code, on every thread, and untouched for everybody else."""

from __future__ import annotations

import numpy as np
import pytest

import rnngraph as rg
from rnngraph.backends.llvm.jit import emit_assembly
from rnngraph.backends.llvm.procedures import write_module
from rnngraph.backends.llvm.target import named
from rnngraph.compile import Request, stages
from rnngraph.runtime.executable import Executable
from rnngraph.runtime.teams import Trial

TINY = np.float32(1e-40)  # below the smallest normal number, 1.2e-38
SMALL = np.float32(2e-38)
ROWS = 64  # rows enough for four members of a team

HALVING = """
cell Halving
input x[H]
state h[H]
param a[H] = 0.5
h' = a * (h + x)
"""


def halved(x, threads=1):
    compiled = rg.parse(HALVING).compile(H=x.shape[-1], threads=threads)
    return compiled.run(compiled.init(0), x)[0]


@pytest.fixture(params=[1, 4])
def threads(request, monkeypatch):
    """Every call is worth a team of just so many."""
    monkeypatch.setattr(Executable, "trial", lambda *_: Trial(request.param, tries=0))
    return request.param


def test_denormal_inputs_count_as_zero(threads):
    y = halved(np.full((3, ROWS, 8), TINY), threads)
    assert not y.any()


def test_denormal_results_become_zero(threads):
    x = np.zeros((3, ROWS, 8), np.float32)
    x[0] = SMALL * 2
    y = halved(x, threads)
    assert (y[0] == SMALL).all() and not y[1:].any()


def test_the_callers_arithmetic_is_as_before(threads):
    x = np.full((3, ROWS, 8), TINY)
    expected = x[0, 0] * np.float32(0.5)
    assert expected.any()
    with np.errstate(all="raise", under="ignore"):
        halved(x * 0 + np.float32(1e38), threads)  # overflows, divides by nothing, tells nobody
        np.add(np.ones(3, np.float32), 1)
    assert np.array_equal(x[0, 0] * np.float32(0.5), expected)


def test_gradients_and_refused_calls_leave_it_too(threads):
    compiled = rg.load("lstm").compile(I=8, H=8, threads=threads)
    x = np.full((3, ROWS, 8), TINY)
    y, _, pullback = compiled.vjp(compiled.init(0), x)
    pullback(np.full_like(y, TINY))
    with pytest.raises(ValueError, match="'x' has shape"):
        compiled.run(compiled.init(0), x[..., 0])
    assert (x * np.float32(0.5)).all()


@pytest.mark.parametrize(("target", "word"), [("neon", "FPCR"), ("sse2", "ldmxcsr")])
def test_every_processor_has_its_own_word(target, word):
    graph = rg.parse(HALVING).bind(H=4).graph
    plan = stages(graph, Request(tuple(graph.outputs)))["schedule"]
    module, _ = write_module(plan, "f32", named(target))
    text = emit_assembly(module, named(target))
    assert text.count(word) >= 3  # ours, the caller's again, and in the threads of a team
