"""Cells that several tests use: of every kind that a language model is made of, and TWO, with two
inputs, a context and two outputs."""

import rnngraph as rg

TWO = """
cell Two
input x[I], token: int
context v[H]
param E[V, I], W[H, H+I]
state h[H]
h' = tanh(W @ [h, x + E[token]] + v)
output y = h'
output loss = sum(h' * h')
"""
MEMORY = """
cell Memory
"What is written under a key is read back under a like key."
input  x[I]
state  M[K, H]
param  W_k, W_q [K, I] ~ normal(0.3)
param  W_v, W_f [H, I] ~ normal(0.3)
param  b_f [H] = 2
k = sigmoid(W_k @ x)           "key"
q = sigmoid(W_q @ x)           "query"
f = sigmoid(W_f @ x + b_f)     "forget gate"
v = tanh(W_v @ x)              "value"
M' = f * M + outer(k, v)       "memory"
output y = tanh(q @ M')
"""


def language_cells():
    """Cells by name: two of the library, one with a matrix as its state, and a stack."""
    return {
        "lstm": rg.load("lstm"),
        "gru": rg.load("gru"),
        "memory": rg.parse(MEMORY),
        "stack": rg.stack(rg.load("lstm"), layers=2),
    }
