"""Cells that are differential equations, solved or approximated."""

from __future__ import annotations

import numpy as np

from .functions import absolute, exp, sigmoid, softplus, tanh


def lecun_tanh(z):
    """LeCun et al. 1998, Efficient BackProp: 1.7159 tanh(2/3 z), as published with CfC."""
    return 1.7159 * tanh(0.666 * z)


def closed_form(p, x, t, h):
    """Hasani et al. 2022, CfC: the gated form, with a backbone that its three networks share.

    sigma(-f t) * g + (1 - sigma(-f t)) * h; as published in code, the argument of the sigmoid is
    f t + a bias of its own, and of the two heads h is the one it opens.
    """
    z = lecun_tanh(p.W @ np.concatenate([x, h]) + p.b)
    first, second = tanh(p.W_g @ z + p.b_g), tanh(p.W_h @ z + p.b_h)
    gate = sigmoid((p.W_f @ z + p.b_f) * t + (p.W_t @ z + p.b_t))
    h = (1 - gate) * first + gate * second
    return h, h


def closed_form_no_gate(p, x, t, h):
    """Hasani et al. 2022, CfC-noGate: the factor 1 - sigma of the first head is left out."""
    z = lecun_tanh(p.W @ np.concatenate([x, h]) + p.b)
    first, second = tanh(p.W_g @ z + p.b_g), tanh(p.W_h @ z + p.b_h)
    h = first + sigmoid((p.W_f @ z + p.b_f) * t + (p.W_t @ z + p.b_t)) * second
    return h, h


def closed_form_pure(p, x, t, h):
    """Hasani et al. 2022, equation 2 (Cf-S): (x(0) - A) exp(-(w_tau + |f|) t) f(-I) + A.

    As published in code x(0) is 0, f(-I) is f, f is linear behind the backbone, and both rates are
    made positive.
    """
    f = p.W_f @ lecun_tanh(p.W @ np.concatenate([x, h]) + p.b) + p.b_f
    h = -p.A * exp(-(absolute(p.w_tau) + absolute(f)) * t) * f + p.A
    return h, h


def liquid(p, u, t, v):
    """Hasani et al. 2021, algorithm 1, for the neurons of Lechner et al. 2020 (methods, 5-7).

    Synapses from j to i pass w_ij sigma(sigma_ij (v_j - mu_ij)) times E_ij - v_i; a step of the
    fused solver is implicit in v_i where it is linear. Conductances and capacities are made
    positive by a softplus.
    """
    C, g_leak, w_u, w_v = (softplus(z) for z in (p.C, p.g_leak, p.w_u, p.w_v))
    c = C / (t / p.unfolds)
    s_u = w_u * sigmoid(p.sigma_u * (u[:, None] - p.mu_u))
    for _ in range(p.unfolds):
        s_v = w_v * sigmoid(p.sigma_v * (v[:, None] - p.mu_v))
        driven = c * v + g_leak * p.v_leak + (s_u * p.E_u).sum(0) + (s_v * p.E_v).sum(0)
        v = driven / (c + g_leak + s_u.sum(0) + s_v.sum(0))
    return v, v


def legendre(p, x, h, m):
    """Voelker, Kajic & Eliasmith 2019, equations 1-7, with Euler's method (equation 4, dt = 1)."""
    u = p.e_x @ x + p.e_h @ h + p.e_m @ m
    order = range(len(m))
    A = np.array([[(2 * i + 1) * (-1.0 if i < j else (-1.0) ** (i - j + 1)) for j in order]
                  for i in order])  # fmt: skip
    B = np.array([(2 * i + 1) * (-1.0) ** i for i in order])
    m = (A / p.theta + np.eye(len(m))) @ m + B / p.theta * u
    h = tanh(p.W_x @ x + p.W_h @ h + p.W_m @ m)
    return h, h, m
