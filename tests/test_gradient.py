"""Derivatives three ways: finite differences, the inner-product identity, and twice over."""

import numpy as np
import pytest
from cells_for_tests import CELLS, cell, draw, draw_states
from tolerances import assert_close

from rnngraph.activity import differentiable
from rnngraph.backends.reference import evaluate
from rnngraph.graph import Graph
from rnngraph.passes.gradient import gradient
from rnngraph.passes.tangent import tangent

# stop_gradient: what is differentiated is not what is evaluated
HELD = {"Truncated", "ConstantMatrix"}
STEPS, ROWS, STEP = 3, 2, 1e-6
SMOOTH = [title for title in CELLS if title not in HELD]


def random_like(values, seed):
    rng = np.random.default_rng(seed)
    return {k: rng.normal(size=v.shape) for k, v in values.items() if v.dtype != np.int64}


class Point:
    """A cell at a place, with cotangents of its outputs and final states."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.given = graph, draw(graph, STEPS, ROWS)
        self.initial = draw_states(graph, ROWS)
        result = evaluate(graph, self.given, STEPS, ROWS, self.initial)
        self.outputs, self.finals = random_like(result.outputs, 2), random_like(result.finals, 3)
        self.cotangents = {f"dout({k})": v for k, v in self.outputs.items()}
        self.last = {f"d({k})": v for k, v in self.finals.items()}

    @property
    def leaves(self):
        """What can be moved: all that is given (noise is drawn) and the initial states."""
        noises = self.graph.noises
        return {k: v for k, v in {**self.given, **self.initial}.items() if k not in noises}

    def gradients(self, joint: Graph, given, initial):
        """d(leaf) and d(initial state) by the name of the leaf or state."""
        names = differentiable(self.graph)
        given, initial = {**given, **self.cotangents}, {**initial, **self.last}
        result = evaluate(joint, given, STEPS, ROWS, initial)
        found = {name: result.outputs[f"d({name})"] for name in names}
        return found | {name: result.finals[f"d({name})"] for name in self.graph.states}

    def loss(self, given, initial) -> float:
        result = evaluate(self.graph, given, STEPS, ROWS, initial)
        total = inner(self.outputs, result.outputs) + inner(self.finals, result.finals)
        return float(total)

    def moved(self, direction, by):
        """given and initial, a little along a direction (by leaf or state name)."""
        given, initial = ({k: v + by * direction[k] if k in direction else v for k, v in d.items()}
                          for d in (self.given, self.initial))  # fmt: skip
        return given, initial


def inner(a, b):
    return sum(float((a[k] * b[k]).sum()) for k in a)


@pytest.mark.parametrize("title", SMOOTH)
def test_gradient_is_the_slope_in_every_leaf(title):
    point = Point(cell(title))
    found = point.gradients(gradient(point.graph), point.given, point.initial)
    for name, direction in random_like(point.leaves, 4).items():
        ahead, behind = (point.loss(*point.moved({name: direction}, s * STEP)) for s in (1, -1))
        slope = (ahead - behind) / (2 * STEP)
        assert_close((found[name] * direction).sum(), slope, "difference", what=name)


@pytest.mark.parametrize("title", CELLS)
def test_tangent_and_gradient_are_transposed(title):
    """<dy, J v> = <J' dy, v> for any v and dy, so neither mode can be wrong alone."""
    point = Point(cell(title))
    forward = tangent(point.graph)
    directions = random_like(point.leaves, 5)
    pushed = {f"t({k})": v for k, v in directions.items()}
    result = evaluate(forward, {**point.given, **pushed}, STEPS, ROWS, {**point.initial, **pushed})
    left = sum(float((v * result.outputs[f"t({k})"]).sum()) for k, v in point.outputs.items())
    left += sum(float((v * result.finals[f"t({k})"]).sum()) for k, v in point.finals.items())
    right = inner(directions, point.gradients(gradient(point.graph), point.given, point.initial))
    assert_close(left, right, "reordered", what=title)


def forward_over_reverse(point, joint, directions):
    """H v: the tangent of the gradient graph along v."""
    names = differentiable(point.graph)
    twice = tangent(joint, names)
    pushed = {f"t({k})": v for k, v in directions.items()}
    result = evaluate(twice, {**point.given, **point.cotangents, **pushed}, STEPS, ROWS,
                      {**point.initial, **point.last, **pushed})  # fmt: skip
    found = {k: result.outputs[f"t(d({k}))"] for k in names}
    return found | {k: result.finals[f"t(d({k}))"] for k in point.graph.states}


def reverse_over_reverse(point, joint, directions):
    """v H: the gradient of <v, gradient>, whose cotangents are v."""
    names = differentiable(point.graph)
    twice = gradient(joint, names, mark="e")
    given = {**point.given, **point.cotangents}
    given |= {f"eout(d({k}))": directions[k] for k in names}
    for name, leaf in twice.leaves.items():  # nothing is asked of the outputs themselves
        if name.startswith("eout(") and name not in given:
            lead = {0: (), 1: (ROWS,), 2: (STEPS, ROWS)}[int(leaf.varies)]
            given[name] = np.zeros((*lead, *leaf.shape))
    begin = {f"e(d({k}))": directions[k] for k in point.graph.states}
    result = evaluate(twice, given, STEPS, ROWS, {**point.initial, **point.last, **begin})
    found = {k: result.outputs[f"e({k})"] for k in names}
    return found | {k: result.finals[f"e({k})"] for k in point.graph.states}


@pytest.mark.parametrize("title", SMOOTH)
def test_second_derivatives(title):
    """By finite differences of the gradient, and the same both ways round."""
    point = Point(cell(title))
    joint = gradient(point.graph)
    directions = random_like(point.leaves, 6)
    found = forward_over_reverse(point, joint, directions)
    ahead, behind = (point.gradients(joint, *point.moved(directions, s * STEP)) for s in (1, -1))
    other = reverse_over_reverse(point, joint, directions)
    for name in found:
        slope = (ahead[name] - behind[name]) / (2 * STEP)
        assert_close(found[name], slope, "second difference", what=name)
        assert_close(other[name], found[name], "reordered", what=name)


def test_learned_initial_states():
    """A state that begins as a parameter hands its gradient on, summed over rows."""
    graph = cell("LearnedStart")
    given = draw(graph, STEPS, ROWS)
    dy, direction = np.random.default_rng(7).normal(size=(2, STEPS, ROWS, 4))
    direction = direction[0, 0]

    def loss(by):
        moved = {**given, "h0": given["h0"] + by * direction}
        return (dy * evaluate(graph, moved, STEPS, ROWS).outputs["h"]).sum()

    result = evaluate(gradient(graph), {**given, "dout(h)": dy}, STEPS, ROWS)
    found = result.outputs["d(h0)"] + result.finals["d(h)"].sum(0)
    slope = (loss(STEP) - loss(-STEP)) / (2 * STEP)
    assert_close((found * direction).sum(), slope, "difference")
    still = {f"t({k})": np.zeros_like(v) for k, v in given.items()}
    pushed = evaluate(tangent(graph), {**given, **still, "t(h0)": direction}, STEPS, ROWS)
    assert_close((pushed.outputs["t(h)"] * dy).sum(), slope, "difference")


def test_mistakes_are_named():
    graph = cell("JoinedLSTM")
    with pytest.raises(ValueError, match="cannot differentiate to 'W_q'"):
        gradient(graph, ["W_q"])
    with pytest.raises(ValueError, match="already has derivatives marked 'd'"):
        gradient(gradient(graph))
    with pytest.raises(ValueError, match="already has derivatives marked 't'"):
        tangent(tangent(graph))
