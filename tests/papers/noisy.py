"""Cells with random masks; a mask that is not drawn is given as its mean.

``d`` and ``z`` hold what was drawn: 1 and 0, or their means.
"""

from __future__ import annotations

from .functions import sigmoid, tanh


def gates(p, x, h):
    """i, f, o and g of an LSTM without peepholes."""
    i, f, o = (
        sigmoid(getattr(p, f"W_{k}") @ x + getattr(p, f"U_{k}") @ h + getattr(p, f"b_{k}"))
        for k in "ifo"
    )
    return i, f, o, tanh(p.W_g @ x + p.U_g @ h + p.b_g)


def zoneout(p, x, d_c, d_h, h, c):
    """Krueger et al. 2017, equations 4 and 5: where a mask is 1 the old value stays.

    The new h reads the cell before its zoneout.
    """
    i, f, o, g = gates(p, x, h)
    fresh = f * c + i * g
    c = d_c * c + (1 - d_c) * fresh
    h = d_h * h + (1 - d_h) * (o * tanh(fresh))
    return h, h, c


def recurrent_dropout(p, x, d, h, c):
    """Semeniuta, Severyn & Barth 2016, equations 8 and 15: c = f * c + i * d(g).

    By equation 8 a mask that is drawn is not scaled, and its mean stands for it in tests.
    """
    i, f, o, g = gates(p, x, h)
    c = f * c + i * (d * g)
    h = o * tanh(c)
    return h, h, c


def variational_lstm(p, x, z_x, z_h, h, c):
    """Gal & Ghahramani 2016, equation 7: one mask for a whole sequence, shared by the gates.

    Not scaled: the masks are rows of the weights that are 0.
    """
    i, f, o, g = gates(p, z_x * x, z_h * h)
    c = f * c + i * g
    h = o * tanh(c)
    return h, h, c


def variational_gru(p, x, z_x, z_h, h):
    """Gal & Ghahramani 2016, section 4.2, tied weights; the GRU is that of Cho et al. 2014.

    The state that is carried over is not masked.
    """
    x, fed = z_x * x, z_h * h
    r = sigmoid(p.W_r @ x + p.U_r @ fed + p.b_r)
    z = sigmoid(p.W_z @ x + p.U_z @ fed + p.b_z)
    g = tanh(p.W_g @ x + p.U_g @ (r * fed) + p.b_g)
    h = z * h + (1 - z) * g
    return h, h


def weight_drop(p, x, m_i, m_f, m_o, m_g, h, c):
    """Merity, Keskar & Socher 2018, section 2: DropConnect on the four recurrent matrices.

    The masks are drawn once for a sequence, element by element. The paper leaves their scale open;
    in its published code what is kept is divided by the probability ``p.keep``.
    """
    m_i, m_f, m_o, m_g = (m / p.keep for m in (m_i, m_f, m_o, m_g))
    i = sigmoid(p.W_i @ x + (m_i * p.U_i) @ h + p.b_i)
    f = sigmoid(p.W_f @ x + (m_f * p.U_f) @ h + p.b_f)
    o = sigmoid(p.W_o @ x + (m_o * p.U_o) @ h + p.b_o)
    g = tanh(p.W_g @ x + (m_g * p.U_g) @ h + p.b_g)
    c = f * c + i * g
    h = o * tanh(c)
    return h, h, c
