"""Every row of the op table: its meaning, its derivative, and both modes against each other.

The table is the list of tests. Only structural rows need an example of operand shapes, and a row
without one fails.
"""

import itertools
import math
import operator

import numpy as np
import pytest
from tolerances import assert_close

from rnngraph.activity import differentiable
from rnngraph.backends.reference import evaluate
from rnngraph.graph import Graph, Varies
from rnngraph.ops import OPS, ShapeError
from rnngraph.ops.row import table
from rnngraph.passes.gradient import gradient
from rnngraph.passes.tangent import tangent
from rnngraph.verify import verify

STEPS, ROWS, STEP, SIZE = 2, 3, 1e-6, 4
HELD = {"stop_gradient"}  # its derivative is not that of its meaning, on purpose
ELEMENTWISE = [row for row in OPS.values() if row.elementwise]
DERIVED = [row for row in OPS.values() if row.derivative or row.vjp]

# one operand: a shape, or "int" for an index; then the attributes
EXAMPLES = {
    "matmul": [([(3, 2), (2,)], {}), ([(3, 2), (2, 4)], {})],
    "outer": [([(3,), (2,)], {})],
    "transpose": [([(3, 2)], {}), ([(2, 3, 4)], {})],
    "reshape": [([(3, 4)], {"shape": (2, 6)}), ([(1,)], {"shape": ()})],
    "expand": [([(3,)], {"shape": (2, 3, 2), "axes": (1,)}), ([()], {"shape": (3,), "axes": ()}),
               ([(2, 3)], {"shape": (2, 4, 3), "axes": (0, 2)})],
    "slice": [([(5,)], {"axis": 0, "start": 1, "stop": 3}),
              ([(2, 4)], {"axis": 1, "start": 0, "stop": 3})],
    "concat": [([(2,), (3,), (1,)], {"axis": 0}), ([(2, 3), (2, 1)], {"axis": 1})],
    "sum": [([(3,)], {"axis": 0}), ([(2, 3, 2)], {"axis": 1})],
    "max": [([(3,)], {"axis": 0}), ([(2, 3, 2)], {"axis": 1})],
    "min": [([(3,)], {"axis": 0}), ([(2, 3, 2)], {"axis": 0})],
    "gather": [([(3,), "int"], {}), ([(3, 2, 2), "int"], {})],
    "scatter": [([(), "int"], {"size": 4}), ([(2, 3), "int"], {"size": 4})],
    "total": [([(3,)], {"to": Varies.ONCE}), ([(3,)], {"to": Varies.ROW})],
    "product": [([(3, 2), (2,), (3, 4), (4,)], {"start": False}),
                ([(3,), (3, 2), (2,)], {"start": True})],
}  # fmt: skip
ATTRIBUTES = {"spread": {"to": Varies.STEP}}


def examples(row):
    """(operands, attributes) on which a row is tried: every mix of vectors and scalars for
    elementwise rows."""
    if not row.elementwise:
        return EXAMPLES[row.name]
    mixes = itertools.product([(SIZE,), ()], repeat=row.arity)
    return [(list(mix), ATTRIBUTES.get(row.name, {})) for mix in mixes]


def applied(row, operands, attributes):
    """A graph with just this op on inputs, and values for them from the row's domain."""
    graph, rng, given, nodes = Graph(row.name), np.random.default_rng(0), {}, []
    for place, shape in enumerate(operands):
        name, integer = f"x{place}", shape == "int"
        shape = () if integer else shape
        nodes.append(graph.input(name, shape, "int" if integer else "real"))
        low, high = row.domain[place] if row.domain else (-2.0, 2.0)
        full = (STEPS, ROWS, *shape)
        given[name] = rng.integers(0, 3, full) if integer else rng.uniform(low, high, full)
    graph.output("y", graph.apply(row.name, *nodes, **attributes))
    return verify(graph), given


CASES = [pytest.param(row, *case, id=f"{row.name}-{i}")
         for row in DERIVED for i, case in enumerate(examples(row))]  # fmt: skip


def test_every_structural_row_has_an_example():
    assert set(EXAMPLES) == {row.name for row in OPS.values() if row.kind == "structural"}


@pytest.mark.parametrize(("row", "operands", "attributes"), CASES)
def test_derivatives(row, operands, attributes):
    """Forward mode by finite differences, reverse mode by the inner-product identity."""
    graph, given = applied(row, operands, attributes)
    names, rng = differentiable(graph), np.random.default_rng(1)
    value = evaluate(graph, given, STEPS, ROWS).outputs["y"]
    if value.dtype == np.bool_:
        assert all(rule is None for rule in row.derivative)
        return
    directions = {name: rng.normal(size=given[name].shape) for name in names}
    pushed = {f"t({k})": v for k, v in directions.items()}
    pushed = evaluate(tangent(graph), {**given, **pushed}, STEPS, ROWS).outputs["t(y)"]
    assert_close(pushed, slope(graph, given, directions, row), "difference", what=row.name)
    dy = rng.normal(size=value.shape)
    back = evaluate(gradient(graph), {**given, "dout(y)": dy}, STEPS, ROWS).outputs
    right = sum((back[f"d({k})"] * v).sum() for k, v in directions.items())
    assert_close((pushed * dy).sum(), right, "reordered", what=row.name)


def slope(graph, given, directions, row):
    if row.name in HELD:
        return np.zeros_like(evaluate(graph, given, STEPS, ROWS).outputs["y"])
    ends = []
    for sign in (1, -1):
        moved = {k: v + sign * STEP * directions[k] if k in directions else v
                 for k, v in given.items()}  # fmt: skip
        ends.append(evaluate(graph, moved, STEPS, ROWS).outputs["y"])
    return (ends[0] - ends[1]) / (2 * STEP)


# --- meanings ------------------------------------------------------------------------------

OTHERWISE = {
    "sigmoid": lambda x: 0.5 + 0.5 * math.tanh(x / 2),
    "rsqrt": lambda x: x**-0.5,
    "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
    "relu": lambda x: max(x, 0.0),
    "maximum": max,
    "minimum": min,
    "where": lambda p, a, b: a if p else b,
    "stop_gradient": lambda x: x,
    "spread": lambda x: x,
    "and_": lambda a, b: bool(a and b),
    "or_": lambda a, b: bool(a or b),
    "not_": operator.not_,
    "abs": abs,
    "neg": operator.neg,
}
SYMBOLS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
           "**": operator.pow, "%": operator.mod, "<": operator.lt, "<=": operator.le,
           ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}  # fmt: skip


def in_python(row):
    """The same function from Python's own operators and math module, where it has one."""
    return OTHERWISE.get(row.name) or SYMBOLS.get(row.symbol) or getattr(math, row.name, None)


@pytest.mark.parametrize("row", ELEMENTWISE, ids=lambda row: row.name)
def test_meaning_is_that_of_python(row):
    expected = in_python(row)
    if expected is None:
        pytest.skip("Python has no such function")
    rng = np.random.default_rng(2)
    domain = row.domain or ((-2.0, 2.0),) * row.arity
    points = np.array([rng.uniform(low, high, 50) for low, high in domain])
    points[:, :2] = np.clip([[0.0, 1.0]] * row.arity, *np.array(domain).T[:, :, None])
    found = row.reference(*points, **ATTRIBUTES.get(row.name, {}))
    wanted = [expected(*map(float, at)) for at in points.T]
    assert_close(found, np.array(wanted, float), "parity", what=row.name)


@pytest.mark.parametrize("row", ELEMENTWISE, ids=lambda row: row.name)
def test_meaning_keeps_single_precision(row):
    values = [np.full((3,), 0.5, np.float32)] * row.arity
    found = np.asarray(row.reference(*values, **ATTRIBUTES.get(row.name, {})))
    dtype = row.dtype(["real"] * row.arity) if row.dtype else "real"
    assert found.dtype == {"real": np.float32, "bool": np.bool_}[dtype]


def test_sigmoid_does_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        assert OPS["sigmoid"].reference(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


# --- the table -----------------------------------------------------------------------------


@pytest.mark.parametrize("row", OPS.values(), ids=lambda row: row.name)
def test_rows_are_complete(row):
    assert row.doc and row.kind in ("leaf", "elementwise", "structural")
    if row.elementwise:
        assert row.reference and row.emit and len(row.derivative) == row.arity
        assert not row.domain or len(row.domain) == row.arity
    if row.kind == "structural" and row.vjp:
        assert row.jvp or row.linear


def test_a_name_may_occur_once():
    with pytest.raises(ValueError, match="two rows named 'tanh'"):
        table([OPS["tanh"]], [OPS["tanh"]])


WRONG = {
    "add": ([(2,), (3,)], {}), "matmul": ([(2, 3), (2,)], {}), "outer": ([(2, 3), (2,)], {}),
    "transpose": ([(2,)], {}), "reshape": ([(6,)], {"shape": (4,)}),
    "expand": ([(3,)], {"shape": (2, 4), "axes": (1,)}),
    "slice": ([(3,)], {"axis": 0, "start": 1, "stop": 4}),
    "concat": ([(2, 3), (2, 4)], {"axis": 0}), "sum": ([(2,)], {"axis": 1}),
    "gather": ([(), ()], {}), "scatter": ([(2,), (2,)], {"size": 3}),
    "product": ([(2, 3), (3,), (4, 3), (3,)], {"start": False}),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_shapes_are_refused_with_the_operands_to_blame(name):
    operands, attributes = WRONG[name]
    graph = Graph()
    nodes = [graph.input(f"x{i}", shape) for i, shape in enumerate(operands)]
    with pytest.raises(ShapeError) as caught:
        graph.apply(name, *nodes, **attributes)
    assert caught.value.message and caught.value.operands
    assert max(caught.value.operands) < len(operands)
