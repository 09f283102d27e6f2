"""Peers derived from a cell's graph give its results, and are written as a good user would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from structure import PLACES, representative

from rnngraph import bidirectional, load, parse, stack
from rnngraph.bench.rivals import agree, contenders
from rnngraph.bench.rivals.packing import Packing
from rnngraph.bench.rivals.program import NoProgram, derive
from rnngraph.bench.rivals.spelling import COMMON, spell
from rnngraph.bench.rows import Problem, Row, work_of
from rnngraph.cell import Cell
from rnngraph.ops import OPS

with_torch = pytest.importorskip("rnngraph.bench.rivals.with_torch")

pytestmark = pytest.mark.peers
ARRANGED = {
    "stack": lambda: stack(load("lstm"), load("gru")),
    "bidirectional": lambda: bidirectional(load("gru_reset_after")),
    "norms": lambda: stack(load("layernorm_lstm"), layers=2),
}
TEXTS = {
    "shared weights": "p = W @ x + U @ h\nh' = sigmoid(p + b) * tanh(p + c)",
    "computed weights": "h' = tanh(W @ x + (U - transpose(U)) @ h + b)",
    "started elsewhere": "h' = h + 0.1 * tanh(W @ x + U @ h + b)",
    "two products": "h' = tanh(W @ x + U @ h + U @ (b * h))",
    "scalars": "h' = tanh(W @ x + U @ h) * sigmoid(sum(c * h)) + max(h) * b",
    "choices": "h' = where(h > 0.1, max(W @ x, 0.2), min(h, 0.3)) + softmax(U @ h + b) + c",
}


def made(cell: Cell, training: bool, width: int = 6, steps: int = 4, rows: int = 3) -> Problem:
    """A row for a cell with small, unequal sizes where it has several."""
    sizes: Any = {name: width + i for i, name in enumerate(cell.sizes)}
    compiled = cell.compile(**sizes)
    graph = compiled.graph
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or graph.contexts:
        pytest.skip("not just one input and one output")
    stream = np.random.default_rng(0)
    (entry,), (result,) = graph.inputs.values(), graph.outputs.values()
    x, dy = (stream.normal(size=(steps, rows, *node.shape)).astype(np.float32)
             for node in (entry, result))  # fmt: skip
    work = work_of(compiled.stages(gradients=training)["gradient"])
    row = Row(cell.name, rows, width, training, steps)
    return Problem(row, compiled, compiled.init(1), x, dy, work)


def check(cell: Cell, training: bool) -> None:
    problem = made(cell, training)
    try:
        theirs = [with_torch.derived(problem, "torch", with_torch.directly)]
    except NoProgram as why:
        pytest.skip(str(why))
    try:
        from rnngraph.bench.rivals import with_jax
    except ImportError:
        pass
    else:
        theirs += with_jax.rivals(problem, 1)
    for other in theirs:
        agree(contenders(problem, [], 1)[0], other)


@pytest.mark.parametrize("place", PLACES)
def test_cells_of_the_library(place: int) -> None:
    check(load(representative(place)), training=True)


@pytest.mark.parametrize("training", [False, True], ids=["forward", "training"])
@pytest.mark.parametrize("name", ARRANGED)
def test_arrangements(name: str, training: bool) -> None:
    check(ARRANGED[name](), training)


@pytest.mark.parametrize("training", [False, True], ids=["forward", "training"])
@pytest.mark.parametrize("name", TEXTS)
def test_cells_of_one_s_own(name: str, training: bool) -> None:
    head = "cell C\ninput x[I]\nstate h[H] = 0.5\nparam W[H, I], U[H, H], b[H] = 1, c[H] = 1\n"
    check(parse(head + TEXTS[name]), training)


def source(cell: str, **sizes: int) -> str:
    program = derive(load(cell).compile(**sizes).graph)
    return spell(program, Packing(program, columns=False), with_torch.LANGUAGE)


def test_gates_share_a_product_and_inputs_leave_the_loop() -> None:
    text = source("lstm", I=3, H=4)
    loop, _, whole = text.partition("def program")
    assert loop.count("addmm") == 1 and loop.count("F.linear") == 0
    assert whole.count("F.linear") == 1


def test_a_normalisation_is_one_call() -> None:
    body = source("layernorm_lstm", I=3, H=4).partition("def loop0")[2]
    assert body.count("layer_norm(") == 3
    assert "rsqrt" not in body


def test_parameters_are_packed_as_products_want_them() -> None:
    graph = load("lstm").compile(I=3, H=4).graph
    shapes = sorted(v.shape for v in Packing(derive(graph), columns=False).leaves)
    assert shapes == [(16,), (16, 3), (16, 4)]


@pytest.mark.parametrize("op", sorted(name for name, op in OPS.items() if op.elementwise))
def test_every_elementwise_op_is_spelled(op: str) -> None:
    assert op in {**COMMON, **with_torch.LANGUAGE.templates}
