"""Cells that between them meet every way in which a graph can be put together.

The library's cells (cells/*.cell) are added to them. Most are written in the language; what it
cannot say (states that run back in time, outputs that vary less) is built by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from rnngraph.check import check
from rnngraph.graph import Graph, Varies
from rnngraph.passes.wire import wire
from rnngraph.source import Source
from rnngraph.syntax import parse

LIBRARY = Path(__file__).parent.parent / "cells"
SIZES = {"H": 4, "I": 3, "K": 2, "V": 5, "C": 3}
VOCABULARY = 2  # integer inputs are drawn below this, and below every size

TEXTS = """
cell JoinedLSTM
input x[I]
state h[H], c[H]
param W_f, W_u, W_o, W_g [H, H+I]
param b_f, b_u, b_o, b_g [H]
f = sigmoid(W_f @ [h, x] + b_f)
u = sigmoid(W_u @ [h, x] + b_u)
o = sigmoid(W_o @ [h, x] + b_o)
g = tanh(W_g @ [h, x] + b_g)
c' = f * c + u * g
h' = o * tanh(c')

cell StackedWeightsLSTM
input x[I]
state h[H], c[H]
param W[4*H, I], R[4*H, H], b[4*H]
i, f, g, o = split(W @ x + R @ h + b, 4)
c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
h' = sigmoid(o) * tanh(c')

cell ResetBeforeGRU
input x[I]
state h[H]
param W_r, W_z, W_n [H, I+H]
r = sigmoid(W_r @ [x, h])
z = sigmoid(W_z @ [x, h])
n = tanh(W_n @ [x, r * h])
h' = (1 - z) * n + z * h

cell ResetAfterGRU
input x[I]
state h[H]
param W[3*H, I], R[3*H, H], b[3*H], b_n[H]
xr, xz, xn = split(W @ x + b, 3)
hr, hz, hn = split(R @ h, 3)
r = sigmoid(xr + hr)
z = sigmoid(xz + hz)
h' = (1 - z) * tanh(xn + r * (hn + b_n)) + z * h

cell PeepholeLSTM
input x[I]
state h[H], c[H]
param W_f, W_u, W_o, W_g [H, H+I]
param p_f, p_u, p_o [H]
f = sigmoid(W_f @ [h, x] + p_f * c)
u = sigmoid(W_u @ [h, x] + p_u * c)
c' = f * c + u * tanh(W_g @ [h, x])
o = sigmoid(W_o @ [h, x] + p_o * c')
h' = o * tanh(c')

cell LayerNormLSTM
input x[I]
state h[H], c[H]
param W[4*H, I], R[4*H, H], gain[4*H], shift[4*H], cgain[H]
i, f, g, o = split(layer_norm(W @ x) + layer_norm(R @ h, gain, shift), 4)
c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
h' = sigmoid(o) * tanh(layer_norm(c', cgain))

cell DelayLine
input x[I]
state xp[I]
param W[H, I]
xp' = x
output y = W @ xp + sum(x)
output before = xp

cell LongDelay
input x[I]
state a[I], b[I], h[I]
a' = x
b' = a
h' = tanh(0.5 * h + b)
output h'

cell FastWeights
input x[I]
state S[K, H]
param W_k[K, I], W_v[H, I], W_q[H, I]
k = W_k @ x
v = W_v @ x
S' = 0.9 * S + outer(k, v)
output y = S' @ (W_q @ x)
output z = transpose(S) @ k

cell DeltaRule
input x[I]
state S[H, K]
param W_k[K, I], W_v[H, I], b[]
k = softmax(W_k @ x)
beta = sigmoid(b)
S' = S + outer(beta * (W_v @ x - S @ k), k)
output y = S' @ k

cell MatrixProducts
input x[I]
state S[K, K]
param A[K, K], B[K, I]
S' = tanh(A @ S @ transpose(A) + outer(B @ x, B @ x))
output S'

cell OutputNotState
input x[I]
state h[H]
param W[H, H+I], V[K, H], c[K]
h' = tanh(W @ [h, x])
output y = V @ h' + c
output p = softmax(V @ h')

cell SharedNext
input x[H]
state a[H], b[H]
param W[H, H], R[H, H]
n = tanh(W @ a + R @ b + x)
a' = n
b' = n
output n

cell SharedNextLater
input x[H]
state a[H], b[H]
param W[H, H], R[H, H]
n = tanh(W @ a + x)
a' = n
b' = n
output y = R @ b

cell Context
input x[I]
context v[C]
state h[H]
param W[H, H+I], U[H, C], s[H]
gate = sigmoid(U @ v)
h' = tanh(W @ [h, x] + gate * s) * exp(-v[0])
output h'

cell JoinedContext
input x[I]
context v[C]
state h[H]
param W[H, H+C+I+C], t[C]
h' = tanh(W @ [h, tanh(v), x, exp(t)])
output z = [h', tanh(v) * t, x]

cell Scalars
input a[], b[]
state s[] = 1
param w[], r[]
s' = tanh(w * s + r * a) * b
output y = s' + a

cell ScalarGate
input x[H]
input gap[]
state h[H]
param w[H], k[], W[H, H]
g = exp(-k * gap) * sigmoid(sum(w * h))
h' = g * h + (1 - g) * tanh(W @ h + x)

cell LearnedStart
input x[I]
state h[H] = h0
param h0[H], W[H, H+I]
h' = tanh(W @ [h, x])

cell LanguageModel
input token: int
input target: int
state h[H]
param E[V, I], W[H, H+I], W_y[V, H], b_y[V]
x = E[token]
h' = tanh(W @ [h, x])
output logits = W_y @ h' + b_y
output loss = cross_entropy(logits, target)

cell TiedModel
input token: int
input target: int
state h[H]
param E[V, H], R[H, H]
h' = tanh(R @ h + E[token])
output loss = cross_entropy(E @ h', target)

cell ChosenRow
input x[I]
input which: int
context M[K, H]
state h[H]
param W[K, I], B[K, H, H]
h' = tanh(M[which] + B[which] @ h + (W @ x)[which])

cell RowOfRow
input x[K]
input a: int
input b: int
state h[K]
param E[V, H, K]
h' = tanh(h + E[a][b] * x)

cell LowRank
input x[I]
state h[H]
param Q[H, K], P[K, H], W[H, I]
h' = tanh(Q @ P @ h + W @ x)
output y = (Q @ P) @ h'

cell Antisymmetric
input x[H]
state h[H]
param U[H, H], gamma[]
A = U - transpose(U) - gamma * eye(H)
h' = h + 0.1 * tanh(A @ h + x)

cell SharedWeights
input x[H]
state h[H], k[H]
param W[H, H]
h' = tanh(W @ h + W @ x)
k' = tanh(W @ k + transpose(W) @ h')
output h'
output k'

cell SoftmaxGates
input x[I]
state h[H]
param W[3, H+I], U[H, H+I]
p = softmax(W @ [h, x])
h' = p[0] * h + p[1] * tanh(U @ [h, x]) + p[2]

cell Extremes
input x[H]
state h[H]
param W[H, H]
z = W @ h + x
h' = tanh(z - max(z)) + 0.1 * min(h) + max(z, 0.1) * min(z, 0.4)
output h'
output n = sqrt(sum(h' ** 2) + 0.1)

cell TwoLayers
input x[I]
state h[H], k[H]
param W[H, H+I], R[H, H], Z[K, H]
h' = tanh(W @ [h, x])
k' = sigmoid(R @ h' + 0.3 * k)
output y = Z @ k'

cell TwoMixedLayers
input x[I]
state h[H], c[H], k[K]
param W[2*H, H+I], R[K, H], Q[K, K]
a, b = split(W @ [h, x], 2)
c' = sigmoid(a) * c + b
h' = tanh(c')
k' = tanh(R @ h' + Q @ k)
output h'
output k'

cell Conditions
input x[H]
input reset[]
state h[H]
param W[H, H]
n = tanh(W @ h + x)
h' = where(reset > 0.5, n, where(n > h and h < 0.3 or not x > 0, 0.5 * h, n * abs(x)))

cell Heads
input x[2*K]
state h[2*K]
param R[2, K, K], W[2*K, 2*K]
heads = reshape(h, [2, K])
mix = softmax(heads) * reshape(x, [2, K])
h' = tanh(W @ x + reshape(mix, [2*K]) + reshape(transpose(mix), [2*K]))

cell MinGRU
input x[I]
state h[H]
param W[2*H, I], b[2*H]
z, n = split(W @ x + b, 2)
h' = (1 - sigmoid(z)) * h + sigmoid(z) * n

cell IndRNN
input x[I]
state h[H]
param W[H, I], u[H]
h' = relu(W @ x + u * h)

cell ConstantOutput
input x[I]
state h[I]
param b[I]
h' = 0.5 * h + x
output one = zeros(2) + 2
output bias = b
output half = 0.5 * sigmoid(b)
output h'

cell Echo
input x[I]
state h[I]
h' = tanh(h) + x
output y = x
output old = h
output part = x[1:]

cell Accumulators
input x[I]
state n, mean[I], square[I]
n' = n + 1
d = x - mean
mean' = mean + d / n'
square' = square + d * (x - mean')
output y = d / sqrt(abs(square') / (abs(n') + 1) + 0.5)

cell NestedJoins
input x[I]
state h[2*I+H+1], k[H]
param W[I, 2*I+H+1], R[H, I]
a = tanh(W @ h)
inner = [a * x, R @ a, x]
h' = [0.5 + sum(x) * ones(1), inner]
k' = inner[I:I+H] + 0.1 * k
output y = [inner, k']

cell JoinedMatrices
input x[I]
state S[2, H+I]
param W[H, H+I]
top = tanh(W @ (S[0] + S[1]))
S' = concat(reshape([top, x], [1, H+I]), 0.5 * S[0:1], axis=0)
output y = reshape(transpose(S'), [2*(H+I)])
output z = sum(S', axis=0) * max(S', axis=0)

cell Residual
input x[H]
state h[H], m[H]
param W[H, H], u[H]
h' = x + tanh(W @ norm_in(h) + x)
m' = u * m + h'
fn norm_in(v) = rms_norm(v)
output y = m' - x

cell Projection
input x[I]
state h[K], c[H]
param W[4*H, K+I], P[K, H]
i, f, g, o = split(W @ [h, x], 4)
c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
h' = P @ (sigmoid(o) * tanh(c'))

cell Attention
input x[I]
context M[H, K]
state h[K]
param W[K, K+I]
score = softmax(M @ h)
read = transpose(M) @ score
h' = tanh(W @ [read, x])

cell Feedforward
input x[I]
param W[H, I], b[H]
output y = tanh(W @ x + b)
output m = max(W @ x)

cell Truncated
input x[I]
state h[H]
param W[H, H], U[H, I]
h' = tanh(W @ stop_gradient(h) + U @ x) + 0.5 * h
"""

ELEMENTWISE_TOUR = """
cell Tour
input x[I]
state h[I]
param p[I]
a = 0.2 + sigmoid(p + x)
b = log(a) + sqrt(a) + log1p(a) - expm1(-a)
h' = sin(b * h) + cos(x) * 0.3 + a ** b - abs(h - 0.2) + exp(-a) / (1 + h ** 2)
output y = -h' % 0.7
"""


def from_text(text: str) -> Graph:
    """The graph of a cell with the sizes of the tests that it uses."""
    tree = parse(Source(text, "test.cell"))
    return check(tree, sizes={name: SIZES.get(name, 2) for name in _size_names(text)})


def _size_names(text: str) -> set[str]:
    """Sizes are the capitalised names inside the brackets of declarations."""
    lines = [s for s in text.splitlines() if s.startswith(("input", "context", "state", "param"))]
    inside = " ".join(part.split("]")[0] for line in lines for part in line.split("[")[1:])
    return set(re.findall(r"\b[A-Z]\w*", inside))


def bidirectional() -> Graph:
    """One state runs forward, one backward, and the output needs both."""
    g = Graph("Bidirectional")
    x = g.input("x", (3,))
    for name, delay in (("f", 1), ("b", -1)):
        state = g.state(name, (4,), delay=delay)
        W, R = g.param(f"W_{name}", (4, 3)), g.param(f"R_{name}", (4, 4))
        g.advance(name, g.apply("tanh", W @ x + R @ state))
    both = g.apply("concat", g.states["f"].next, g.states["b"].next, axis=0)
    g.output("y", g.param("V", (2, 8)) @ both)
    g.output("before", g.states["b"].leaf)
    return g


def two_way_stack() -> Graph:
    """A forward layer on the output of a bidirectional one."""
    upper = Graph("Upper")
    x, h = upper.input("z", (2,)), upper.state("h", (3,))
    upper.advance("h", upper.apply("tanh", upper.param("U", (3, 2)) @ x + 0.5 * h))
    upper.output("top", upper.states["h"].next)
    return wire([bidirectional(), upper], {"z": "y"}, title="TwoWayStack", outputs=["top", "y"])


def varying_outputs() -> Graph:
    """Outputs of every rate, totals to rows and to one, and totals joined with other values."""
    g = Graph("Totals")
    x, v, w = g.input("x", (3,)), g.context("v", (3,)), g.param("w", (3,))
    h = g.state("h", (3,))
    new = g.apply("tanh", 0.5 * h + x * v)
    g.advance("h", new)
    rows = g.apply("total", new * w, to=v.varies)
    once = g.apply("total", g.apply("exp", new), to=w.varies)
    g.output("rows", rows * v)
    g.output("once", once)
    g.output("scaled", g.apply("tanh", once * w))
    g.output("joined", g.apply("concat", once, w, g.apply("total", v, to=w.varies), axis=0))
    g.output("spread", new * rows + once)
    tail = g.apply("slice", g.apply("concat", new, w, axis=0), axis=0, start=3, stop=6)
    g.output("many", g.apply("total", tail, to=w.varies))  # w, as often as there are steps
    return g


def total_alone() -> Graph:
    """A sum over all steps and rows that every step reads."""
    g = Graph("Mean")
    x = g.input("x", (3,))
    g.output("y", g.apply("total", x, to=Varies.ONCE) * x)
    return g


def stateless_names() -> Graph:
    """An output called as an input, a state that nothing reads, and one value under two names."""
    g = Graph("Names")
    x = g.input("x", (3,))
    h = g.state("h", (3,))
    g.state("unread", (3,))
    g.advance("h", h + x)
    g.advance("unread", x * 2.0)
    g.output("x", x)
    g.output("h", g.states["h"].next)
    g.output("again", g.states["h"].next)
    return g


def _by_title() -> dict[str, Callable[[], Graph]]:
    made: dict[str, Callable[[], Graph]] = {}
    for text in ("\n" + TEXTS).split("\ncell ")[1:]:
        made[text.split()[0]] = lambda text=text: from_text("cell " + text)
    made["Tour"] = lambda: from_text(ELEMENTWISE_TOUR)
    for build in (bidirectional, two_way_stack, varying_outputs, total_alone, stateless_names):
        made[build.__name__] = build
    for path in sorted(LIBRARY.glob("*.cell")):
        made[path.name] = lambda path=path: from_library(path)
    return made


def from_library(path: Path) -> Graph:
    """A cell of the library at sizes small enough to evaluate slowly."""
    return from_text(path.read_text(encoding="utf-8"))


CELLS = _by_title()
SMOOTH_AT = {"Conditions", "Extremes", "Tour", "IndRNN"}  # kinks: points are drawn away from them


@cache
def cell(title: str) -> Graph:
    """A graph by its key in CELLS, built once."""
    return CELLS[title]()


def draw(graph: Graph, steps: int, rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Values for inputs, contexts and params, in that order of leading axes."""
    rng = np.random.default_rng(seed)
    values = {}
    lead = {"inputs": (steps, rows), "contexts": (rows,), "params": ()}
    for kind, axes in lead.items():
        for name, node in getattr(graph, kind).items():
            shape = (*axes, *node.shape)
            if node.dtype == "int":
                values[name] = rng.integers(0, VOCABULARY, shape)
            else:
                values[name] = 0.7 * rng.normal(size=shape)
    return values


def draw_states(graph: Graph, rows: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Initial values of all states."""
    rng = np.random.default_rng(seed)
    return {s.name: 0.5 * rng.normal(size=(rows, *s.leaf.shape)) for s in graph.states.values()}
