"""Tree to graph: what the equations mean, and that nothing but CellError ever comes out."""

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnngraph.check import check
from rnngraph.graph import Init
from rnngraph.ops import OPS
from rnngraph.sizes import Size
from rnngraph.source import CellError, Source
from rnngraph.syntax import parse

H, I = Size.symbol("H"), Size.symbol("I")  # noqa: E741
HEAD = "cell X\ninput x[I]\nstate h[H]\nparam W[H, I], U[H, H]\n"


def graph(text, sizes=None, consts=None):
    return check(parse(Source(text, "x.cell")), sizes, consts)


def gate(text, head=HEAD, name="f", **given):
    """The node of gate f in a cell that has little else."""
    return graph(f"{head}{text}\nh' = h\n", **given).names[name].node


def value(text, leaves, head="cell X\nstate h[H]\n", **given):
    """The value of gate f for one batch row, by the reference meaning of every op."""
    node = gate(text, head, sizes={"H": len(leaves["h"])}, **given)
    known = {}
    for n in node.graph.reachable([node]):
        if n.op == "constant":
            known[n.id] = np.full((1, *n.shape), n.attrs["value"])
        elif "name" in n.attrs:
            known[n.id] = np.asarray(leaves[n.attrs["name"]])[None]
        else:
            known[n.id] = OPS[n.op].reference(*(known[x.id] for x in n.operands), **n.attrs)
    return known[node.id][0]


# --- declarations --------------------------------------------------------------------------


def test_interface():
    g = graph(
        "cell Y\ninput x[I], t: int\ncontext v[C]\nstate h[H] = 1, S[K, H], n[]\n"
        "param s_0[H] ~ normal(0.5)\nstate s[H] = s_0\n"
        "h' = h\nS' = S\nn' = n\ns' = s\noutput y = x\noutput h', S\n"
    )
    assert g.title == "Y"
    assert [(k, n.shape, n.dtype) for k, n in g.inputs.items()] == [
        ("x", (I,), "real"),
        ("t", (), "int"),
    ]
    assert list(g.contexts) == ["v"] and list(g.params) == ["s_0"]
    assert g.inits["s_0"] == Init("normal", (0.5,))
    assert {k: s.init for k, s in g.states.items()} == {"h": 1.0, "S": 0.0, "n": 0.0, "s": "s_0"}
    assert list(g.outputs) == ["y", "h", "S"]
    assert g.outputs["S"] is g.states["S"].leaf


def test_shapes_and_inits_hold_for_the_names_before_them():
    g = graph(
        "cell X\nstate h[H]\nparam A, B [H, H] ~ orthogonal\nparam a[H] = 1, b, c[H] = 2\nh' = h\n"
    )
    assert g.params["A"].shape == g.params["B"].shape == (H, H)
    assert [i.args for i in g.inits.values()] == [(), (), (1.0,), (2.0,), (2.0,)]


def test_default_initialisers():
    g = graph("cell X\nstate h[H]\nparam A[H, H], b[H], s[]\nh' = h\n")
    assert [str(i) for i in g.inits.values()] == ["~ glorot_uniform", "= 0", "= 0"]


def test_arguments_of_initialisers():
    text = (
        "cell X\nstate h[H]\nconst k = 2\nh' = h\nparam A[H, H] ~ uniform(k/sqrt(H)), b[H] = 1/H\n"
    )
    assert str(graph(text).inits["A"]) == "~ uniform(k/sqrt(H))"
    assert str(graph(text).inits["b"]) == "= 1/H"
    assert graph(text, {"H": 4}).inits == {
        "A": Init("uniform", (1.0,)),
        "b": Init("constant", (0.25,)),
    }


def test_constants():
    text = HEAD + "const dt = 0.1, n = 3, m = n*2 + 1, e = exp(0)\nf = zeros(m) + dt\nh' = h\n"
    assert graph(text).names["f"].node.shape == (7,)
    assert graph(text, consts={"n": 1}).names["f"].node.shape == (3,)
    node = graph(text, consts={"dt": 1}).names["f"].node
    assert node.operands[1].attrs["value"] == 1.0


def test_names_labels_and_order():
    g = graph(HEAD + 'b = a  "second"\na = W @ x\nh\' = b + U @ h  "state"\n')
    assert [(k, n.label) for k, n in g.names.items()] == [("b", "second"), ("a", "")]
    assert g.states["h"].label == "state"


# --- inference -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("param V, b\nf = sigmoid(V @ [h, x] + b)\ng = f * h", {"V": (H, H + I), "b": (H,)}),
        ("param b, V\nf = b + V @ x\ng = f + h", {"b": (H,), "V": (H, I)}),
        ("param a, b\nf = a + b\ng = f * h", {"a": (H,), "b": (H,)}),
        ("param V, Q\nf = V @ tanh(Q @ x + h)\ng = f + x", {"V": (I, H), "Q": (H, I)}),
        ("param q\nf = outer(h, q) @ x", {"q": (I,)}),
        ("param A\nf = (A - A.T) @ h", {"A": (H, H)}),
        (
            "param E\ninput t: int\nf = E[t]\ng = f + h\nstate s[3, I]\ns' = s + E[:, 0:I]",
            {"E": (3, H)},
        ),
        ("param V\nf = layer_norm(U @ h, V)", {"V": (H,)}),
        ("param V\na, f = split(V @ x, 2)\ng = f + h", {"V": (2 * H, I)}),
        ("param V\na, f = split(V @ x, [I, H])", {"V": (H + I, I)}),
        ("param V\nf = x @ V\ng = f + h", {"V": (I, H)}),
        ("param V\nf = reshape(V @ x, [2, H//2])", {"V": (H, I)}),
        ("param h_0\nstate s[I] = h_0\ns' = s\nf = h", {"h_0": (I,)}),
        ("fn lin(v) = V @ v\nparam V\nf = lin(x) + h", {"V": (H, I)}),
        ("param V\nf = where(h > V, h, V)", {"V": (H,)}),
        ("param R[2, H, H], V\nr = h\nrepeat l in 0..2:\n  r = R[l] @ r + V\nf = r", {"V": (H,)}),
    ],
)
def test_shapes_left_out(text, shapes):
    g = graph(f"{HEAD}{text}\nh' = h\n")
    assert {name: g.params[name].shape for name in shapes} == shapes
    bound = graph(f"{HEAD}{text}\nh' = h\n", sizes={"H": 4, "I": 3})
    assert all(type(d) is int for name in shapes for d in bound.params[name].shape)


# --- expressions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("f = [h, x]", (H + I,)),
        ("f = [h, sum(x), 1]", (H + 2,)),
        ("f = concat(U, W, axis=1)", (H, H + I)),
        ("f = W.T", (I, H)),
        ("f = h @ W", (I,)),
        ("f = x @ x", ()),
        ("f = U @ W", (H, I)),
        ("f = sum(W)", (H,)),
        ("f = sum(W, axis=0)", (I,)),
        ("f = max(W, axis=-1)", (H,)),
        ("f = W + x", (H, I)),
        ("f = 2 * W - sum(x)", (H, I)),
        ("f = W[0]", (I,)),
        ("f = W[0:2, 1]", (2,)),
        ("f = x[1:]", (I - 1,)),
        ("f = x[:-1]", (I - 1,)),
        ("f = x[-1]", ()),
        ("f = eye(H) + U", (H, H)),
        ("f = zeros(2, I) + ones([2, I])", (2, I)),
        ("f = reshape(W, [I, H])", (I, H)),
        ("f = expand(x, W, axis=0)", (H, I)),
        ("f = softmax(W)", (H, I)),
        ("f = logsumexp(W)", (H,)),
        ("f = h * size(x)", (H,)),
        ("f = prev(x, 3)", (I,)),
        ("f = outer(h, x)", (H, I)),
        ("const heads = 2\nf = reshape(h, [heads, H//heads])", (2, H // 2)),
    ],
)
def test_shapes(text, shape):
    assert gate(text).shape == shape
    bound = gate(text, sizes={"H": 6, "I": 5}).shape
    assert bound == tuple(d.bind({"H": 6, "I": 5}) if isinstance(d, Size) else d for d in shape)


def test_lookup():
    g = gate("f = E[t]", HEAD + "input t: int\nparam E[V, H]\n")
    assert (g.op, g.shape) == ("gather", (H,))


def test_static_numbers_are_folded():
    node = gate("f = h * (2 * 3 - 4 / 8 + 2**3 % 3 + sqrt(16))")
    assert node.operands[1].attrs["value"] == 2 * 3 - 4 / 8 + 2**3 % 3 + 4
    assert gate("f = h / sqrt(H)", sizes={"H": 4, "I": 1}).operands[1].attrs["value"] == 2.0


def test_scalars_are_not_repeated_beside_vectors():
    ops = {n.op for n in graph(HEAD + "h' = softmax(U @ h)\n")}
    assert "expand" not in ops


def test_user_functions_come_before_the_prelude():
    assert gate("fn softsign(v) = v * 7\nf = softsign(h)").op == "mul"


def test_functions_see_the_cell():
    assert gate("fn lin(v, k=2) = k * (W @ v) + g\ng = h\nf = lin(x)").shape == (H,)


def test_a_delay_is_a_chain_of_states():
    g = graph(HEAD + "h' = W @ prev(x, 2) + U @ prev(h)\n")
    assert list(g.states) == ["h", "prev_x_1", "prev_x_2", "prev_h_1"]
    assert g.states["prev_x_2"].next is g.states["prev_x_1"].leaf
    assert g.states["prev_h_1"].next is g.states["h"].leaf


def test_a_long_delay_is_one_state():
    g = graph(HEAD + "h' = W @ prev(x, 20) + U @ prev(f, 20)\nf = U @ h\n")
    assert {n: s.leaf.shape for n, s in g.states.items()} == {
        "h": (H,), "prev_x_20": (20, I), "prev_f_20": (20, H),
    }  # fmt: skip
    line = g.states["prev_f_20"]
    others, newest = line.next.operands
    assert (others.op, others.operands) == ("slice", (line.leaf,))
    assert newest.operands == (g.names["f"].node,)


def test_a_function_looks_back_at_what_it_is_given():
    head = HEAD + "fn smooth(v, d=1) = v + prev(v, d)\nfn twice(u) = smooth(u) + smooth(u, d=2)\n"
    g = graph(head + "f = twice(x)\nk = U @ h\nh' = W @ f + smooth(k)\n")
    assert list(g.states) == ["h", "prev_x_1", "prev_x_2", "prev_k_1"]
    assert graph(HEAD + "fn before() = prev(x)\nh' = W @ before()\n").states.keys() == {
        "h", "prev_x_1",
    }  # fmt: skip


def test_repeat():
    head = "cell X\nstate h[H]\nconst n = 3\n"
    text = "r = h\nrepeat l in 0..n:\n    q = r * 2\n    r = q + l\nf = r + q"
    assert value(text, {"h": [1.0]}, head)[0] == (((1 * 2) * 2 + 1) * 2 + 2) + (2 * (2 * 2 + 1))
    assert value("r = h\nrepeat l in 0..n:\n  r = r * 2\nf = r", {"h": [1.0]}, head,
                 consts={"n": 0})[0] == 1.0  # fmt: skip


# --- the prelude ---------------------------------------------------------------------------

V = np.array([-40.0, -3.0, -1.0, 0.0, 0.5, 2.0, 30.0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("softplus(h)", np.logaddexp(V, 0)),
        ("log_sigmoid(h)", -np.logaddexp(-V, 0)),
        ("silu(h)", V / (1 + np.exp(-V))),
        ("swish(h)", V / (1 + np.exp(-V))),
        ("softsign(h)", V / (1 + np.abs(V))),
        ("elu(h)", np.where(V > 0, V, np.expm1(V))),
        ("leaky_relu(h)", np.where(V > 0, V, 0.01 * V)),
        ("leaky_relu(h, 0.2)", np.where(V > 0, V, 0.2 * V)),
        ("hard_sigmoid(h)", np.clip(V / 6 + 0.5, 0, 1)),
        ("hard_tanh(h)", np.clip(V, -1, 1)),
        ("clip(h, -2, 1)", np.clip(V, -2, 1)),
        ("gelu(h)", 0.5 * V * (1 + np.tanh(np.sqrt(2 / np.pi) * (V + 0.044715 * V**3)))),
        ("mean(h)", V.mean()),
        ("var(h)", V.var()),
        ("norm(h)", np.linalg.norm(V)),
        ("dot(h, h)", V @ V),
        ("softmax(h)", np.exp(V - 30) / np.exp(V - 30).sum()),
        ("log_softmax(h)", V - 30 - np.log(np.exp(V - 30).sum())),
        ("logsumexp(h)", 30 + np.log(np.exp(V - 30).sum())),
        ("layer_norm(h, 2, 1)", (V - V.mean()) / np.sqrt(V.var() + 1e-5) * 2 + 1),
        ("rms_norm(h, 3)", V / np.sqrt((V**2).mean() + 1e-5) * 3),
        ("identity(h)", V),
    ],
)
def test_prelude(text, expected):
    np.testing.assert_allclose(value(f"f = {text}", {"h": V}), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["softplus", "log_sigmoid", "silu", "elu", "softsign", "gelu"])
def test_prelude_does_not_overflow(name):
    with np.errstate(over="raise", invalid="raise"):
        found = value(f"f = {name}(h)", {"h": np.array([-1e4, 1e4])})
    assert np.isfinite(found).all()


def test_prelude_reductions_do_not_overflow():
    far = np.array([1e4, 0.0, -1e4])
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_allclose(value("f = softmax(h)", {"h": far}), [1, 0, 0])
        np.testing.assert_allclose(value("f = logsumexp(h)", {"h": far}), 1e4)


def test_cross_entropy():
    found = value("f = cross_entropy(h, t)", {"h": V, "t": 1},
                  "cell X\ninput t: int\nstate h[H]\n")  # fmt: skip
    np.testing.assert_allclose(found, 30 + np.log(np.exp(V - 30).sum()) - V[1])


# --- mistakes ------------------------------------------------------------------------------


def test_mistakes_of_reading_and_of_checking_come_together():
    tree = parse(Source(HEAD + "f = W @ h\ng = tanh(U @ h\nh' = f + q\n"), partial=True)
    with pytest.raises(CellError) as caught:
        check(tree)
    assert [d.message for d in caught.value.diagnostics] == [
        "sizes do not match in '@'",
        "'(' is never closed",
        "'q' is not defined",
    ]


@pytest.mark.parametrize(
    ("sizes", "consts", "message"),
    [
        ({"H": 1}, None, "size 'I' is not given"),
        ({"H": 1, "I": 1, "HH": 2}, None, "no size 'HH'; did you mean 'H'"),
        ({"H": True, "I": 1}, None, "given as True"),
        ({"H": 10**12, "I": 1}, None, "at most"),
        ({"H": "3", "I": 1}, None, "given as '3'"),
        (None, {"k": 1}, "no constant 'k'"),
    ],
)
def test_given_sizes_and_constants(sizes, consts, message):
    with pytest.raises(CellError, match=message):
        graph(HEAD + "h' = h\n", sizes, consts)
    assert graph(HEAD + "h' = h\n", {"H": np.int64(2), "I": 1})


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"a{i} = a{i + 1}\n" for i in range(9000)) + "a9000 = h\nh' = a0",
        "".join(f"a{i} = a{(i + 1) % 9000}\n" for i in range(9000)) + "h' = a0",
        "".join(f"a{i} = b{i}\n" for i in range(9000)) + "h' = a0",
        "".join(f"fn f{i}(v) = f{i + 1}(v)\n" for i in range(500)) + "fn f500(v) = v\nh' = f0(h)",
        "".join(f"const c{i} = c{i + 1} * 10\n" for i in range(400)) + "const c400 = 1\nh' = h",
        "h' = h" + " + W @ x" * 90 + " * zeros(H, H)[0]" * 5,
        "param " + ", ".join(f"p{i}" for i in range(2000)) + "[H]\nh' = " + "p0",
        "f = " + "tanh(" * 60 + "h" + ")" * 60 + "\nh' = softmax(layer_norm(f))",
        "f = h" + "[0:H]" * 90 + "\nh' = f",
        f"fn g(v) = {'tanh(' * 60}v{')' * 60}\nf = {'g(' * 60}h{')' * 60}\nh' = f",
    ],
    ids=["chain", "cycle", "unknowns", "calls", "consts", "sum", "params", "deep", "slices", "fns"],
)  # fmt: skip
def test_large_cells_take_bounded_time(text):
    start = time.perf_counter()
    try:
        graph(HEAD + text)
    except CellError as error:
        assert len(str(error)) < 40_000
    assert time.perf_counter() - start < 10


PIECES = (
    "h", "x", "W", "U", "E", "t", "f", "g", "p", "S", "v", "k", "n", "h'", "S'", "H", "I", "K", "0",
    "1", "2", "-3", "0.5", "1e300", "eye(H)", "zeros(K)", "(h > 0)", "[h, x]", "x[0:1]", "W[0]",
    "E[t]", "W.T", "split(h, 2)", "prev(x)", "zzz",
)  # fmt: skip
OPERATORS = ("+", "-", "*", "/", "//", "%", "@", "**", "<", "==", "and", "or")
CALLS = (
    "tanh", "sum", "max", "min", "softmax", "layer_norm", "mean", "outer", "transpose", "reshape",
    "where", "concat", "size", "expand", "split", "cross_entropy", "stop_gradient", "eye", "ones",
    "prev", "own", "norm", "not", "-", "log", "nope",
)  # fmt: skip
expressions = st.recursive(
    st.sampled_from(PIECES),
    lambda e: (
        st.tuples(e, st.sampled_from(OPERATORS), e).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | st.tuples(st.sampled_from(CALLS), st.lists(e, max_size=3)).map(
            lambda t: f"{t[0]}({', '.join(t[1])})"
        )
        | st.tuples(e, e).map(lambda t: f"{t[0]}[{t[1]}]")
        | st.lists(e, max_size=3).map(lambda t: f"[{', '.join(t)}]")
    ),
    max_leaves=6,
)
targets = st.sampled_from(["f", "g", "p", "h'", "S'", "a, b", "f", "g", "h", "x"])
lines = st.tuples(targets, expressions).map(lambda t: f"{t[0]} = {t[1]}") | st.one_of(
    expressions.map(lambda e: f"param P[{e}]"),
    expressions.map(lambda e: f"param Q ~ uniform({e})"),
    expressions.map(lambda e: f"const c = {e}"),
    expressions.map(lambda e: f"output y = {e}"),
    expressions.map(lambda e: f"fn own(a, b=1) = {e}"),
    expressions.map(lambda e: f"state s[2] = {e}"),
    expressions.map(lambda e: f"repeat l in 0..2:\n    g = {e}\n    r = g"),
    st.sampled_from(["param V", "output h'", "output f, g", "noise m ~ b(1) each step", "s' = s"]),
)
FUZZ = (
    "cell X\ninput x[I], t: int\nstate h[H], S[K, H]\nparam W[H, I], U[H, H], E[K, H]\n"
    "param v\nconst k = 2, n = 0.5\n"
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(lines, max_size=6), st.none() | st.integers(0, 6))
def test_any_cell_gives_a_graph_or_reports(body, size):
    sizes = None if size is None else {"H": size, "I": 3, "K": 2}
    try:
        tree = parse(Source(FUZZ + "\n".join(body) + "\n"), partial=True)
        g = check(tree, sizes)
    except CellError as error:
        assert error.diagnostics and str(error)
    else:
        assert g.outputs and all(s.next is not None for s in g.states.values())
