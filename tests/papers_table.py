"""Which transcription of a paper each cell of the library is, and the paper's parameters in ours.

A paper's parameter is a formula in our names and sizes, as ``W_f[:, H:]`` for the columns of x.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from papers import continuous, gated, linear, lstms, memories, noisy
from papers.entry import Departure, Entry, gates, same

JOINED = {"W": "W_{}[:, H:]", "R": "W_{}[:, :H]", "b": "b_{}"}
CLASSIC = {"W": "W_{}[:, H:]", "U": "W_{}[:, :H]", "b": "b_{}"}
PLAIN = {"W": "W_{}", "R": "U_{}", "b": "b_{}"}
BOTH = ("h", "c")


def greff(step: Callable, names: str, peepholes: str = "", more: dict | None = None) -> Entry:
    """A variant of Greff et al. 2017: their z and i are our g and u."""
    params = gates(names, **JOINED) | gates(peepholes, p="p_{}") | (more or {})
    return Entry(step, params, BOTH)


ALL = "z=g i=u f o"
RECURRENT = {
    f"R_{a}{b}": f"R_{ours}[:, {k}*H:{k + 1}*H]"
    for b, ours in (("i", "u"), ("f", "f"), ("o", "o"))
    for k, a in enumerate("ifo")
}

LSTMS = {
    "lstm": greff(lstms.no_peepholes, ALL),
    "lstm_no_peepholes": greff(lstms.no_peepholes, ALL),
    "coupled_lstm": greff(
        lstms.coupled_no_peepholes,
        "z=g o",
        more={"W_i": "-W_f[:, H:]", "R_i": "-W_f[:, :H]", "b_i": "-b_f"},
    ),
    "peephole_lstm": greff(lstms.vanilla, ALL, "i=u f o"),
    "lstm_no_input_gate": greff(lstms.no_input_gate, "z=g f o", "f o"),
    "lstm_no_forget_gate": greff(lstms.no_forget_gate, "z=g i=u o", "i=u o"),
    "lstm_no_output_gate": greff(lstms.no_output_gate, "z=g i=u f", "i=u f"),
    "lstm_no_input_activation": greff(lstms.no_input_activation, ALL, "i=u f o"),
    "lstm_no_output_activation": greff(lstms.no_output_activation, ALL, "i=u f o"),
    "lstm_coupled_gates": greff(lstms.coupled_gates, "z=g i=u o", "i=u o"),
    "lstm_full_gate_recurrence": Entry(
        lstms.full_gate_recurrence,
        gates(ALL, **JOINED) | gates("i=u f o", p="p_{}") | RECURRENT,
        (*BOTH, "u", "f", "o"),
    ),
    "original_lstm": Entry(lstms.original, gates("c=g in=u out=o", **JOINED), BOTH),
    "layernorm_lstm": Entry(
        lstms.layer_normalised,
        same("W_h W_x b") | gates("1=h 2=x 3=c", alpha="gain_{}", beta="bias_{}"),
        BOTH,
        given={"eps": 1e-5},
    ),
    "lstm_projection": Entry(
        lstms.projected,
        {f"W_{a}x": f"W_{b}[:, P:]" for a, b in zip("ifco", "ufgo", strict=True)}
        | {f"W_{a}r": f"W_{b}[:, :P]" for a, b in zip("ifco", "ufgo", strict=True)}
        | gates("i=u f c=g o", b="b_{}")
        | {"W_rm": "W_p"},
        BOTH,
    ),
    "nas": Entry(
        lstms.searched,
        {kind: f"[{', '.join(f'{kind}_{k}' for k in range(8))}]" for kind in "WUb"},
        BOTH,
    ),
    "nested_lstm": Entry(
        lstms.nested,
        {f"W_x{a}": f"W_{b}[:, H:]" for a, b in zip("ifco", "ufgo", strict=True)}
        | {f"W_h{a}": f"W_{b}[:, :H]" for a, b in zip("ifco", "ufgo", strict=True)}
        | gates("i=u f c=g o", b="b_{}")
        | {f"inner.W_x{a}": f"inner_W_{b}[:, H:]" for a, b in zip("ifco", "ufgo", strict=True)}
        | {f"inner.W_h{a}": f"inner_W_{b}[:, :H]" for a, b in zip("ifco", "ufgo", strict=True)}
        | {f"inner.{k}": v for k, v in gates("i=u f c=g o", b="inner_b_{}").items()},
        (*BOTH, "inner.c"),
    ),
    "mogrifier_lstm": Entry(
        lstms.mogrifier, gates(ALL, **JOINED) | same("Q R"), BOTH, given={"rounds": 5}
    ),
    "phased_lstm": Entry(
        lstms.phased,
        gates(ALL, **JOINED)
        | gates("i=u f o", p="p_{}")
        | {"tau": "np.exp(period)", "s": "np.exp(period) * shift", "r_on": "r"},
        BOTH,
        ("x", "time"),
        {"alpha": 0.125},
        given={"alpha": 0.125},
        positive=("r",),
    ),
}

GATED = {
    "gru": Entry(
        gated.gru,
        gates("r z", W="W_{}", U="U_{}", b="b_{}") | {"W": "W_h", "U": "U_h", "b": "b_h"},
    ),
    "fast_rnn": Entry(gated.fast_rnn, same("W U b alpha beta")),
    "fast_grnn": Entry(gated.fast_grnn, same("W U b_z b_h zeta nu")),
    "gated_antisymmetric_rnn": Entry(
        gated.gated_antisymmetric,
        {"W_h": "U", "V_z": "W_z", "V_h": "W_h"} | same("b_z b_h"),
        consts={"epsilon": 0.25, "gamma": 0.125},
        given={"epsilon": 0.25, "gamma": 0.125},
    ),
    "janet": Entry(
        gated.janet,
        same("W_f W_c U_f U_c b_f b_c"),
        consts={"beta": 0.75},
        given={"beta": 0.75},
    ),
    "ug_rnn": Entry(
        gated.update_gate,
        {"W_ch": "U_c", "W_cx": "W_c", "W_gh": "U_g", "W_gx": "W_g"} | same("b_c b_g"),
    ),
    "intersection_rnn": Entry(
        gated.intersection,
        {f"W_{k}h": f"U_{k}" for k in ("y", "h", "gy", "gh")}
        | {f"W_{k}x": f"W_{k}" for k in ("y", "h", "gy", "gh")}
        | same("b_y b_h b_gy b_gh"),
    ),
    "lem": Entry(
        gated.long_expressive_memory,
        gates("1 2 z=c y=h", W="U_{}", V="W_{}", b="b_{}"),
        BOTH,
        consts={"dt": 0.75},
        given={"dt": 0.75},
    ),
    "scrn": Entry(
        gated.structurally_constrained,
        same("A B P R"),
        ("s", "h"),
        consts={"alpha": 0.75},
        given={"alpha": 0.75},
    ),
    "rhn": Entry(gated.highway, gates("H=h T=t C=c", W="W_{}", R="R_{}", b="b_{}")),
    "rhn_coupled": Entry(gated.highway, gates("H=h T=t", W="W_{}", R="R_{}", b="b_{}")),
    "min_gru": Entry(gated.min_gru, same("W_z W_h b_z b_h")),
    "min_gru_positive": Entry(gated.min_gru_positive, same("W_z W_h b_z b_h")),
    "min_lstm": Entry(gated.min_lstm, same("W_f W_i W_h b_f b_i b_h")),
    "min_lstm_positive": Entry(gated.min_lstm_positive, same("W_f W_i W_h b_f b_i b_h")),
    "mass_conserving_lstm": Entry(
        gated.mass_conserving,
        same("W_i W_o U_i U_o b_i b_o B_r")
        | {"W_r": "W_r.reshape(H, H, I)", "U_r": "U_r.reshape(H, H, H)"},
        ("c",),
        ("mass", "a"),
        positive=("mass", "c"),
    ),
    "gru_d": Entry(
        gated.decaying,
        {"W_gamma_x": "w_x", "b_gamma_x": "b_x", "W_gamma_h": "W_d", "b_gamma_h": "b_d"}
        | gates("r z", W="W_{}", U="U_{}", V="V_{}", b="b_{}")
        | {"W": "W_h", "U": "U_h", "V": "V_h", "b": "b_h"},
        ("h", "last"),
        ("x", "mask", "delta", "mean"),
        positive=("delta",),
        binary=("mask",),
    ),
    "time_aware_lstm": Entry(
        gated.time_aware,
        gates("f i=u o c=g", **CLASSIC) | same("W_d b_d"),
        BOTH,
        ("x", "gap"),
    ),
}

LSTM_GATES = gates("i=u f o g", **CLASSIC)
NOISY = {
    "zoneout_lstm": Entry(
        noisy.zoneout,
        LSTM_GATES,
        BOTH,
        ("x", "d_c", "d_h"),
        {"z_c": 0.5, "z_h": 0.25},
        means={"d_c": 0.5, "d_h": 0.25},
    ),
    "recurrent_dropout_lstm": Entry(
        noisy.recurrent_dropout, LSTM_GATES, BOTH, ("x", "d"), {"keep": 0.5}, means={"d": 0.5}
    ),
    "variational_lstm": Entry(
        noisy.variational_lstm,
        LSTM_GATES,
        BOTH,
        ("x", "z_x", "z_h"),
        {"keep_x": 0.5, "keep_h": 0.75},
        means={"z_x": 0.5, "z_h": 0.75},
    ),
    "variational_gru": Entry(
        noisy.variational_gru,
        gates("r z g=h", W="W_{}", U="U_{}", b="b_{}"),
        ("h",),
        ("x", "z_x", "z_h"),
        {"keep_x": 0.5, "keep_h": 0.75},
        means={"z_x": 0.5, "z_h": 0.75},
    ),
    "weight_drop_lstm": Entry(
        noisy.weight_drop,
        gates("i=u f o g", W="W_{}", U="U_{}", b="b_{}"),
        BOTH,
        ("x", "m_u", "m_f", "m_o", "m_g"),
        {"keep": 0.5},
        given={"keep": 0.5},
        means={"m_u": 0.5, "m_f": 0.5, "m_o": 0.5, "m_g": 0.5},
    ),
}

CONTINUOUS = {
    "cfc": Entry(
        continuous.closed_form,
        same("W b") | gates("g h=f f=a t", W="W_{}", b="b_{}"),
        inputs=("x", "gap"),
    ),
    "cfc_no_gate": Entry(
        continuous.closed_form_no_gate,
        same("W b") | gates("g h=f f=a t", W="W_{}", b="b_{}"),
        inputs=("x", "gap"),
    ),
    "cfc_pure": Entry(
        continuous.closed_form_pure, same("W b W_f b_f w_tau A"), inputs=("x", "gap")
    ),
    "ltc": Entry(
        continuous.liquid,
        {"C": "capacity", "g_leak": "leak", "v_leak": "rest"}
        | gates("u=x v", w="w_{}", mu="mu_{}", sigma="sigma_{}", E="2 * polarity_{} - 1"),
        inputs=("x", "gap"),
        consts={"substeps": 3},
        given={"unfolds": 3},
    ),
    "lmu": Entry(
        continuous.legendre,
        same("e_x e_h e_m W_x W_h W_m"),
        ("h", "m"),
        consts={"theta": 7},
        given={"theta": 7},
    ),
}

LINEAR = {
    "sru": Entry(
        linear.simple_unit,
        same("W W_f W_r v_f v_r b_f b_r"),
        ("c",),
        consts={"bias": -0.5},
        given={"bias": -0.5},
    ),
    "qrnn_f": Entry(linear.f_pooling, gates("z f", W1="V_{}", W2="W_{}"), ("h", "prev_x_1")),
    "qrnn_fo": Entry(linear.fo_pooling, gates("z f o", W1="V_{}", W2="W_{}"), ("c", "prev_x_1")),
    "qrnn_ifo": Entry(
        linear.ifo_pooling, gates("z i f o", W1="V_{}", W2="W_{}"), ("c", "prev_x_1")
    ),
    "lru": Entry(
        linear.linear_unit,
        {"nu_log": "nu", "theta_log": "theta", "D": "D"}
        | {"B": "B_re + 1j * B_im", "C": "C_re + 1j * C_im"},
        ("h_re", "h_im"),
        differences=True,
    ),
    "s5": Entry(
        linear.simplified_state_space,
        {
            "Lambda": "-np.exp(fading) + 1j * np.pi * np.arange(N) * turning",
            "Delta": "np.exp(step)",
            "B": "B_re + 1j * B_im",
            "C": "C_re + 1j * C_im",
            "D": "D",
        },
        ("h_re", "h_im"),
        given={"pairs": 2},
        differences=True,
    ),
    "selective_ssm": Entry(
        linear.selective,
        {
            "A": "-np.exp(a) * np.arange(1, N + 1)",
            "W_B": "W_B",
            "W_C": "W_C",
            "W_down": "W_r",
            "W_up": "W_d",
        }
        | {"b_Delta": "b_d", "D": "D"},
        ("s",),
        given={"euler": True},
        departs=Departure(
            "the input is held by Euler's rule, as in the published code, not as in equation 4",
            {"euler": False},
        ),
    ),
}

HEADS = {"heads": 2}
MEMORIES = {
    "slstm": Entry(
        memories.scalar_memory,
        gates("z i f o", W="W_{}", R="R_{}", b="b_{}"),
        ("h", "c", "n", "m"),
        consts=HEADS,
        positive=("n",),
    ),
    "mlstm": Entry(
        memories.matrix_memory,
        gates("q k v o", W="W_{}", b="b_{}")
        | same("w_i w_f b_i b_f")
        | {"b_k": "b_k / np.sqrt(H / 2)"},
        ("C", "n", "m"),
        consts=HEADS,
    ),
    "linear_attention": Entry(
        memories.causal_attention,
        gates("Q=q K=k V=v", W="W_{}"),
        ("S", "z"),
        consts=HEADS,
        positive=("z",),
    ),
    "gated_linear_attention": Entry(
        memories.gated_attention,
        gates("Q=q K=k V=v 1=r 2=a", W="W_{}") | {"b_alpha": "b_a"},
        ("S",),
        consts={**HEADS, "tau": 4},
        given={"tau": 4},
    ),
    "delta_net": Entry(
        memories.delta_rule,
        gates("q k v beta=b", W="W_{}"),
        ("S",),
        consts={**HEADS, "eps": 0},
    ),
    "gated_delta_net": Entry(
        memories.gated_delta_rule,
        gates("q k v beta=b alpha=a", W="W_{}") | {"A_log": "A", "b_alpha": "b_a"},
        ("S",),
        consts={**HEADS, "eps": 0},
    ),
    "retention": Entry(
        memories.retention,
        gates("Q=q K=k V=v", W="W_{}"),
        ("S", "n"),
        consts=HEADS,
        given={"theta": 10000.0 ** (-np.arange(3) / 3), "pairs": "halves"},
    ),
    "rwkv": Entry(
        memories.receptance,
        same("mu_r mu_k mu_v u W_r W_k W_v W_o") | {"w": "np.exp(w)"},
        ("a", "b", "p", "prev_x_1"),
        positive=("b",),
    ),
    "rwkv_matrix": Entry(
        memories.eagle,
        same("mu_r mu_k mu_v mu_g u W_r W_k W_v W_g W_o") | {"omega": "w"},
        ("S", "prev_x_1"),
        consts=HEADS,
        given={"normalised": False},
        departs=Departure(
            "heads are not normalised before the gate, as section 4.1 of the paper has them",
            {"normalised": True},
        ),
    ),
}

ENTRIES = LSTMS | GATED | NOISY | CONTINUOUS | LINEAR | MEMORIES
