"""Narrow precisions: what the reference says they mean, near f32, the same bits for every batch
and team, on every machine."""

from __future__ import annotations

import pickle
from itertools import cycle

import numpy as np
import pytest
import structure
from cells_for_tests import CELLS, cell
from compiled_cells import TARGETS, arrays, split
from structure import PLACES, representative
from tolerances import TOLERANCES, assert_close, error

import rnngraph as rg
from rnngraph.backends.llvm.target import named
from rnngraph.backends.reference import interpret, narrow
from rnngraph.compiled import Compiled
from rnngraph.runtime.arrays import ArgumentError
from rnngraph.runtime.executable import Executable
from rnngraph.runtime.teams import Trial
from rnngraph.schedule.formats import FORMATS, PRECISIONS, SMALLEST
from rnngraph.schedule.grammar import Narrow, Product, Tile
from rnngraph.schedule.verify import verify_schedule

STEPS = 3
NARROW = list(FORMATS)


def products(schedule):
    kernels = [k for p in schedule.procedures for phase in p.phases for k in phase.kernels]
    tiles = [k for k in kernels if isinstance(k, Tile)]
    return kernels, [a for k in tiles for a in k.accumulators if isinstance(a, Product)]


def expected(compiled, given, initial, rows):
    """What the schedule means, step by step in f32."""
    schedule = verify_schedule(compiled.stages(few_rows=rows < 4)["schedule"])
    return interpret(schedule, given, STEPS, rows, initial, dtype=np.float32)


def assert_means(compiled, rows):
    """Where a sum ends nearly between two roundings, it may be rounded the other way: but for a
    few such values, results are those of the reference; and those are near it."""
    graph = compiled.graph
    given, initial = arrays(graph, STEPS, rows, "f32")
    params, x = split(graph, given)
    want = expected(compiled, given, initial, rows)
    y, state = compiled.run(params, x, initial, outputs=graph.outputs, steps=STEPS, rows=rows)
    for found, wanted in ((y, want.outputs), (state, want.finals)):
        for name in found:
            assert_close(found[name], wanted[name], "rounded", compiled.precision, name)
            distances = np.abs(np.asarray(found[name], float) - wanted[name])
            bound = TOLERANCES["f32", "parity"] * max(1, np.abs(wanted[name]).max(initial=0))
            assert np.mean(distances > bound) < 0.05 if distances.size else True, name


def assert_both_mean(title, turn):
    """Few rows and many are compiled apart: each cell meets one way in each precision."""
    for precision, rows in zip(NARROW, [(2, 5), (5, 2)][turn % 2], strict=True):
        assert_means(Compiled(cell(title), precision=precision), rows)


BY_TURNS = list(zip(PLACES, cycle(NARROW), strict=False))


@pytest.mark.parametrize("title", [title for title in CELLS if title not in structure.LIBRARY])
def test_every_form_of_graph_means_what_the_reference_says(title):
    assert_both_mean(title, list(CELLS).index(title))


@pytest.mark.parametrize("place", PLACES)
def test_cells_mean_what_the_reference_says(place):
    assert_both_mean(f"{representative(place)}.cell", place)


@pytest.mark.parametrize("precision", NARROW)
@pytest.mark.parametrize("name", ["lstm", "gru"])
@pytest.mark.parametrize("width", [1, 63])
def test_odd_sizes(name, width, precision):
    compiled = rg.load(name).compile(I=width, H=width, precision=precision)
    for rows in (1, 7):
        assert_means(compiled, rows)


@pytest.mark.parametrize("precision", NARROW)
@pytest.mark.parametrize("target", TARGETS)
def test_every_machine(target, precision):
    """With the machine's own instruction or widened to f32."""
    compiled = rg.load("lstm").compile(I=19, H=21, target=target, precision=precision)
    assert_means(compiled, 6)


def wide(name, precision, **options):
    loaded = rg.load(name)
    sizes = {size: 17 + 3 * place for place, size in enumerate(loaded.sizes)}
    return loaded.compile(**sizes, precision=precision, **options)


def assert_near_f32(name, precision):
    compiled, exact = wide(name, precision), wide(name, "f32")
    params, rng = exact.init(0), np.random.default_rng(0)
    x = {k: rng.normal(size=(5, 5, *v.shape)) for k, v in exact.graph.inputs.items()}
    x = {k: v if v.ndim > 2 else abs(v) for k, v in x.items()}  # scalars are times
    x |= {k: rng.normal(size=(5, *v.shape)) for k, v in exact.graph.contexts.items()}
    y, _ = compiled.run(params, x)
    plain, _ = exact.run(params, x)
    assert_close(y, plain, "rounded", precision, name)
    if products(compiled.schedule)[1]:
        assert error(y, plain) > 0


@pytest.mark.parametrize(("place", "precision"), BY_TURNS)
def test_outputs_stay_near_f32(place, precision):
    assert_near_f32(representative(place), precision)


@pytest.mark.parametrize(("place", "precision"), BY_TURNS)
def test_a_row_depends_on_no_other_row_and_on_no_team(place, precision, monkeypatch):
    compiled = wide(representative(place), precision, threads=3)
    given, initial = arrays(compiled.graph, 4, 33, "f32")
    params, x = split(compiled.graph, given)
    y, state = compiled.run(params, x, initial)
    for rows, threads in ((1, 1), (3, 3), (4, 2), (9, 1), (33, 3)):
        monkeypatch.setattr(Executable, "trial", lambda *_, n=threads: Trial(n, tries=0))
        first = {k: v[:rows] for k, v in initial.items()}
        given = {k: v[:, :rows].copy() if k in compiled.graph.inputs else v[:rows].copy()
                 for k, v in x.items()}  # fmt: skip
        part, ends = compiled.run(params, given, first)
        assert np.array_equal(part, y[:, :rows]), (rows, threads)
        assert all(np.array_equal(ends[k], state[k][:rows]) for k in ends), (rows, threads)


@pytest.mark.parametrize("precision", NARROW)
def test_steps_traces_masks_and_stacks(precision):
    compiled = rg.stack(rg.load("lstm"), rg.load("gru")).compile(I=9, H=11, precision=precision)
    params = compiled.init(0)
    x = np.random.default_rng(0).normal(size=(4, 3, 9)).astype(np.float32)
    y, ends = compiled.run(params, x)
    state = None
    for t in range(4):
        step, state = compiled.step(params, x[t], state)
        assert np.array_equal(step, y[t])
    traced = compiled.trace(params, x)
    for name, value in ends.items():
        assert np.array_equal(traced[name][-1], value)
    short, _ = compiled.run(params, x, lengths=[4, 2, 0])
    assert np.array_equal(short[:2, :2], y[:2, :2])
    assert not short[2:, 1].any() and not short[:, 2].any()


@pytest.mark.parametrize("precision", NARROW)
def test_parameters_are_packed_anew_when_they_change(precision):
    compiled = rg.load("lstm").compile(I=5, H=6, precision=precision)
    params, x = compiled.init(0), np.ones((3, 1, 5), np.float32)
    y, _ = compiled.run(params, x)
    params["W_f"][...] *= -2
    other, _ = compiled.run(params, x)
    fresh, _ = rg.load("lstm").compile(I=5, H=6, precision=precision).run(params, x)
    assert not np.array_equal(y, other)
    assert np.array_equal(other, fresh)


@pytest.mark.parametrize("precision", NARROW)
def test_what_is_no_number_is_not_hidden(precision):
    compiled = rg.load("rnn").compile(I=5, H=6, precision=precision)
    params, x = compiled.init(0), np.ones((2, 3, 5), np.float32)
    plain, _ = compiled.run(params, x)
    x[0, 1, 2] = np.nan
    y, _ = compiled.run(params, x)
    assert np.isnan(y[:, 1]).all()
    assert np.array_equal(y[:, [0, 2]], plain[:, [0, 2]])


@pytest.mark.parametrize("size", [0.0, 1e-38, 1e-30, 1e30])
@pytest.mark.parametrize("precision", NARROW)
def test_tiny_and_large_operands(precision, size):
    compiled = rg.parse("cell C\ninput x[I]\nparam W[I, I]\noutput y = W @ x\n").compile(
        I=20, precision=precision
    )
    rng = np.random.default_rng(0)
    W, x = (rng.normal(size=shape).astype(np.float32) for shape in ((20, 20), (1, 9, 20)))
    y, _ = compiled.run({"W": W}, size * x)
    exact = (x * np.float32(size)) @ W.T
    scale = max(size, SMALLEST)
    assert np.abs(y - exact).max() / scale < 0.5


# --- the schedule --------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", NARROW)
def test_the_schedule_says_what_is_narrow(precision):
    schedule = wide("gru", precision).schedule
    kernels, found = products(schedule)
    assert found and all(product.format == precision for product in found)
    converted = [k.source for k in kernels if isinstance(k, Narrow)]
    assert len(converted) == len(set(converted))
    assert f"narrow: {precision} of x" in str(schedule)
    assert f"in {precision}" in str(schedule)
    assert "narrow" not in str(wide("gru", "f32").schedule)


def test_the_code_of_another_precision_is_another_code():
    made = {p: wide("lstm", p)._executable(wide("lstm", p)._plain()).machine.object
            for p in PRECISIONS}  # fmt: skip
    assert len(set(made.values())) == len(PRECISIONS)
    names = named("host").features.split(",")
    if "+avx512bf16" in names and "+avx512vnni" in names:
        assert "vdpbf16ps" in wide("lstm", "bf16").assembly
        assert "vpdpbusd" in wide("lstm", "int8").assembly


# --- what rounding means -----------------------------------------------------------------------


@pytest.mark.peers
def test_bf16_rounds_to_nearest_even():
    torch = pytest.importorskip("torch")
    bits = np.random.default_rng(0).integers(0, 1 << 32, 20000, dtype=np.uint32)
    ties = (bits & np.uint32(0xFFFF0000)) | np.uint32(0x8000)
    for x in (bits.view(np.float32), ties.view(np.float32)):
        words, _ = narrow.narrow(x[None], "bf16")
        found = narrow.widened(words, "bf16", x.size)[0]
        assert np.array_equal(found, torch.tensor(x).bfloat16().float().numpy(), equal_nan=True)


def test_codes_are_within_half_a_scale():
    x = np.random.default_rng(0).normal(size=(4, 37)).astype(np.float32)
    codes, scale = narrow.rounded(x, "int8")
    assert np.abs(codes).max(-1).tolist() == [127] * 4
    assert (np.abs(codes * scale[:, None] - x) <= 0.501 * scale[:, None]).all()
    words, scales = narrow.narrow(x, "int8")
    assert np.array_equal(narrow.widened(words, "int8", 37), codes)
    assert np.array_equal(scales, scale)


# --- the face -----------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["int4", "f64", 8, True, ["bf16"]])
def test_a_wrong_precision_lists_the_choices(wrong):
    with pytest.raises(ValueError, match="one of 'f32', 'bf16', 'int8', not"):
        rg.load("lstm").compile(I=3, H=4, precision=wrong)


def test_a_narrow_precision_is_one_of_f32():
    with pytest.raises(ValueError, match="precision='bf16' needs dtype='f32', not 'f64'"):
        rg.load("lstm").compile(I=3, H=4, dtype="f64", precision="bf16")


@pytest.mark.parametrize("precision", NARROW)
def test_derivatives_need_exact_weights(precision):
    compiled = rg.load("lstm").compile(I=3, H=4, precision=precision)
    params, x = compiled.init(0), np.ones((2, 1, 3), np.float32)
    asked = (lambda: compiled.vjp(params, x), lambda: compiled.jvp(params, x),
             lambda: compiled.hvp(params, x, x), lambda: compiled.stages(True))  # fmt: skip
    for ask in asked:
        with pytest.raises(ArgumentError, match=f"precision='{precision}', which is for run"):
            ask()


def test_pickling_and_names():
    compiled = rg.load("lstm").compile(I=3, H=4, precision="int8")
    again = pickle.loads(pickle.dumps(compiled))
    assert again.precision == "int8"
    assert "int8" in repr(again)
    assert rg.load("lstm").compile(I=3, H=4).precision == "f32"
    params, x = compiled.init(0), np.ones((2, 1, 3), np.float32)
    assert np.array_equal(again.run(params, x)[0], compiled.run(params, x)[0])
