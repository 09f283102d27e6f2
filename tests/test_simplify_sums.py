"""What adds up to nothing is not added, and nothing else is left out."""

import numpy as np
import pytest
from tolerances import assert_close

from rnngraph.backends.reference import evaluate
from rnngraph.graph import Graph
from rnngraph.passes.gradient import gradient
from rnngraph.passes.simplify import simplify

T, B, N, M = 3, 2, 5, 4


class Sum:
    """The sum of an expression along an axis, of inputs v and a [N, M] or [N], s [] and w [N]."""

    def __init__(self, shape, axis):
        self.graph, self.shape, self.axis = Graph("Sum"), shape, axis
        self.v, self.a, self.s, self.w = (self.graph.input(name, of) for name, of in (
            ("v", shape), ("a", shape), ("s", ()), ("w", (N,))))

    def apart(self, of=None, along=None, count=None):
        """v less the mean of something along an axis."""
        of, along = of or self.v, self.axis if along is None else along
        total = self.graph.apply("sum", of, axis=along)
        count = count or self.shape[along]
        mean = self.graph.apply("div", total, self.graph.constant(count))
        return self.graph.apply("sub", self.v, self.spread(mean, along))

    def spread(self, x, along):
        rest = [at for at in range(len(self.shape)) if at != along]
        return x if not rest else self.graph.apply("expand", x, shape=self.shape, axes=tuple(rest))

    def op(self, name, *operands):
        return self.graph.apply(name, *operands)

    def whole(self, x):
        """The graph whose output is the sum, and whether simplifying it rids it of v."""
        self.graph.output("y", self.graph.apply("sum", x, axis=self.axis))
        simple = simplify(self.graph)
        rng = np.random.default_rng(0)
        given = {name: rng.normal(size=(T, B, *node.shape))
                 for name, node in self.graph.inputs.items()}
        before, after = (evaluate(g, given, T, B).outputs["y"] for g in (self.graph, simple))
        assert_close(after, before, "reordered")
        return simple.inputs["v"] not in simple.live(simple.roots())


SHAPES = [((N,), 0), ((N, M), 0), ((N, M), 1)]


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("made", [
    lambda m: m.op("add", m.a, m.apart()),
    lambda m: m.op("neg", m.op("sub", m.a, m.op("mul", m.apart(), m.graph.constant(3.0)))),
    lambda m: m.op("add", m.op("add", m.a, m.apart()), m.op("neg", m.apart())),
    lambda m: m.op("mul", m.graph.constant(2.0), m.apart()),
], ids=["beside", "scaled, subtracted", "twice", "alone"])
def test_distances_from_the_mean_are_left_out(shape, axis, made):
    model = Sum(shape, axis)
    assert model.whole(made(model))


def test_what_scales_a_whole_line_may_differ_from_line_to_line():
    model = Sum((N, M), 1)
    assert model.whole(model.op("mul", model.spread(model.w, 1), model.apart()))
    model = Sum((N, M), 1)
    assert model.whole(model.op("mul", model.graph.apply("expand", model.s, shape=(N, M), axes=()),
                                model.apart()))


@pytest.mark.parametrize("made", [
    lambda m: m.apart(of=m.a),
    lambda m: m.apart(count=N - 1),
    lambda m: m.apart(along=1 - m.axis),
    lambda m: m.op("mul", m.a, m.apart()),
    lambda m: m.op("mul", m.spread(m.w, 1), m.apart()),
    lambda m: m.op("mul", m.apart(), m.apart()),
    lambda m: m.op("add", m.s, m.apart()),  # s counts as often as there are elements
], ids=["mean of another", "other count", "other axis", "weighed", "weighed by line", "squared",
        "beside a scalar"])
def test_other_sums_stay(made):
    model = Sum((N, M), 0)
    assert not model.whole(made(model))


def test_the_gradient_of_a_norm_takes_no_sum_of_another():
    """As in Ba, Kiros & Hinton 2016, Layer Normalization: two sums for each norm, of the gradient
    and of its product with what was normalised, both of what comes in."""
    model = Sum((N,), 0)
    apart = model.apart()
    square = model.graph.apply("sum", model.op("mul", apart, apart), axis=0)
    model.graph.output("y", model.op("mul", apart, model.op("rsqrt", square)))
    simple = simplify(gradient(simplify(model.graph)))
    sums = [node for node in simple.live(simple.roots()) if node.op == "sum"]
    late = [node for node in sums if simple.inputs["dout(y)"] in below(node)]
    assert (len(sums), len(late)) == (4, 2)  # two of the norm, two of its gradient
    assert not any(other in below(node) for node in late for other in late if other is not node)


def below(node):
    """All that a node is computed from, itself too."""
    found, left = {}, [node]
    while left:
        one = left.pop()
        if one.id not in found:
            found[one.id] = one
            left += one.operands
    return list(found.values())
