"""Memories that are matrices, one for each head: what is written to them is an outer product.

``S`` is [heads, values, keys], so that a query reads ``S q``; papers that keep the transpose, or
write rows, are turned round.
"""

from __future__ import annotations

import numpy as np

from .functions import absolute, exp, larger, sigmoid, silu, softplus, standardised, tanh, unit


def heads(v, n):
    """A vector cut into n."""
    return v.reshape(n, -1)


# --- Beck et al. 2024, xLSTM ----------------------------------------------------------------------


def scalar_memory(p, x, h, c, n, m):
    """sLSTM, equations 8-14 stabilised by 15-17; R is block-diagonal, a block for each head."""
    cut = len(p.R_z)

    def pre(k):
        W, R, b = (getattr(p, f"{kind}_{k}") for kind in "WRb")
        blocks = zip(R, heads(h, cut), strict=True)
        return W @ x + np.concatenate([block @ part for block, part in blocks]) + b

    z, o = tanh(pre("z")), sigmoid(pre("o"))
    log_i, log_f = pre("i"), -softplus(-pre("f"))
    peak = larger(log_f + m, log_i)
    i, f = exp(log_i - peak), exp(log_f + m - peak)
    c, n = f * c + i * z, f * n + i
    h = o * c / n
    return h, h, c, n, peak


def matrix_memory(p, x, C, n, m):
    """mLSTM, equations 19-27, with the stabiliser of 15-17 (appendix A: a bound of exp(-m)).

    Equation 23 scales W_k x by 1 / sqrt(d), but not b_k.
    """
    cut = len(C)
    d = len(p.b_k) // cut
    q, v = heads(p.W_q @ x + p.b_q, cut), heads(p.W_v @ x + p.b_v, cut)
    k = heads(p.W_k @ x / np.sqrt(d) + p.b_k, cut)
    o = sigmoid(p.W_o @ x + p.b_o)
    log_i, log_f = p.w_i @ x + p.b_i, -softplus(-(p.w_f @ x + p.b_f))
    peak = larger(log_f + m, log_i)
    i, f = exp(log_i - peak), exp(log_f + m - peak)
    h, C, n = [], list(C), list(n)
    for a in range(cut):
        C[a] = f[a] * C[a] + i[a] * np.outer(v[a], k[a])
        n[a] = f[a] * n[a] + i[a] * k[a]
        h.append(C[a] @ q[a] / larger(absolute(n[a] @ q[a]), exp(-peak[a])))
    h = o * np.concatenate(h)
    return h, np.array(C), np.array(n), peak


# --- linear attention -------------------------------------------------------------------------


def feature(z):
    """Katharopoulos et al. 2020, equation 7: elu(z) + 1."""
    return np.where(np.real(z) > 0, z + 1, exp(np.where(np.real(z) > 0, 0, z)))


def causal_attention(p, x, S, z):
    """Katharopoulos, Vyas, Pappas & Fleuret 2020, equations 18-20."""
    q, k, v = (heads(W @ x, len(S)) for W in (p.W_Q, p.W_K, p.W_V))
    S = S + np.einsum("nv,nk->nvk", v, feature(k))
    z = z + feature(k)
    y = [(M @ f) / (f @ s) for M, f, s in zip(S, feature(q), z, strict=True)]
    return np.concatenate(y), S, z


def gated_attention(p, x, S):
    """Yang et al. 2024 (GLA), section 4: each key's row of the memory has a decay of its own.

    S = Diag(alpha) S + k^T v, alpha = sigma(x W_1 W_2 + b)^(1/tau), o = q S.
    """
    alpha = sigmoid(p.W_2 @ (p.W_1 @ x) + p.b_alpha) ** (1 / p.tau)
    q, k, v, alpha = (heads(z, len(S)) for z in (p.W_Q @ x, p.W_K @ x, p.W_V @ x, alpha))
    S = S * alpha[:, None, :] + np.einsum("nv,nk->nvk", v, k)
    return np.einsum("nvk,nk->nv", S, q).ravel(), S


def delta_rule(p, x, S, alpha=None):
    """Schlag, Irie & Schmidhuber 2021, equations 20-25; q and k as in Yang et al. 2024.

    What the memory holds for k moves to v by beta: S = S (I - beta k k^T) + beta v k^T, o = S q.
    Queries and keys are SiLUs of length 1; so is no value.
    """
    cut = len(S)
    q, k, v = (heads(silu(W @ x), cut) for W in (p.W_q, p.W_k, p.W_v))
    beta = sigmoid(p.W_beta @ x)
    decay = np.ones(cut) if alpha is None else alpha
    new, y = [], []
    for a in range(cut):
        key, query = unit(k[a]), unit(q[a])
        M = decay[a] * S[a] @ (np.eye(len(key)) - beta[a] * np.outer(key, key))
        new.append(M + beta[a] * np.outer(v[a], key))
        y.append(new[a] @ query)
    return np.concatenate(y), np.array(new)


def gated_delta_rule(p, x, S):
    """Yang, Kautz & Hatamizadeh 2025, equation 10; alpha as in Mamba-2 (Dao & Gu 2024).

    S = S (alpha (I - beta k k^T)) + beta v k^T, alpha = exp(-exp(A_log) softplus(W_a x + b)).
    """
    alpha = exp(-exp(p.A_log) * softplus(p.W_alpha @ x + p.b_alpha))
    return delta_rule(p, x, S, alpha)


def retention(p, x, S, n):
    """Sun et al. 2023 (RetNet), equations 5 and 6 by heads: S = gamma S + K^T V, o = Q S.

    Q and K are turned by the place n of the token, Theta_n = exp(i n theta), pair by pair;
    gamma = 1 - 2^(-5 - head) (equation 8). ``p.theta`` holds an angle for each pair of a head;
    ``p.pairs`` says which numbers are a pair: "neighbours" or "halves".
    """
    cut = len(S)
    q, k, v = (heads(W @ x, cut) for W in (p.W_Q, p.W_K, p.W_V))
    turned = np.cos(n * p.theta), np.sin(n * p.theta)
    new, y = [], []
    for a in range(cut):
        query, key = (rotated(z, *turned, p.pairs) for z in (q[a], k[a]))
        new.append((1 - 2.0 ** (-5 - a)) * S[a] + np.outer(v[a], key))
        y.append(new[a] @ query)
    return np.concatenate(y), np.array(new), n + 1


def rotated(z, cos, sin, pairs):
    """Each pair (a, b) as the complex number a + ib, times exp(i angle)."""
    a, b = (z[0::2], z[1::2]) if pairs == "neighbours" else np.split(z, 2)
    turned = [a * cos - b * sin, a * sin + b * cos]
    return np.stack(turned, 1).ravel() if pairs == "neighbours" else np.concatenate(turned)


# --- RWKV ---------------------------------------------------------------------------------------


def receptance(p, x, a, b, q, before):
    """Peng et al. 2023 (RWKV-4), equations 11-16 and appendix D (numerically stable).

    The sums of equation 14 are a exp(q) and b exp(q): each step decays them by exp(-w) and adds
    exp(k) v and exp(k); the token itself counts with exp(u + k) instead.
    """
    r = p.W_r @ (p.mu_r * x + (1 - p.mu_r) * before)
    k = p.W_k @ (p.mu_k * x + (1 - p.mu_k) * before)
    v = p.W_v @ (p.mu_v * x + (1 - p.mu_v) * before)
    now = larger(q, p.u + k)
    above = exp(q - now) * a + exp(p.u + k - now) * v
    below = exp(q - now) * b + exp(p.u + k - now)
    y = p.W_o @ (sigmoid(r) * above / below)
    peak = larger(q - p.w, k)
    a = exp(q - p.w - peak) * a + exp(k - peak) * v
    b = exp(q - p.w - peak) * b + exp(k - peak)
    return y, a, b, peak, x


def eagle(p, x, S, before):
    """Peng et al. 2024 (RWKV-5, Eagle), section 4.1: a matrix for each head, a decay for each key.

    Token shift lerp(x, before) = x + (before - x) mu; w = exp(-exp(omega)). The output reads
    diag(u) k^T v + S before k^T v joins it; each head is normalised (unless ``p.normalised`` is
    False), then gated by SiLU(g).
    """

    def shifted(mu):
        return x + (before - x) * mu

    cut = len(S)
    r, k, v = (
        heads(W @ shifted(mu), cut) for W, mu in ((p.W_r, p.mu_r), (p.W_k, p.mu_k), (p.W_v, p.mu_v))
    )
    g = p.W_g @ shifted(p.mu_g)
    w, u = heads(exp(-exp(p.omega)), cut), heads(p.u, cut)
    new, read = [], []
    for a in range(cut):
        written = np.outer(v[a], k[a])
        y = (S[a] + written * u[a]) @ r[a]
        read.append(standardised(y, 1e-5) if p.normalised else y)
        new.append(S[a] * w[a] + written)
    return p.W_o @ (silu(g) * np.concatenate(read)), np.array(new), x
