"""Compiled cells against the NumPy oracle: outputs, final states, traces and all gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import cycle, product
from typing import Any, NamedTuple

import numpy as np
from cells_for_tests import draw, draw_states
from tolerances import assert_as_close, assert_close

import rnngraph as rg
from rnngraph import library
from rnngraph.backends.llvm.target import CPUS, named
from rnngraph.backends.reference import Result, evaluate
from rnngraph.compiled import Compiled
from rnngraph.graph import Graph
from rnngraph.passes.gradient import gradient
from rnngraph.runtime.noise import drawn

TARGETS = [name for name in CPUS if named(name).available]
SEED = 7  # of the noise
REAL = {"f32": np.float32, "f64": np.float64}
MACHINES = list(product(TARGETS, REAL))
WIDTHS = [5, 17, 33, 2, 16]
NORMALISED = 5  # the least width at which a norm is well-conditioned in f32

# steps and rows; code for few rows and code for many is compiled apart
FEW = [(5, 3), (1, 1), (0, 2), (2, 0)]
MANY = [(2, 17), (5, 5), (0, 9), (1, 8)]


class Turn(NamedTuple):
    """How a cell of the library is compiled by default: one compilation, shared by the tests."""

    width: int
    target: str
    dtype: str
    lengths: list[tuple[int, int]]

    def compile(self, name: str, threads: int = 1) -> Compiled:
        return compiled_for(name, *self[:3], threads)


@cache
def turns() -> dict[str, Turn]:
    """Each cell of the library on one machine, at one width, for few rows or many."""
    lengths = [kind for kind in (FEW, MANY) for _ in MACHINES]
    by_turns = zip(cycle(WIDTHS), cycle(MACHINES), cycle(lengths), strict=False)
    made = (Turn(width, *machine, rows) for width, machine, rows in by_turns)
    return dict(zip(library.names(), made, strict=False))


def compiled_for(name: str, width: int, target: str, dtype: str, threads: int = 1) -> Compiled:
    """A cell of the library with sizes that differ by one, the last one ``width``."""
    loaded = rg.load(name)
    width = max(width, NORMALISED if "norm" in name else 1)
    sizes = {size: max(1, width - i) for i, size in enumerate(reversed(loaded.sizes))}
    return loaded.compile(**sizes, dtype=dtype, target=target, threads=threads)


_GRADIENTS: dict[int, tuple[Graph, Graph]] = {}


def gradient_of(graph: Graph) -> Graph:
    """The gradient graph, made once for each graph."""
    if id(graph) not in _GRADIENTS:
        _GRADIENTS[id(graph)] = graph, gradient(graph)
    return _GRADIENTS[id(graph)][1]


def arrays(graph: Graph, steps: int, rows: int, dtype: str) -> tuple[dict, dict]:
    """Everything that is given, and initial states, exact in ``dtype``."""
    given = draw(graph, steps, rows)
    given = {k: v if v.dtype.kind == "i" else v.astype(REAL[dtype]) for k, v in given.items()}
    given |= drawn(graph, SEED, 0, steps, rows, np.dtype(REAL[dtype]))
    initial = {k: v.astype(REAL[dtype]) for k, v in draw_states(graph, rows).items()}
    return given, initial


def split(graph: Graph, given: dict) -> tuple[dict, dict]:
    """Parameters, and inputs with contexts."""
    params = {k: v for k, v in given.items() if k in graph.params}
    return params, {k: v for k, v in given.items() if k in {**graph.inputs, **graph.contexts}}


def expected_gradients(
    graph: Graph, given: dict, initial: dict, dy: dict, dstate: dict, steps: int, rows: int,
    **how: Any,
) -> Result:  # fmt: skip
    """The oracle on the gradient graph."""
    joint = gradient_of(graph)
    late = {f"dout({k})": v for k, v in dy.items()}
    ends = {f"d({k})": v for k, v in dstate.items()}
    return evaluate(joint, {**given, **late}, steps, rows, {**initial, **ends}, **how)


def off_by_a_rounding(seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Values that f32 could not tell from these, or nearly."""
    rng, half = np.random.default_rng(seed), np.finfo(np.float32).eps / 2
    return lambda value: value * (1 + half * rng.choice([-1, 1], value.shape))


def assert_runs(compiled: Compiled, steps: int, rows: int, kind: str = "parity") -> None:
    """``run`` and ``trace`` are what the oracle says, and each other's bits."""
    graph, dtype = compiled.graph, compiled.dtype
    given, initial = arrays(graph, steps, rows, dtype)
    params, x = split(graph, given)
    size = {"steps": steps, "rows": rows, "seed": SEED}
    want = evaluate(graph, given, steps, rows, initial, graph.names)
    y, state = compiled.run(params, x, initial, outputs=graph.outputs, **size)
    trace = compiled.trace(params, x, initial, **size)
    where = f"{graph.title} T={steps} B={rows}"
    for found, wanted in ((y, want.outputs), (state, want.finals), (trace, want.values)):
        for name, value in wanted.items():
            assert_close(found[name], value, kind, dtype, f"{where}: {name}")
    for name in trace.keys() & y.keys():
        if graph.outputs[name] is (graph.names[name].node if name in graph.names
                                   else graph.states[name].next):  # fmt: skip
            assert np.array_equal(trace[name], y[name]), f"{where}: trace of output {name}"
    for name in graph.states:
        after = trace[name][-1 if graph.states[name].delay > 0 else 0] if steps else None
        if after is not None and name not in graph.names:
            assert np.array_equal(after, state[name]), f"{where}: trace of state {name}"


def assert_gradients(compiled: Compiled, steps: int, rows: int, kind: str = "parity") -> None:
    """``vjp`` gives the oracle's values and gradients; a pullback can be used twice."""
    graph, dtype = compiled.graph, compiled.dtype
    given, initial = arrays(graph, steps, rows, dtype)
    params, x = split(graph, given)
    size = {"steps": steps, "rows": rows, "seed": SEED}
    y, state, pullback = compiled.vjp(params, x, initial, outputs=graph.outputs, **size)
    rng = np.random.default_rng(2)
    real = [name for name, node in graph.outputs.items() if node.dtype == "real"]
    dy = {name: rng.normal(size=y[name].shape).astype(REAL[dtype]) for name in real}
    dstate = {k: rng.normal(size=v.shape).astype(REAL[dtype]) for k, v in state.items()}
    arguments = [given, initial, dy, dstate]
    want = expected_gradients(graph, *arguments, steps, rows)
    moved = cache(lambda: [
        expected_gradients(graph, *arguments, steps, rows, rounded=off_by_a_rounding(seed))
        for seed in range(3)
    ])  # fmt: skip

    def check(value, part, key, what):
        others = lambda: [getattr(other, part)[key] for other in moved()]  # noqa: E731
        wanted = getattr(want, part)[key]
        assert_as_close(value, wanted, others, kind, dtype, f"{where}: {what}")

    grads, again = pullback(dy, dstate), pullback(dy, dstate)
    where = f"{graph.title} T={steps} B={rows}"
    for name, value in y.items():
        check(value, "outputs", name, name)
    for name, value in state.items():
        check(value, "finals", name, f"state {name}")
    for part in ("params", "inputs", "contexts"):
        for name, value in getattr(grads, part).items():
            check(value, "outputs", f"d({name})", f"d {name}")
            assert np.array_equal(value, getattr(again, part)[name]), f"{where}: d {name} twice"
    for name, value in grads.state.items():
        check(value, "finals", f"d({name})", f"d state {name}")
