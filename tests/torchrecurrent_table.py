"""torchrecurrent 0.2.5, cell by cell: how it is run beside ours, where that is not the usual way.

Layouts are the product's. Where its code departs from the paper there is a variant in
tests/variants, which says how, with a layout here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rnngraph.adapters import Layout
from rnngraph.adapters.torch import RNN, gates
from rnngraph.adapters.torchrecurrent import LAYOUTS as OF_LIBRARY
from rnngraph.adapters.torchrecurrent import B, U, W


@dataclass(frozen=True)
class Running:
    """``states`` are ours in the order of theirs; ``consts`` values of ours, far from defaults.
    ``line`` names a delay line that their layer keeps for the cell, the oldest value first.
    """

    states: tuple[str, ...] = ("h",)
    consts: dict[str, float] = field(default_factory=dict)
    line: tuple[str, ...] = ()
    square: bool = False  # the input is as wide as the state
    exact: str = "f64"  # how exact torch is


BOTH = Running(("h", "c"))
SQUARE = Running(square=True)
STEP = Running(consts={"epsilon": 0.25, "gamma": 0.125})
ROUNDED = Running(exact="f32")  # in torch the derivative of the hard sigmoid is 1/6 in f32
RUNNING = {
    "AntisymmetricRNN": STEP,
    "GatedAntisymmetricRNN": STEP,
    "SGU": ROUNDED,
    "DSGU": ROUNDED,
    "MCLSTM": Running(("v", "c")),
    "MiRU1": Running(consts={"update": 0.75}),
    "MiRU2": Running(consts={"update": 0.75, "reset": 0.25}),
    "coRNN": Running(("h", "c"), {"dt": 0.125, "gamma": 2.5, "epsilon": 1.5}),
    "IntersectionRNN": SQUARE,
    "JANET": Running(("h", "h"), {"beta": 0.75}),
    "LEM": Running(("h", "c"), {"dt": 0.75}),
    "MultiplicativeLSTM": BOTH,
    "MUT1": SQUARE,
    "MUT2": SQUARE,
    "NAS": BOTH,
    "OriginalLSTM": BOTH,
    "PeepholeLSTM": BOTH,
    "RAN": BOTH,
    "ResLSTM": BOTH,
    "SCRN": Running(("y", "s"), {"alpha": 0.75}),
    "tauGRU": Running(consts={"delay": 2}, line=("prev_h_2", "prev_h_1")),
    "TGRU": Running(("h", "prev_x_1")),
    "TLSTM": Running(("c", "prev_x_1")),
    "UnICORNN": Running(("h", "c"), {"dt": 0.25, "alpha": 1.5}),
    "WMCLSTM": BOTH,
}
LAYOUTS = OF_LIBRARY | {
    "LEM": Layout(
        "variants/lem",
        {**gates("2 1 c", W=W, U=U, b=B), "W_h": "weight_ih[3]", "U_h": "weight_ch",
         "b_h": "bias_ih[3] + bias_ch"},
        consts={"dt": "dt"},
    ),
    "NAS": Layout("variants/nas", RNN),
    "SCRN": Layout(  # whose alpha is learned
        "variants/scrn",
        {**gates("s h", W=W, b_i="bias_ih[{k}]"), **gates("h y", U=U, V="weight_ch[{k}]",
            b="bias_hh[{k}] + bias_ch[{k}]")},
        consts={"alpha": "alpha"}, fixed={"alpha": "const alpha"},
    ),
}  # fmt: skip
