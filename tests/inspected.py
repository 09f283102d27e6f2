"""Small language models around cells of every kind that looking at gates must do: with one state
and two, with gates that read the cell state, with a matrix as state, and stacked."""

from functools import cache

import numpy as np
from language_cells import language_cells

import rnngraph as rg
from rnngraph.inspect import Decision
from rnngraph.train.language_model import language_model

T, B, H, WORDS = 6, 4, 5, 9
KINDS = [*language_cells(), "peephole"]


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
