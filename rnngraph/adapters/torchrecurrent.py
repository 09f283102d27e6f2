"""torchrecurrent 0.2.5, cell by cell: where the parameters of ours lie in its arrays.

Where its code departs from the paper it has no layout here (LEM, NAS, SCRN): the library has the
cell of the paper, which is another. What it has and the paper has not is held fixed.
"""

from __future__ import annotations

from .layout import Layout
from .torch import BIASES, RNN, gates

W, U, B = "weight_ih[{k}]", "weight_hh[{k}]", BIASES
PLAIN = {"W": W, "U": U, "b": B}
JOINED = {"W": "weight_hh[{k}]:h | weight_ih[{k}]", "b": B}
BISTABLE = gates("a c h", W=W) | {
    "b_a": "bias_ih[0] + bias_hh[0]", "b_c": "bias_ih[1] + bias_hh[1]", "b_h": "bias_ih[2]",
}  # fmt: skip
SIMPLE_GATED = {
    "W_g": "weight_ih[0]", "W_z": "weight_ih[1]", "U_g": "weight_hh[0]", "U_z": "weight_hh[1]",
    "b_g": "bias_ih[0]", "b_z": "bias_ih[1] + bias_hh[1]",
}  # fmt: skip
STEP = {"epsilon": "epsilon", "gamma": "gamma"}

LAYOUTS = {
    "AntisymmetricRNN": Layout("antisymmetric_rnn", RNN, consts=STEP),
    "GatedAntisymmetricRNN": Layout(
        "gated_antisymmetric_rnn",
        {"W_z": "weight_ih[0]", "W_h": "weight_ih[1]", "U": "weight_hh",
         "b_z": "bias_ih[0]", "b_h": "bias_ih[1] + bias_hh"},
        consts=STEP,
    ),
    "ATR": Layout("atr", {"W": "weight_ih", "U": "weight_hh", "b_p": "bias_ih", "b_q": "bias_hh"}),
    "BR": Layout("br", {**BISTABLE, "u_a": "weight_hh[0]", "u_c": "weight_hh[1]"}),
    "NBR": Layout("nbr", {**BISTABLE, "U_a": "weight_hh[0]", "U_c": "weight_hh[1]"}),
    "CFN": Layout(
        "cfn", {**gates("θ η", V=W, U=U, b=B), "W": "weight_ih[2]"}, fixed={"bias_ih[2]": "zero"}
    ),
    "SGU": Layout(
        "sgu", SIMPLE_GATED, fixed={"bias_hh[0]": "zero"}
    ),
    "DSGU": Layout(
        "dsgu", {**SIMPLE_GATED, "U_o": "weight_ho"}, fixed={"bias_hh[0]": "zero"}
    ),
    "MCLSTM": Layout("memory_controller_lstm", gates("f u o m g", **PLAIN)),
    "MGU": Layout("mgu", gates("f h", **JOINED)),
    "MinimalRNN": Layout(
        "minimal_rnn",
        {"W": "weight_ih", "b_z": "bias_ih", "U_h": "weight_hh", "b_u": "bias_hh",
         "U_z": "weight_mm"},
    ),
    "MiRU1": Layout(
        "mi_ru1", gates("r h", **PLAIN), consts={"update": "update_coefficient"}
    ),
    "MiRU2": Layout(
        "mi_ru2", RNN,
        consts={"update": "update_coefficient", "reset": "reset_coefficient"},
    ),
    "coRNN": Layout(
        "co_rnn",
        {"W": "weight_ih", "U_h": "weight_hh", "U_c": "weight_ch",
         "b": "bias_ih + bias_hh + bias_ch"},
        consts={"dt": "dt", "gamma": "gamma", "epsilon": "epsilon"},
    ),
    "FastRNN": Layout("fast_rnn", {**RNN, "alpha": "alpha[0]", "beta": "beta[0]"}),
    "FastGRNN": Layout(  # by default torchrecurrent's gate is a tanh
        "fast_grnn",
        {"W": "weight_ih", "U": "weight_hh", **gates("z h", b=B), "zeta": "zeta[0]", "nu": "nu[0]"},
        arguments={"nonlinearity": "sigmoid"},
    ),
    "IndRNN": Layout(
        "ind_rnn", {"W": "weight_ih", "u": "vector_u", "b": "bias_ih + bias_hh"},
        arguments={"nonlinearity": "relu"},
    ),
    "IntersectionRNN": Layout("intersection_rnn", gates("y h gy gh", **PLAIN)),
    "JANET": Layout(  # whose beta is learned and kept as an array
        "janet", gates("f c", **PLAIN), consts={"beta": "beta"},
        fixed={"beta": "const beta"},
    ),
    "LiGRU": Layout("li_gru", gates("z h", **PLAIN)),
    "LightRU": Layout(
        "light_ru",
        {**gates("h f", W=W), "U_f": "weight_hh", "b_h": "bias_ih[0]",
         "b_f": "bias_ih[1] + bias_hh"},
    ),
    "MultiplicativeLSTM": Layout(
        "multiplicative_lstm",
        {"W_m": "weight_ih[0]", "U_m": "weight_hh", **gates(
            "u f g o", W="weight_ih[{k1}]", U="weight_mh[{k}]", b="bias_ih[{k1}] + bias_mh[{k}]")},
        fixed={"bias_ih[0]": "zero", "bias_hh:h": "zero"},
    ),
    "MUT1": Layout(  # torchrecurrent projects the input that the paper adds as it is
        "mut1",
        {"W_z": "weight_ih[0]", "b_z": "bias_ih[0]", "W_r": "weight_ih[1]", "U_r": "weight_hh[0]",
         "b_r": "bias_ih[1] + bias_hh[0]", "U_h": "weight_hh[1]", "b_h": "bias_hh[1]"},
        fixed={"weight_ih[2]": "identity", "bias_ih[2]": "zero"},
    ),
    "MUT2": Layout(
        "mut2",
        {**gates("z r h", U=U, b=B), "W_z": "weight_ih[0]", "W_h": "weight_ih[2]"},
        fixed={"weight_ih[1]": "identity"},
    ),
    "MUT3": Layout("mut3", gates("z r h", **PLAIN)),
    "OriginalLSTM": Layout("original_lstm", gates("u g o", **JOINED)),
    "PeepholeLSTM": Layout(
        "peephole_lstm", gates("u f g o", **JOINED) | gates("u f o", p="weight_ph[{k}]")
    ),
    "RAN": Layout(
        "ran", {"W_c": "weight_ih[0]", **gates("i f", W="weight_ih[{k1}]", U=U, b=B)}
    ),
    "ResLSTM": Layout(
        "res_lstm",
        {**gates("u f g o", **PLAIN), **gates("u f o", p="weight_ph[{k}]"),
         "W_p": "weight_proj", "W_r": "weight_res"},
    ),
    "SGRN": Layout("sgrn", {"W": "weight_ih", "U": "weight_hh", "b": "bias_ih", "b_f": "bias_hh"}),
    "STAR": Layout(
        "star",
        {**gates("z k", W=W), "U_k": "weight_hh", "b_z": "bias_ih[0]",
         "b_k": "bias_ih[1] + bias_hh"},
    ),
    "tauGRU": Layout(
        "tau_gru", gates("u z g a", **PLAIN),
        consts={"delay": ""},
    ),
    "TRNN": Layout(
        "t_rnn", {"W": "weight_ih[0]", "V": "weight_ih[1]", "b": "bias_ih[1]"},
        fixed={"bias_ih[0]": "zero"},
    ),
    "TGRU": Layout("t_gru", gates("z f o", W=W, V=U, b=B)),
    "TLSTM": Layout("t_lstm_strong", gates("z f o", W=W, V=U, b=B)),
    "UGRNN": Layout("ug_rnn", gates("c g", **PLAIN)),
    "UnICORNN": Layout(
        "unicornn",
        {"W": "weight_ih", "w": "weight_hh", "v": "weight_ch", "b": "bias_ih + bias_hh"},
        arguments={"recurrent_bias": True},
        consts={"dt": "dt", "alpha": "alpha"},
    ),
    "WMCLSTM": Layout(
        "wmc_lstm",
        {**gates("u f g o", **PLAIN), **gates("u f o", V="weight_mh[{k}]", a="bias_mh[{k}]")},
    ),
}  # fmt: skip
