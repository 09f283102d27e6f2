"""The passes behind looking at gates, on every cell there is, in the reference."""

import numpy as np
import pytest
from cells_for_tests import CELLS, cell, draw, draw_states
from tolerances import assert_close

from rnngraph.backends.reference import evaluate
from rnngraph.graph import Graph
from rnngraph.passes.decompose import BETA, DELTA, GAMMA, PHRASE, decompose
from rnngraph.passes.gradient import gradient
from rnngraph.passes.label import label
from rnngraph.passes.reads import CARRY, read, reads
from rnngraph.passes.supply import alone, name_lookups, supply
from rnngraph.verify import verify

T, B = 3, 2
RECURRENT = [title for title in CELLS if cell(title).states]


@pytest.mark.parametrize("title", RECURRENT)
def test_every_read_is_told_apart_and_counted_once(title):
    """The derivatives through all equations' reads add up to that of the old state."""
    plain = cell(title)
    split = reads(label(plain))
    verify(split)
    joint = gradient(split)
    given = draw(plain, T, B)
    new = {name: leaf.shape for name, leaf in joint.inputs.items() if name not in given}
    rng = np.random.default_rng(2)
    given |= {name: np.zeros((T, B, *shape)) if name.startswith("read(") else
              rng.normal(size=(T, B, *shape)) for name, shape in new.items()}
    given |= {n: rng.normal(size=(B, *leaf.shape)) for n, leaf in joint.contexts.items()
              if n not in given}
    given |= {n: rng.normal(size=leaf.shape) for n, leaf in joint.params.items() if n not in given}
    states = draw_states(plain, B)
    found = evaluate(joint, given, T, B, states)
    expected = evaluate(plain, given, T, B, states).outputs
    for name, value in expected.items():
        assert_close(found.outputs[name], value, "reordered", what=name)
    for name, state in plain.states.items():
        routes = [r for r in dict.fromkeys([CARRY, *split.names, *split.outputs])
                  if read(name, r) in split.inputs]  # fmt: skip
        parts = [found.outputs[f"d({read(name, r)})"] for r in routes]
        first = 0 if state.delay > 0 else -1
        total = sum(part[first] for part in parts) if parts else np.zeros((B, *state.leaf.shape))
        assert_close(total, found.finals[f"d({name})"], "reordered", what=name)


@pytest.mark.parametrize("title", RECURRENT)
def test_parts_add_up(title):
    plain = cell(title)
    made = decompose(plain)
    verify(made)
    given = {**draw(plain, T, B), PHRASE: np.zeros((T, B))}
    given[PHRASE][1] = 1
    states = draw_states(plain, B)
    with np.errstate(all="ignore"):
        initial = states | {GAMMA.format(name): array for name, array in states.items()}
        # parts alone may be a million times the whole (1 / norm of nothing), and cancel
        found = evaluate(made, given, T, B, initial, dtype=np.longdouble).outputs
    for name, node in plain.outputs.items():
        parts = [found[mark.format(name)] for mark in (BETA, GAMMA, DELTA)]
        if node.dtype == "real" and all(np.isfinite(part).all() for part in parts):
            assert_close(sum(parts), found[name], "reordered", what=name)


def test_what_is_hidden_in_a_state_gets_a_name():
    g = Graph()
    x, h, W = g.input("x", (3,)), g.state("h", (3,)), g.param("W", (3, 3))
    z = g.apply("sigmoid", W @ h)
    g.name("z", z)
    inner = g.apply("tanh", W @ g.apply("sin", h + x))
    g.advance("h", z * h + (1.0 - z) * inner + g.apply("tanh", W @ x) + g.apply("tanh", h))
    assert list(label(g).names) == ["z", "h'.tanh", "h'.tanh2"]
    routes = {name for name in reads(label(g)).inputs if name.startswith("read(")}
    assert routes == {read("h", r) for r in ("carry", "z", "h'.tanh", "h'.tanh2")}


def test_a_state_that_is_a_nonlinearity_is_all_carry():
    g = Graph()
    h = g.state("h", (3,))
    g.advance("h", g.apply("tanh", g.param("W", (3, 3)) @ g.apply("sin", h)))
    assert not label(g).names and list(reads(label(g)).inputs) == [read("h", CARRY)]


def test_lookups_are_supplied_or_stand_alone():
    g = Graph()
    token, E, h = g.input("token", (), "int"), g.param("E", (5, 3)), g.state("h", (3,))
    row = g.apply("gather", E, token)
    g.advance("h", 0.5 * h + row)
    g.output("y", g.states["h"].next * 2.0)
    named, names = name_lookups(g, ["token"], "y")
    assert names == ["gather of token"]
    small = alone(named, names)
    assert not small.states and list(small.inputs) == ["token"] and list(small.params) == ["E"]
    made = supply(named, names)
    rows = np.random.default_rng(0).normal(size=(T, B, 3))
    given = {"gather of token": rows, "E": np.zeros((5, 3)), "token": np.zeros((T, B), int)}
    y = evaluate(made, given, T, B).outputs["y"]
    assert_close(y[-1], 2 * (rows[2] + rows[1] / 2 + rows[0] / 4), "reordered")
    with pytest.raises(ValueError, match="no value 'q'"):
        supply(named, ["q"])
    named.name("late", named.states["h"].next)
    with pytest.raises(ValueError, match="'late' reads a state"):
        supply(named, ["late"])
