"""torchrecurrent 0.2.5, cell by cell: which of ours each is, and the arrays that ours are made of.

Where its code departs from the paper there is a variant in tests/variants, which says how; what
it has and the paper has not is held fixed.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry:
    """``states`` are ours in the order of theirs; ``consts`` ours -> (their argument, value);
    ``fixed`` blocks of theirs -> "zero", "identity", or "const" for one that a const of ours is.
    ``line`` names a delay line that their layer keeps for the cell, the oldest value first.
    """

    cell: str
    params: dict[str, str]
    states: tuple[str, ...] = ("h",)
    arguments: dict[str, object] = field(default_factory=dict)
    consts: dict[str, tuple[str, float]] = field(default_factory=dict)
    fixed: dict[str, str] = field(default_factory=dict)
    line: tuple[str, ...] = ()
    square: bool = False  # the input is as wide as the state
    exact: str = "f64"  # how exact torch is


def gates(order: str, **kinds: str) -> dict[str, str]:
    """``W_f`` and so on for gates stacked in this order; {k} is a gate's place, {k1} the next."""
    return {
        f"{kind}_{gate}": text.format(k=k, k1=k + 1)
        for kind, text in kinds.items()
        for k, gate in enumerate(order.split())
    }


W, U, B = "weight_ih[{k}]", "weight_hh[{k}]", "bias_ih[{k}] + bias_hh[{k}]"
PLAIN = {"W": W, "U": U, "b": B}
JOINED = {"W": "weight_hh[{k}] | weight_ih[{k}]", "b": B}
SIMPLE = {"W": "weight_ih", "U": "weight_hh", "b": "bias_ih + bias_hh"}
BISTABLE = gates("a c h", W=W) | {
    "b_a": "bias_ih[0] + bias_hh[0]", "b_c": "bias_ih[1] + bias_hh[1]", "b_h": "bias_ih[2]",
}  # fmt: skip
SIMPLE_GATED = {
    "W_g": "weight_ih[0]", "W_z": "weight_ih[1]", "U_g": "weight_hh[0]", "U_z": "weight_hh[1]",
    "b_g": "bias_ih[0]", "b_z": "bias_ih[1] + bias_hh[1]",
}  # fmt: skip
BOTH = ("h", "c")
STEP = {"epsilon": ("epsilon", 0.25), "gamma": ("gamma", 0.125)}

ENTRIES = {
    "AntisymmetricRNN": Entry("antisymmetric_rnn", SIMPLE, consts=STEP),
    "GatedAntisymmetricRNN": Entry(
        "gated_antisymmetric_rnn",
        {"W_z": "weight_ih[0]", "W_h": "weight_ih[1]", "U": "weight_hh",
         "b_z": "bias_ih[0]", "b_h": "bias_ih[1] + bias_hh"},
        consts=STEP,
    ),
    "ATR": Entry("atr", {"W": "weight_ih", "U": "weight_hh", "b_p": "bias_ih", "b_q": "bias_hh"}),
    "BR": Entry("br", {**BISTABLE, "u_a": "weight_hh[0]", "u_c": "weight_hh[1]"}),
    "NBR": Entry("nbr", {**BISTABLE, "U_a": "weight_hh[0]", "U_c": "weight_hh[1]"}),
    "CFN": Entry(
        "cfn", {**gates("θ η", V=W, U=U, b=B), "W": "weight_ih[2]"}, fixed={"bias_ih[2]": "zero"}
    ),
    "SGU": Entry(  # in torch the derivative of the hard sigmoid is 1/6 in f32
        "sgu", SIMPLE_GATED, fixed={"bias_hh[0]": "zero"}, exact="f32"
    ),
    "DSGU": Entry(
        "dsgu", {**SIMPLE_GATED, "U_o": "weight_ho"}, fixed={"bias_hh[0]": "zero"}, exact="f32"
    ),
    "MCLSTM": Entry("memory_controller_lstm", gates("f u o m g", **PLAIN), ("v", "c")),
    "MGU": Entry("mgu", gates("f h", **JOINED)),
    "MinimalRNN": Entry(
        "minimal_rnn",
        {"W": "weight_ih", "b_z": "bias_ih", "U_h": "weight_hh", "b_u": "bias_hh",
         "U_z": "weight_mm"},
    ),
    "MiRU1": Entry(
        "mi_ru1", gates("r h", **PLAIN), consts={"update": ("update_coefficient", 0.75)}
    ),
    "MiRU2": Entry(
        "mi_ru2", SIMPLE,
        consts={"update": ("update_coefficient", 0.75), "reset": ("reset_coefficient", 0.25)},
    ),
    "coRNN": Entry(
        "co_rnn",
        {"W": "weight_ih", "U_h": "weight_hh", "U_c": "weight_ch",
         "b": "bias_ih + bias_hh + bias_ch"},
        BOTH, consts={"dt": ("dt", 0.125), "gamma": ("gamma", 2.5), "epsilon": ("epsilon", 1.5)},
    ),
    "FastRNN": Entry("fast_rnn", {**SIMPLE, "alpha": "alpha", "beta": "beta"}),
    "FastGRNN": Entry(  # by default torchrecurrent's gate is a tanh
        "fast_grnn",
        {"W": "weight_ih", "U": "weight_hh", **gates("z h", b=B), "zeta": "zeta", "nu": "nu"},
        arguments={"nonlinearity": "sigmoid"},
    ),
    "IndRNN": Entry(
        "ind_rnn", {"W": "weight_ih", "u": "vector_u", "b": "bias_ih + bias_hh"},
        arguments={"nonlinearity": "relu"},
    ),
    "IntersectionRNN": Entry("intersection_rnn", gates("y h gy gh", **PLAIN), square=True),
    "JANET": Entry(  # whose beta is learned
        "janet", gates("f c", **PLAIN), ("h", "h"), consts={"beta": ("beta", 0.75)},
        fixed={"beta": "const"},
    ),
    "LEM": Entry(
        "variants/lem",
        {**gates("2 1 c", W=W, U=U, b=B), "W_h": "weight_ih[3]", "U_h": "weight_ch",
         "b_h": "bias_ih[3] + bias_ch"},
        BOTH, consts={"dt": ("dt", 0.75)},
    ),
    "LiGRU": Entry("li_gru", gates("z h", **PLAIN)),
    "LightRU": Entry(
        "light_ru",
        {**gates("h f", W=W), "U_f": "weight_hh", "b_h": "bias_ih[0]",
         "b_f": "bias_ih[1] + bias_hh"},
    ),
    "MultiplicativeLSTM": Entry(
        "multiplicative_lstm",
        {"W_m": "weight_ih[0]", "U_m": "weight_hh", **gates(
            "u f g o", W="weight_ih[{k1}]", U="weight_mh[{k}]", b="bias_ih[{k1}] + bias_mh[{k}]")},
        BOTH, fixed={"bias_ih[0]": "zero", "bias_hh": "zero"},
    ),
    "MUT1": Entry(  # torchrecurrent projects the input that the paper adds as it is
        "mut1",
        {"W_z": "weight_ih[0]", "b_z": "bias_ih[0]", "W_r": "weight_ih[1]", "U_r": "weight_hh[0]",
         "b_r": "bias_ih[1] + bias_hh[0]", "U_h": "weight_hh[1]", "b_h": "bias_hh[1]"},
        fixed={"weight_ih[2]": "identity", "bias_ih[2]": "zero"}, square=True,
    ),
    "MUT2": Entry(
        "mut2",
        {**gates("z r h", U=U, b=B), "W_z": "weight_ih[0]", "W_h": "weight_ih[2]"},
        fixed={"weight_ih[1]": "identity"}, square=True,
    ),
    "MUT3": Entry("mut3", gates("z r h", **PLAIN)),
    "NAS": Entry("variants/nas", SIMPLE, BOTH),
    "OriginalLSTM": Entry("original_lstm", gates("u g o", **JOINED), BOTH),
    "PeepholeLSTM": Entry(
        "peephole_lstm", gates("u f g o", **JOINED) | gates("u f o", p="weight_ph[{k}]"), BOTH
    ),
    "RAN": Entry(
        "ran", {"W_c": "weight_ih[0]", **gates("i f", W="weight_ih[{k1}]", U=U, b=B)}, BOTH
    ),
    "ResLSTM": Entry(
        "res_lstm",
        {**gates("u f g o", **PLAIN), **gates("u f o", p="weight_ph[{k}]"),
         "W_p": "weight_proj", "W_r": "weight_res"},
        BOTH,
    ),
    "SCRN": Entry(  # whose alpha is learned
        "variants/scrn",
        {**gates("s h", W=W, b_i="bias_ih[{k}]"), **gates("h y", U=U, V="weight_ch[{k}]",
            b="bias_hh[{k}] + bias_ch[{k}]")},
        ("y", "s"), consts={"alpha": ("alpha", 0.75)}, fixed={"alpha": "const"},
    ),
    "SGRN": Entry("sgrn", {"W": "weight_ih", "U": "weight_hh", "b": "bias_ih", "b_f": "bias_hh"}),
    "STAR": Entry(
        "star",
        {**gates("z k", W=W), "U_k": "weight_hh", "b_z": "bias_ih[0]",
         "b_k": "bias_ih[1] + bias_hh"},
    ),
    "tauGRU": Entry(
        "tau_gru", gates("u z g a", **PLAIN), line=("prev_h_2", "prev_h_1"),
        consts={"delay": ("", 2)},
    ),
    "TRNN": Entry(
        "t_rnn", {"W": "weight_ih[0]", "V": "weight_ih[1]", "b": "bias_ih[1]"},
        fixed={"bias_ih[0]": "zero"},
    ),
    "TGRU": Entry("t_gru", gates("z f o", W=W, V=U, b=B), ("h", "prev_x_1")),
    "TLSTM": Entry("t_lstm_strong", gates("z f o", W=W, V=U, b=B), ("c", "prev_x_1")),
    "UGRNN": Entry("ug_rnn", gates("c g", **PLAIN)),
    "UnICORNN": Entry(
        "unicornn",
        {"W": "weight_ih", "w": "weight_hh", "v": "weight_ch", "b": "bias_ih + bias_hh"},
        BOTH, arguments={"recurrent_bias": True},
        consts={"dt": ("dt", 0.25), "alpha": ("alpha", 1.5)},
    ),
    "WMCLSTM": Entry(
        "wmc_lstm",
        {**gates("u f g o", **PLAIN), **gates("u f o", V="weight_mh[{k}]", a="bias_mh[{k}]")},
        BOTH,
    ),
}  # fmt: skip
