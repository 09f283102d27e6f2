"""The LSTM of 1997 to 2018, and what was taken from it or added to it.

Cell input z (elsewhere g or c~), input gate i, forget gate f, output gate o, cell c, output y.
"""

from __future__ import annotations

import numpy as np

from .functions import sigmoid, standardised, tanh


def original(p, x, y, s):
    """Hochreiter & Schmidhuber 1997, section 4: no forget gate.

    y_in = f(net_in), y_out = f(net_out), s = s + y_in g(net_c), y = y_out h(s). The squashing
    functions g and h are left open there; both are tanh here, as in Greff et al. 2017.
    """
    y_in = sigmoid(p.W_in @ x + p.R_in @ y + p.b_in)
    y_out = sigmoid(p.W_out @ x + p.R_out @ y + p.b_out)
    s = s + y_in * tanh(p.W_c @ x + p.R_c @ y + p.b_c)
    y = y_out * tanh(s)
    return y, y, s


# --- Greff, Srivastava, Koutnik, Steunebrink & Schmidhuber 2017, LSTM: A Search Space Odyssey ----


def block_input(p, x, y):
    """Section II-A: the argument of g."""
    return p.W_z @ x + p.R_z @ y + p.b_z


def gate(p, k, x, y, c=None):
    """Section II-A: sigma(W_k x + R_k y + p_k * c + b_k); without c it has no peephole."""
    peephole = 0 if c is None else getattr(p, f"p_{k}") * c
    W, R, b = (getattr(p, f"{kind}_{k}") for kind in "WRb")
    return sigmoid(W @ x + R @ y + peephole + b)


def vanilla(p, x, y, c):
    """Section II-A (Graves & Schmidhuber 2005; the peepholes are Gers et al. 2002)."""
    z = tanh(block_input(p, x, y))
    i = gate(p, "i", x, y, c)
    f = gate(p, "f", x, y, c)
    c = z * i + c * f
    o = gate(p, "o", x, y, c)
    y = tanh(c) * o
    return y, y, c


def no_input_gate(p, x, y, c):
    """NIG: i = 1."""
    c = tanh(block_input(p, x, y)) + c * gate(p, "f", x, y, c)
    y = tanh(c) * gate(p, "o", x, y, c)
    return y, y, c


def no_forget_gate(p, x, y, c):
    """NFG: f = 1."""
    c = tanh(block_input(p, x, y)) * gate(p, "i", x, y, c) + c
    y = tanh(c) * gate(p, "o", x, y, c)
    return y, y, c


def no_output_gate(p, x, y, c):
    """NOG: o = 1."""
    z = tanh(block_input(p, x, y))
    c = z * gate(p, "i", x, y, c) + c * gate(p, "f", x, y, c)
    y = tanh(c)
    return y, y, c


def no_input_activation(p, x, y, c):
    """NIAF: g(x) = x."""
    z = block_input(p, x, y)
    c = z * gate(p, "i", x, y, c) + c * gate(p, "f", x, y, c)
    y = tanh(c) * gate(p, "o", x, y, c)
    return y, y, c


def no_output_activation(p, x, y, c):
    """NOAF: h(x) = x."""
    z = tanh(block_input(p, x, y))
    c = z * gate(p, "i", x, y, c) + c * gate(p, "f", x, y, c)
    y = c * gate(p, "o", x, y, c)
    return y, y, c


def coupled_gates(p, x, y, c):
    """CIFG: f = 1 - i."""
    z = tanh(block_input(p, x, y))
    i = gate(p, "i", x, y, c)
    c = z * i + c * (1 - i)
    y = tanh(c) * gate(p, "o", x, y, c)
    return y, y, c


def no_peepholes(p, x, y, c):
    """NP; also the LSTM of Gers, Schmidhuber & Cummins 2000 with tanh for its g and h."""
    z = tanh(block_input(p, x, y))
    c = z * gate(p, "i", x, y) + c * gate(p, "f", x, y)
    y = tanh(c) * gate(p, "o", x, y)
    return y, y, c


def coupled_no_peepholes(p, x, y, c):
    """CIFG and NP together."""
    z = tanh(block_input(p, x, y))
    i = gate(p, "i", x, y)
    c = z * i + c * (1 - i)
    y = tanh(c) * gate(p, "o", x, y)
    return y, y, c


def full_gate_recurrence(p, x, y, c, i, f, o):
    """FGR: every gate sees all three gates of the step before, R_ab being from gate a to gate b."""

    def full(k, cell):
        R = [getattr(p, f"R_{a}{k}") for a in "ifo"]
        fed_back = R[0] @ i + R[1] @ f + R[2] @ o
        W, R_k, p_k, b = (getattr(p, f"{kind}_{k}") for kind in "WRpb")
        return sigmoid(W @ x + R_k @ y + p_k * cell + b + fed_back)

    z = tanh(block_input(p, x, y))
    now = full("i", c), full("f", c)
    c = z * now[0] + c * now[1]
    now = *now, full("o", c)
    y = tanh(c) * now[2]
    return y, y, c, *now


# --- normalised, projected, searched -----------------------------------------------------------


def layer_normalised(p, x, h, c):
    """Ba, Kiros & Hinton 2016, equations 20-22; LN as in equation 15, over all four gates at once.

    ``p.eps`` guards LN's division; the paper writes none.
    """

    def LN(z, alpha, beta):
        return standardised(z, p.eps) * alpha + beta

    z = LN(p.W_h @ h, p.alpha_1, p.beta_1) + LN(p.W_x @ x, p.alpha_2, p.beta_2) + p.b
    f, i, o, g = np.split(z, 4)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(LN(c, p.alpha_3, p.beta_3))
    return h, h, c


def projected(p, x, r, c):
    """Sak, Senior & Beaufays 2014, equations 7-13 without peepholes: r = W_rm m is fed back."""
    i = sigmoid(p.W_ix @ x + p.W_ir @ r + p.b_i)
    f = sigmoid(p.W_fx @ x + p.W_fr @ r + p.b_f)
    c = f * c + i * tanh(p.W_cx @ x + p.W_cr @ r + p.b_c)
    o = sigmoid(p.W_ox @ x + p.W_or @ r + p.b_o)
    m = o * tanh(c)
    r = p.W_rm @ m
    return r, r, c


def searched(p, x, h, c):
    """Zoph & Le 2017, the cell found for Penn Treebank (figure 8, left).

    The figure names no constants, so ties go to the authors' published code: the fourth leaf
    multiplies its two products, and the cell enters the first inner node by addition.
    """
    u = [W @ x for W in p.W]
    v = [U @ h + b for U, b in zip(p.U, p.b, strict=True)]
    leaf_0 = sigmoid(u[0] + v[0])
    leaf_1 = np.where(np.real(u[1] + v[1]) > 0, u[1] + v[1], 0)
    leaf_2 = sigmoid(u[2] + v[2])
    leaf_3 = np.where(np.real(u[3] * v[3]) > 0, u[3] * v[3], 0)
    leaf_4 = tanh(u[4] + v[4])
    leaf_5 = sigmoid(u[5] + v[5])
    leaf_6 = tanh(u[6] + v[6])
    leaf_7 = sigmoid(u[7] + v[7])
    node_0 = tanh(tanh(leaf_0 * leaf_1) + c)
    node_1 = tanh(leaf_2 + leaf_3)
    node_2 = tanh(leaf_4 * leaf_5)
    node_3 = sigmoid(leaf_6 + leaf_7)
    c = node_0 * node_1
    h = tanh(c * tanh(node_2 + node_3))
    return h, h, c


# --- richer memories and inputs ----------------------------------------------------------------


def nested(p, x, h, c, c_inner):
    """Moniz & Krueger 2017, equations 5-12: the memory function of an LSTM is an LSTM.

    The outer cell is the inner cell's output, so it is recomputed, not accumulated.
    """
    i = sigmoid(p.W_xi @ x + p.W_hi @ h + p.b_i)
    f = sigmoid(p.W_xf @ x + p.W_hf @ h + p.b_f)
    o = sigmoid(p.W_xo @ x + p.W_ho @ h + p.b_o)
    h_in = f * c
    x_in = i * tanh(p.W_xc @ x + p.W_hc @ h + p.b_c)
    q = p.inner
    i = sigmoid(q.W_xi @ x_in + q.W_hi @ h_in + q.b_i)
    f = sigmoid(q.W_xf @ x_in + q.W_hf @ h_in + q.b_f)
    o_in = sigmoid(q.W_xo @ x_in + q.W_ho @ h_in + q.b_o)
    c_inner = f * c_inner + i * tanh(q.W_xc @ x_in + q.W_hc @ h_in + q.b_c)
    c = o_in * tanh(c_inner)
    h = o * tanh(c)
    return h, h, c, c_inner


def mogrifier(p, x, h, c):
    """Melis, Kocisky & Blunsom 2020, equations 1-2: x and h gate each other before the LSTM."""
    for i in range(1, p.rounds + 1):
        if i % 2:
            x = 2 * sigmoid(p.Q[i // 2] @ h) * x
        else:
            h = 2 * sigmoid(p.R[i // 2 - 1] @ x) * h
    return no_peepholes(p, x, h, c)


def phased(p, x, t, h, c):
    """Neil, Pfeiffer & Liu 2016, equations 1-10: updates pass a gate that opens periodically.

    Equation 6 has the phase and the openness k; cell and output are proposals (7, 9), which k mixes
    with what was there (8, 10). The output gate sees c_t, as equation 4 says: the mixture.
    """
    shifted = t - p.s
    phi = (shifted - p.tau * np.floor(np.real(shifted / p.tau))) / p.tau
    rising, falling = 2 * phi / p.r_on, 2 - 2 * phi / p.r_on
    opened = np.where(np.real(phi - p.r_on / 2) < 0, rising, falling)
    k = np.where(np.real(phi - p.r_on) < 0, opened, p.alpha * phi)
    i = gate(p, "i", x, h, c)
    f = gate(p, "f", x, h, c)
    proposed = f * c + i * tanh(block_input(p, x, h))
    after = k * proposed + (1 - k) * c
    o = gate(p, "o", x, h, after)
    h = k * (o * tanh(proposed)) + (1 - k) * h
    return h, h, after
