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

TEXTS = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")

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
    for name, noise in graph.noises.items():
        axes = (steps, rows) if noise.leaf.varies is Varies.STEP else (rows,)
        values[name] = rng.normal(size=(*axes, *noise.leaf.shape))
    for kind, axes in lead.items():
        for name, node in getattr(graph, kind).items():
            shape = (*axes, *node.shape)
            if node.dtype == "int":
                values[name] = rng.integers(0, VOCABULARY, shape)
            else:
                values[name] = _scale(kind, node.shape) * rng.normal(size=shape)
    return values


def _scale(kind: str, shape: tuple[int, ...]) -> float:
    """So that products with matrices do not enlarge: rounding errors would grow by every step."""
    return min(0.7, shape[-1] ** -0.5) if kind == "params" and len(shape) > 1 else 0.7


def draw_states(graph: Graph, rows: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Initial values of all states."""
    rng = np.random.default_rng(seed)
    return {s.name: 0.5 * rng.normal(size=(rows, *s.leaf.shape)) for s in graph.states.values()}
