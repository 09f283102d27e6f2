"""Recurrences that are linear in their state, one number of it at a time."""

from __future__ import annotations

import numpy as np

from .functions import exp, sigmoid, softplus, tanh


def simple_unit(p, x, c):
    """Lei et al. 2018 (SRU), equations 1-4; section 3.2 scales the highway's x by alpha.

    alpha = sqrt(1 + 2 exp(bias)), the bias being what b_r begins with.
    """
    f = sigmoid(p.W_f @ x + p.v_f * c + p.b_f)
    after = f * c + (1 - f) * (p.W @ x)
    r = sigmoid(p.W_r @ x + p.v_r * c + p.b_r)
    alpha = np.sqrt(1 + 2 * np.exp(p.bias))
    h = r * after + (1 - r) * x * alpha
    return h, after


# --- Bradbury, Merity, Xiong & Socher 2017: a convolution of width 2, and pooling ----------------


def convolved(p, k, x, before):
    """Equation 2: W^1 x_{t-1} + W^2 x_t."""
    return getattr(p, f"W1_{k}") @ before + getattr(p, f"W2_{k}") @ x


def f_pooling(p, x, h, before):
    """Equation 3."""
    z, f = tanh(convolved(p, "z", x, before)), sigmoid(convolved(p, "f", x, before))
    h = f * h + (1 - f) * z
    return h, h, x


def fo_pooling(p, x, c, before):
    """Equation 4."""
    z = tanh(convolved(p, "z", x, before))
    f, o = (sigmoid(convolved(p, k, x, before)) for k in "fo")
    c = f * c + (1 - f) * z
    return o * c, c, x


def ifo_pooling(p, x, c, before):
    """Equation 5."""
    z = tanh(convolved(p, "z", x, before))
    i, f, o = (sigmoid(convolved(p, k, x, before)) for k in "ifo")
    c = f * c + i * z
    return o * c, c, x


# --- complex diagonals: derivatives by differences, not by a complex step ------------------------


def linear_unit(p, u, x_re, x_im):
    """Orvieto et al. 2023 (LRU), equations 5-8.

    lambda = exp(-exp(nu_log) + i exp(theta_log)); gamma = sqrt(1 - |lambda|^2) scales B u.
    """
    lam = np.exp(-np.exp(p.nu_log) + 1j * np.exp(p.theta_log))
    gamma = np.sqrt(1 - np.abs(lam) ** 2)
    x = lam * (x_re + 1j * x_im) + gamma * (p.B @ u)
    return np.real(p.C @ x) + p.D * u, x.real, x.imag


def simplified_state_space(p, u, x_re, x_im):
    """Smith, Warrington & Linderman 2023 (S5), sections 2.1 and 3: zero-order hold of a diagonal.

    Lambda_bar = exp(Lambda Delta), B_bar = Lambda^-1 (Lambda_bar - 1) B (equation 6) and
    x = Lambda_bar x + B_bar u; y is the real part of C x, twice where a state stands for a
    conjugate pair, plus D u.
    """
    lam_bar = np.exp(p.Lambda * p.Delta)
    B_bar = ((lam_bar - 1) / p.Lambda)[:, None] * p.B
    x = lam_bar * (x_re + 1j * x_im) + B_bar @ u
    return p.pairs * np.real(p.C @ x) + p.D * u, x.real, x.imag


# --- selective ------------------------------------------------------------------------------------


def selective(p, x, h):
    """Gu & Dao 2023 (Mamba), algorithm 2 (S6): h is [D, N], A is real and negative.

    B, C and Delta are made of x; Delta = softplus(parameter + Linear_D(Linear_R(x))). Equation 4
    discretises: A_bar = exp(Delta A), and B_bar = (Delta A)^-1 (exp(Delta A) - I) Delta B, or by
    ``p.euler`` Delta B, as the published code has it. D x goes past the recurrence.
    """
    B, C = p.W_B @ x, p.W_C @ x
    Delta = softplus(p.b_Delta + p.W_up @ (p.W_down @ x))
    scaled = Delta[:, None] * p.A
    held = Delta[:, None] if p.euler else (exp(scaled) - 1) / p.A
    h = exp(scaled) * h + held * B * x[:, None]
    return h @ C + p.D * x, h
