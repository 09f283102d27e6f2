"""PyTorch's own modules. ``nn.LSTM`` stacks its gates as i, f, g, o; ``nn.GRU`` as r, z, n."""

from __future__ import annotations

from .layout import Layout

BIASES = "bias_ih[{k}] + bias_hh[{k}]"


def gates(order: str, **kinds: str) -> dict[str, str]:
    """``W_f`` and so on for gates stacked in this order; {k} is a gate's place, {k1} the next."""
    return {
        f"{kind}_{gate}": text.format(k=k, k1=k + 1)
        for kind, text in kinds.items()
        for k, gate in enumerate(order.split())
    }


LSTM = gates("u f g o", W="weight_hh[{k}]:h | weight_ih[{k}]", b=BIASES)
GRU = gates("r z h", W="weight_ih[{k}]", U="weight_hh[{k}]") | gates("r z", b=BIASES) | {
    "b_h": "bias_ih[2]", "c_h": "bias_hh[2]",
}  # fmt: skip
RNN = {"W": "weight_ih", "U": "weight_hh", "b": "bias_ih + bias_hh"}

LAYOUTS = {
    "LSTM": Layout("lstm", LSTM, spelling="layers"),
    "LSTM.proj": Layout("lstm_projection", LSTM | {"W_p": "weight_hr"}, spelling="layers"),
    "GRU": Layout("gru_reset_after", GRU, spelling="layers"),
    "RNN": Layout("rnn", RNN, arguments={"nonlinearity": "tanh"}, spelling="layers"),
    "LSTMCell": Layout("lstm", LSTM),
    "GRUCell": Layout("gru_reset_after", GRU),
    "RNNCell": Layout("rnn", RNN, arguments={"nonlinearity": "tanh"}),
}
