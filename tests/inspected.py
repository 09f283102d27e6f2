"""Small language models around cells of every kind that looking at gates must do: with one state
and two, with gates that read the cell state, with a matrix as state, and stacked."""

from functools import cache

import numpy as np
from language_cells import language_cells

import rnngraph as rg
from rnngraph.backends.reference import evaluate
from rnngraph.inspect import Decision
from rnngraph.inspect.override import shared
from rnngraph.train.language_model import language_model

T, B, H, WORDS = 6, 4, 5, 9
KINDS = [*language_cells(), "peephole"]
STEP = 1e-6  # of differences


@cache
def model(kind):
    """A compiled language model in f64, and parameters large enough to matter."""
    cell = rg.load("peephole_lstm") if kind == "peephole" else language_cells()[kind]
    compiled = language_model(cell, WORDS, embedding=4, hidden=H).compile(dtype="f64")
    return compiled, {name: 2 * value for name, value in compiled.init(seed=1).items()}


def sentences(rows=B, steps=T, seed=0):
    """Inputs of a language model."""
    tokens = np.random.default_rng(seed).integers(0, WORDS, (steps + 1, rows))
    return {"token": tokens[:-1], "target": tokens[1:], "weight": np.ones((steps, rows))}


def swapped(x, at):
    """The same sentences with another word at one step."""
    token = x["token"].copy()
    token[at] = (token[at] + 1 + np.arange(token.shape[1])) % WORDS
    return {**x, "token": token}


def decision(rows=B, steps=T, at=-1):
    """Whether word 1 or word 2 comes, asked at one step."""
    weights = np.zeros((steps, rows, WORDS))
    weights[at, :, 1], weights[at, :, 2] = 1, -1
    return Decision("logits", weights, "1 or 2")


def traced(compiled, params, x):
    """All gates and states, by the program that every analysis of a model shares."""
    whole = shared(compiled)
    names = [name for name in whole.nodes if name in compiled.named]
    return whole.trace(params, x, {}, names=names)


def decided(compiled, params, x, given=None):
    """The decision about each row, with values given by hand."""
    steps, rows = x["token"].shape
    y, _ = shared(compiled).run(params, x, given or {}, outputs=["logits"])
    return decision(rows, steps).of(y)


def decided_along(compiled, params, x, places, directions):
    """How fast the decision changes at vectors given for the words, along directions
    [T, N, embedding], by differences; row n reads sentence n % B."""
    every = np.arange(places.shape[1]) % x["token"].shape[1]
    rows = {name: array[:, every] for name, array in x.items()}
    ends = [decided(compiled, params, rows, {"x": (True, places + e * directions)})
            for e in (STEP, -STEP)]  # fmt: skip
    return (ends[0] - ends[1]) / (2 * STEP)


class Apart:
    """Every step of some sentences as a row of a call of one step: inputs, old states, and what
    gates are there."""

    def __init__(self, compiled, params, x):
        self.compiled, self.params = compiled, params
        trace, states = traced(compiled, params, x), compiled.graph.states
        self.x = {name: array.reshape(1, -1) for name, array in x.items()}
        self.old = {name: _rows(np.concatenate([np.zeros_like(trace[name][:1]), trace[name][:-1]]))
                    for name in states}  # fmt: skip
        self.gates = {n: _rows(array) for n, array in trace.items() if n not in states}

    def reference(self, rows, old):
        """The next states of rows from other old states, by the NumPy reference."""
        x = {name: array[:, rows] for name, array in self.x.items()}
        return evaluate(self.compiled.graph, {**self.params, **x}, 1, len(rows), old).finals

    def held(self, rows, old):
        """The same where gates stay what they are."""
        x = {name: array[:, rows] for name, array in self.x.items()}
        given = {name: (True, array[None, rows]) for name, array in self.gates.items()}
        return shared(self.compiled).run(self.params, x, given, old, outputs=["loss"])[1]

    def slopes(self, following):
        """d next states / d old states of every row, [R, n, n], by differences; states in the order
        of the cell's text."""
        vectors = flat(self.old)
        count, n = vectors.shape
        rows, units = np.repeat(np.arange(count), n), STEP * np.tile(np.eye(n), (count, 1))
        ends = [flat(following(rows, self._split(vectors[rows] + e * units))) for e in (1, -1)]
        return ((ends[0] - ends[1]) / (2 * STEP)).reshape(count, n, n).transpose(0, 2, 1)

    def _split(self, vectors):
        parts = np.split(vectors, np.cumsum([a[0].size for a in self.old.values()])[:-1], 1)
        return {name: part.reshape(-1, *a.shape[1:])
                for (name, a), part in zip(self.old.items(), parts, strict=True)}  # fmt: skip


def flat(states):
    """All states of each row in one vector."""
    sizes = {name: int(np.prod(array.shape[1:])) for name, array in states.items()}
    return np.concatenate([a.reshape(len(a), sizes[name]) for name, a in states.items()], 1)


def _rows(array):
    return array.reshape(-1, *array.shape[2:])
