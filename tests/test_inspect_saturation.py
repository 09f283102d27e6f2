"""Saturation counts what is at the ends of a range, and only ranges that the graph has."""

import numpy as np
import pytest
from inspected import KINDS, model, sentences

import rnngraph as rg
from rnngraph.inspect import saturation
from rnngraph.inspect.saturation import range_of

BOUNDED = """
cell Bounded
input x[H]
state h[H]
a, b = split(sigmoid([x, h]), 2)
c = hard_sigmoid(x)
d = hard_tanh(x)
e = max(min(2, x), -3)
u = relu(x)
v = max(x, h)
w = min(max(x, 1), 0)
p = 1 - a
h' = tanh(x)
"""


def test_ranges_come_from_the_outermost_function():
    graph = rg.parse(BOUNDED).bind(H=2).graph
    found = {name: range_of(named.node) for name, named in graph.names.items()}
    none = dict.fromkeys("uvwp")
    assert found == {"a": (0, 1), "b": (0, 1), "c": (0, 1), "d": (-1, 1), "e": (-3, 2), **none}
    assert range_of(graph.states["h"].next) == (-1, 1)


def test_planted_values_are_counted():
    bounded = rg.parse(BOUNDED).compile(H=2)
    trace = {name: np.zeros((4, 2, 2)) for name in ("a", "e", "u", "h", "y")}
    trace["a"][:, 0, 0] = [0.05, 0.0999, 0.91, 0.5]
    trace["a"][:, 1, 0] = [1, 1, 0.1, 0.9]
    trace["e"] += 1.6
    found = saturation(bounded, trace)
    assert set(found) == {"a", "e", "h"}
    assert (found["a"].left.tolist(), found["a"].right.tolist()) == ([2 / 8, 1], [3 / 8, 0])
    assert (found["e"].low, found["e"].high, found["e"].right.tolist()) == (-3, 2, [1, 1])
    assert not found["h"].left.any() and not found["h"].right.any()
    short = saturation(bounded, trace, lengths=[4, 2])["a"]
    assert (short.left[0], short.right[0]) == (2 / 6, 3 / 6)


@pytest.mark.parametrize(("x", "left", "right"), [(-20, 1, 0), (20, 0, 1), (0, 0, 0)])
def test_far_from_zero_all_is_saturated(x, left, right):
    bounded = rg.parse(BOUNDED).compile(H=2)
    found = saturation(bounded, bounded.trace({}, np.full((3, 2, 2), x)))
    for name in "acdeh":
        assert found[name].left.tolist() == [left] * 2
        assert found[name].right.tolist() == [right] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_gates_of_any_cell(kind):
    compiled, params = model(kind)
    names = [name for name in compiled.named if name not in ("logits", "loss")]
    trace = compiled.trace(params, sentences(), names=names)
    found = saturation(compiled, trace)
    assert found and all(0 <= (s.left + s.right).min() <= (s.left + s.right).max() <= 1
                         and s.left.shape == trace[n].shape[2:] for n, s in found.items())


def test_lengths_must_fit_and_leave_something():
    bounded = rg.parse(BOUNDED).compile(H=2)
    trace = {"a": np.zeros((4, 2, 2))}
    with pytest.raises(rg.ArgumentError, match=r"shape \[3\], expected \[2\] like the rows of 'a'"):
        saturation(bounded, trace, lengths=[1, 2, 3])
    with pytest.raises(rg.ArgumentError, match="no step of 'a' counts"):
        saturation(bounded, trace, lengths=[0, 0])
