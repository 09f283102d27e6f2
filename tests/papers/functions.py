"""Functions that the papers share, for real numbers and for a complex step."""

from __future__ import annotations

import numpy as np

tanh, exp, log, sqrt = np.tanh, np.exp, np.log, np.sqrt


def sigmoid(z):
    return 1 / (1 + exp(-z))


def softplus(z):
    return log(1 + exp(z))


def larger(a, b):
    """The larger of two numbers, compared by their real parts."""
    return np.where(np.real(a) >= np.real(b), a, b)


def relu(z):
    return larger(z, 0 * z)


def absolute(z):
    """The absolute value; analytic on either side of 0."""
    return np.where(np.real(z) < 0, -z, z)


def softmax(z):
    """Along the last axis."""
    raised = exp(z)
    return raised / raised.sum(axis=-1, keepdims=True)


def silu(z):
    return z * sigmoid(z)


def unit(v):
    """A vector divided by its Euclidean length."""
    return v / sqrt((v * v).sum())


def standardised(z, eps=0.0):
    """Less its mean, divided by its standard deviation."""
    centred = z - z.mean()
    return centred / sqrt((centred * centred).mean() + eps)
