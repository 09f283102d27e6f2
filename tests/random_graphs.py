"""Random cells for hypothesis: whatever the graph's grammar allows, at small sizes."""

from __future__ import annotations

from math import prod

from hypothesis import strategies as st

from rnngraph.graph import Graph, Node

SHAPES = [(4,), (2,), (), (2, 4), (1,)]
UNARY = ["tanh", "sigmoid", "sin", "relu", "abs", "neg", "stop_gradient", "floor"]
BINARY = ["add", "sub", "mul", "maximum", "minimum"]
LARGEST = 24


class Case:
    """A graph that a failing test shows as text."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def __repr__(self) -> str:
        return f"\n{self.graph}"


@st.composite
def random_cells(draw) -> Case:
    """A cell of one to three states, with a body of a few ops and some outputs."""
    cell = _Cell(draw)
    cell.declare()
    for _ in range(draw(st.integers(1, 12))):
        getattr(cell, draw(st.sampled_from(_Cell.MOVES)))()
    cell.close()
    return Case(cell.graph)


class _Cell:
    MOVES = (
        "unary", "binary", "binary", "product", "product", "concat", "slice", "reduce", "outer",
        "transpose", "reshape", "expand", "where", "gather", "matrices", "embed",
    )  # fmt: skip

    def __init__(self, draw) -> None:
        self.draw, self.graph, self.pool = draw, Graph("Random"), []

    def declare(self) -> None:
        g = self.graph
        self.pool += [g.input("x", (4,)), g.input("s"), g.context("v", (2,)), g.param("p", (4,))]
        self.token, self.word = g.input("token", (), "int"), g.context("word", (), "int")
        back = self.draw(st.sampled_from([1, 1, 1, -1]))
        for i in range(self.draw(st.integers(1, 3))):
            shape = self.draw(st.sampled_from(SHAPES))
            begin = self.draw(st.sampled_from([0.0, 0.5]))
            self.pool.append(g.state(f"h{i}", shape, begin, back if i < 2 else 1))

    # --- choosing ----------------------------------------------------------------------

    def pick(self, rank=None, shape=None) -> Node | None:
        fits = [n for n in self.pool if rank in (None, len(n.shape)) and shape in (None, n.shape)]
        return fits[-1 - self.draw(st.integers(0, min(len(fits), 8) - 1))] if fits else None

    def add(self, op, *operands, **attrs) -> None:
        if None not in operands:
            node = self.graph.apply(op, *operands, **attrs)
            if prod(node.shape) <= LARGEST:
                self.pool.append(node)

    def weight(self, *shape) -> Node:
        known = [p for p in self.graph.params.values() if p.shape == shape]
        if known and self.draw(st.booleans()):
            return self.draw(st.sampled_from(known))
        return self.graph.param(f"W{len(self.graph.params)}", shape)

    # --- moves -------------------------------------------------------------------------

    def unary(self) -> None:
        self.add(self.draw(st.sampled_from(UNARY)), self.pick())

    def binary(self) -> None:
        a = self.pick()
        b = self.pick(shape=self.draw(st.sampled_from([a.shape, a.shape, ()])))
        pair = (a, b) if self.draw(st.booleans()) else (b, a)
        self.add(self.draw(st.sampled_from(BINARY)), *pair)

    def product(self) -> None:
        x = self.pick(rank=1)
        self.add("matmul", self.weight(self.draw(st.sampled_from([2, 4])), *x.shape), x)

    def matrices(self) -> None:
        a = self.pick(rank=2)
        fits = [n for n in self.pool if a is not None and n.shape[:1] == a.shape[1:]]
        fits = [n for n in fits if len(n.shape) <= 2]
        if fits:
            self.add("matmul", a, self.draw(st.sampled_from(fits)))

    def concat(self) -> None:
        a = self.pick(rank=self.draw(st.sampled_from([1, 1, 2])))
        b = self.pick(rank=1 if a is None else len(a.shape))
        if a is None or (len(a.shape) == 2 and a.shape[0] != b.shape[0]):
            return
        parts = [a, b, a] if self.draw(st.booleans()) else [a, b]
        self.add("concat", *parts, axis=len(a.shape) - 1)

    def slice(self) -> None:
        x = self.pick(rank=self.draw(st.sampled_from([1, 2])))
        if x is not None:
            axis = self.draw(st.integers(0, len(x.shape) - 1))
            start = self.draw(st.integers(0, x.shape[axis] - 1))
            stop = self.draw(st.integers(start + 1, x.shape[axis]))
            self.add("slice", x, axis=axis, start=start, stop=stop)

    def reduce(self) -> None:
        x = self.pick(rank=self.draw(st.sampled_from([1, 2])))
        if x is not None:
            axis = self.draw(st.integers(0, len(x.shape) - 1))
            self.add(self.draw(st.sampled_from(["sum", "sum", "max", "min"])), x, axis=axis)

    def outer(self) -> None:
        self.add("outer", self.pick(rank=1), self.pick(rank=1))

    def transpose(self) -> None:
        self.add("transpose", self.pick(rank=2))

    def reshape(self) -> None:
        x = self.pick()
        count = prod(x.shape)
        shapes = [(count,), (1, count), (count, 1)] + [(2, count // 2)] * (count % 2 == 0)
        self.add("reshape", x, shape=self.draw(st.sampled_from(shapes)))

    def expand(self) -> None:
        x = self.pick(rank=self.draw(st.sampled_from([0, 1])))
        if x is not None:
            front = self.draw(st.booleans())
            shape = (2, *x.shape) if front else (*x.shape, 2)
            axes = tuple(range(len(x.shape)))
            self.add("expand", x, shape=shape, axes=tuple(a + 1 for a in axes) if front else axes)

    def where(self) -> None:
        a = self.pick()
        b, c, d = (self.pick(shape=a.shape) for _ in range(3))
        test = self.graph.apply(self.draw(st.sampled_from(["lt", "ge"])), a, d)
        self.add("where", test, b, c)

    def gather(self) -> None:
        x = self.pick(rank=self.draw(st.sampled_from([1, 2])))
        if x is not None and x.shape[0] >= 2:
            self.add("gather", x, self.draw(st.sampled_from([self.token, self.word])))

    def embed(self) -> None:
        self.add("gather", self.weight(3, 4), self.token)

    # --- closing -----------------------------------------------------------------------

    def close(self) -> None:
        g = self.graph
        for state in list(g.states.values()):
            node = self.pick(shape=state.leaf.shape)
            if node is not state.leaf and self.draw(st.booleans()):
                node = g.apply("tanh", node)
            g.advance(state.name, node)
            self.pool += [state.next, state.next]
        for i in range(self.draw(st.integers(1, 3))):
            g.output(f"y{i}", self.pick())
