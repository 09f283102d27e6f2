"""Gated cells that are no LSTM, with a hidden state h (or y)."""

from __future__ import annotations

import numpy as np

from .functions import exp, relu, sigmoid, tanh


def gru(p, x, h):
    """Cho et al. 2014, equations 5-8, with biases; z = 1 keeps the old state."""
    r = sigmoid(p.W_r @ x + p.U_r @ h + p.b_r)
    z = sigmoid(p.W_z @ x + p.U_z @ h + p.b_z)
    proposed = tanh(p.W @ x + p.U @ (r * h) + p.b)
    h = z * h + (1 - z) * proposed
    return h, h


def fast_rnn(p, x, h):
    """Kusupati et al. 2018, section 3.1: a weighted residual; alpha and beta are sigmoids."""
    proposed = tanh(p.W @ x + p.U @ h + p.b)
    h = sigmoid(p.alpha) * proposed + sigmoid(p.beta) * h
    return h, h


def fast_grnn(p, x, h):
    """Kusupati et al. 2018, section 3.2: gate and proposal share W and U."""
    z = sigmoid(p.W @ x + p.U @ h + p.b_z)
    proposed = tanh(p.W @ x + p.U @ h + p.b_h)
    h = (sigmoid(p.zeta) * (1 - z) + sigmoid(p.nu)) * proposed + z * h
    return h, h


def gated_antisymmetric(p, x, h):
    """Chang, Chen, Haber & Chi 2019, the gated AntisymmetricRNN at the end of section 4."""
    A = p.W_h - p.W_h.T - p.gamma * np.eye(len(h))
    z = sigmoid(A @ h + p.V_z @ x + p.b_z)
    h = h + p.epsilon * z * tanh(A @ h + p.V_h @ x + p.b_h)
    return h, h


def janet(p, x, h):
    """Van der Westhuizen & Lasenby 2018, section 3: a forget gate alone, h = c."""
    s = p.U_f @ h + p.W_f @ x + p.b_f
    proposed = tanh(p.U_c @ h + p.W_c @ x + p.b_c)
    h = sigmoid(s) * h + (1 - sigmoid(s - p.beta)) * proposed
    return h, h


def update_gate(p, x, h):
    """Collins, Sohl-Dickstein & Sussillo 2017, section 2.1: the UGRNN."""
    c = tanh(p.W_ch @ h + p.W_cx @ x + p.b_c)
    g = sigmoid(p.W_gh @ h + p.W_gx @ x + p.b_g)
    h = g * h + (1 - g) * c
    return h, h


def intersection(p, x, h):
    """Collins, Sohl-Dickstein & Sussillo 2017, section 2.1: the +RNN, with s1 = relu, s2 = tanh."""
    y_in = relu(p.W_yh @ h + p.W_yx @ x + p.b_y)
    h_in = tanh(p.W_hh @ h + p.W_hx @ x + p.b_h)
    g_y = sigmoid(p.W_gyh @ h + p.W_gyx @ x + p.b_gy)
    g_h = sigmoid(p.W_ghh @ h + p.W_ghx @ x + p.b_gh)
    y = g_y * x + (1 - g_y) * y_in
    h = g_h * h + (1 - g_h) * h_in
    return y, h


def long_expressive_memory(p, u, y, z):
    """Rusch, Mishra, Erichson & Mahoney 2022, equation 3: two learned time-steps.

    z takes the step of W_1 and V_1, y that of W_2 and V_2; y sees the new z.
    """
    step_z = p.dt * sigmoid(p.W_1 @ y + p.V_1 @ u + p.b_1)
    step_y = p.dt * sigmoid(p.W_2 @ y + p.V_2 @ u + p.b_2)
    z = (1 - step_z) * z + step_z * tanh(p.W_z @ y + p.V_z @ u + p.b_z)
    y = (1 - step_y) * y + step_y * tanh(p.W_y @ z + p.V_y @ u + p.b_y)
    return y, y, z


def structurally_constrained(p, x, s, h):
    """Mikolov et al. 2014, equations 5-7: slow units s; the readout sees h and s."""
    s = (1 - p.alpha) * (p.B @ x) + p.alpha * s
    h = sigmoid(p.P @ s + p.A @ x + p.R @ h)
    return np.concatenate([h, s]), s, h


def highway(p, x, s):
    """Zilly et al. 2017, equations 6-9; without W_C the carry gate is coupled, C = 1 - T."""

    def layer(k, level):
        W, R, b = (getattr(p, f"{kind}_{k}") for kind in "WRb")
        return (W @ x if level == 0 else 0) + R[level] @ s + b[level]

    for level in range(len(p.R_H)):
        h = tanh(layer("H", level))
        t = sigmoid(layer("T", level))
        c = sigmoid(layer("C", level)) if hasattr(p, "W_C") else 1 - t
        s = h * t + s * c
    return s, s


# --- Feng, Tung, Ahmed, Bengio & Hajimirsadeghi 2024, Were RNNs All We Needed? -------------------


def positive(x):
    """Appendix B: g, which keeps states positive for a scan in log space."""
    return np.where(np.real(x) >= 0, x + 0.5, sigmoid(x))


def min_gru(p, x, h, g=lambda x: x):
    """Section 3.1: no gate sees the state, and the proposal is linear."""
    z = sigmoid(p.W_z @ x + p.b_z)
    h = (1 - z) * h + z * g(p.W_h @ x + p.b_h)
    return h, h


def min_lstm(p, x, h, g=lambda x: x):
    """Section 3.2: forget and input gates are divided by their sum."""
    f = sigmoid(p.W_f @ x + p.b_f)
    i = sigmoid(p.W_i @ x + p.b_i)
    h = f / (f + i) * h + i / (f + i) * g(p.W_h @ x + p.b_h)
    return h, h


def min_gru_positive(p, x, h):
    """Appendix B.2."""
    return min_gru(p, x, h, positive)


def min_lstm_positive(p, x, h):
    """Appendix B.3."""
    return min_lstm(p, x, h, positive)


# --- mass and missing values -----------------------------------------------------------------


def mass_conserving(p, x, a, c):
    """Hoedt et al. 2021, equations 2-7: every column of R, and i, share out what they are given.

    Their softmax is along the cells that receive, so that no mass appears or is lost; the
    redistribution depends on time (section 2.1, "time-dependent redistribution").
    """
    share = c / c.sum()  # all of c is mass, so its sum is its L1 norm
    i = exp(p.W_i @ a + p.U_i @ share + p.b_i)
    i = i / i.sum()
    o = sigmoid(p.W_o @ a + p.U_o @ share + p.b_o)
    R = np.tensordot(p.W_r, a, 1) + np.tensordot(p.U_r, share, 1) + p.B_r
    R = exp(R) / exp(R).sum(axis=0)
    total = R @ c + i * x
    c = (1 - o) * total
    return o * total, c


def decaying(p, x, m, delta, mean, h, last):
    """Che et al. 2018, GRU-D, equations 10-17: what is missing decays to its mean.

    ``m`` is 1 where x was observed, ``delta`` the time since the last observation ``last``.
    """
    gamma_x = exp(-relu(p.W_gamma_x * delta + p.b_gamma_x))  # a diagonal W
    gamma_h = exp(-relu(p.W_gamma_h @ delta + p.b_gamma_h))
    filled = m * x + (1 - m) * (gamma_x * last + (1 - gamma_x) * mean)
    x, last = filled, m * x + (1 - m) * last
    h = gamma_h * h
    z = sigmoid(p.W_z @ x + p.U_z @ h + p.V_z @ m + p.b_z)
    r = sigmoid(p.W_r @ x + p.U_r @ h + p.V_r @ m + p.b_r)
    proposed = tanh(p.W @ x + p.U @ (r * h) + p.V @ m + p.b)
    h = (1 - z) * h + z * proposed
    return h, h, last


def time_aware(p, x, elapsed, h, C):
    """Baytas et al. 2017, section 3.2 (T-LSTM): short-term memory is discounted by elapsed time.

    g of the elapsed time is 1 / log(e + time), which the paper prefers for long times.
    """
    short = tanh(p.W_d @ C + p.b_d)
    adjusted = (C - short) + short / np.log(np.e + elapsed)
    f = sigmoid(p.W_f @ x + p.U_f @ h + p.b_f)
    i = sigmoid(p.W_i @ x + p.U_i @ h + p.b_i)
    o = sigmoid(p.W_o @ x + p.U_o @ h + p.b_o)
    candidate = tanh(p.W_c @ x + p.U_c @ h + p.b_c)
    C = f * adjusted + i * candidate
    h = o * tanh(C)
    return h, h, C
