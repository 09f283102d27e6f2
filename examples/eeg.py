"""What the gates of a network do on a time series: a real EEG, four channels.

The recording comes with matplotlib (its sample eeg.dat: 800 samples of 4 channels). A GRU reads
one channel and learns to say where it will be two samples later; the page then shows its gates
along time, for pieces of several channels side by side.

    python examples/eeg.py            writes eeg.html and eeg.json; some seconds
"""

from __future__ import annotations

import matplotlib.cbook
import numpy as np

import rnngraph as rg
from rnngraph.explain import Trained, explain_series, write_report
from rnngraph.train.loop import Trainer
from rnngraph.train.optimisers import Adam
from rnngraph.train.rates import cosine

AHEAD, WINDOW, SHOWN, STEPS, HIDDEN = 2, 40, 24, 400, 8
FORECAST = """
cell Forecast
"A gated recurrent unit that says where a signal goes."
input  x[1], target[], weight[]
state  h[H]
param  W_z, W_r, W_n [H, 1], R_z, R_r, R_n [H, H] ~ uniform(1/sqrt(H))
param  b_z, b_r, b_n [H] = 0
param  w [H] ~ uniform(1/sqrt(H))
z = sigmoid(W_z @ x + R_z @ h + b_z)        "update gate"
r = sigmoid(W_r @ x + R_r @ h + b_r)        "reset gate"
n = tanh(W_n @ x + r * (R_n @ h) + b_n)     "candidate"
h' = (1 - z) * h + z * n                    "hidden state"
output forecast = sum(x) + w @ h'
output loss = weight * (forecast - target) * (forecast - target)
"""


def channels() -> np.ndarray:
    """The recording, [800, 4], each channel with mean 0 and standard deviation 1."""
    with matplotlib.cbook.get_sample_data("eeg.dat") as file:
        signal = np.frombuffer(file.read(), float).reshape(800, 4)
    return (signal - signal.mean(0)) / signal.std(0)


def inputs(signal: np.ndarray, starts: np.ndarray, length: int) -> dict[str, np.ndarray]:
    """Pieces of all channels, one a row of the batch."""
    at = np.arange(length)[:, None] + starts
    x, target = (signal[at + shift].reshape(length, -1) for shift in (0, AHEAD))
    return {"x": x[..., None].astype(np.float32), "target": target.astype(np.float32),
            "weight": np.ones(x.shape, np.float32)}


def main(page: str = "eeg.html", steps: int = STEPS) -> None:
    """Train for so many steps and write the page."""
    signal, rng = channels(), np.random.default_rng(0)
    cell = rg.parse(FORECAST)
    bound = cell.bind(H=HIDDEN)
    model = bound.compile()
    trainer = Trainer(model, cosine(1e-2, 1e-3, steps), Adam())
    moment = trainer.start(0)
    for _ in range(steps):
        starts = rng.integers(0, 600 - WINDOW - AHEAD, 16)
        moment, _ = trainer.advance(moment, inputs(signal, starts, WINDOW))
    unseen = inputs(signal, np.array([640, 680, 720]), WINDOW)
    y, _ = model.run(moment.params, unseen, outputs=("forecast",))
    still = np.mean((unseen["target"] - unseen["x"][..., 0]) ** 2)
    error = np.mean((unseen["target"] - y["forecast"]) ** 2)
    print(f"squared error {AHEAD} samples ahead: {error:.3f} on unseen samples "
          f"(saying that nothing moves: {still:.3f})")
    known = Trained(bound, model, moment.params, {"H": HIDDEN})
    made = explain_series(
        known, inputs(signal, np.array([640]), SHOWN), rows=[0, 1, 2, 3], output="forecast",
        times=[f"{640 + t}" for t in range(SHOWN)], names=[f"channel {k}" for k in range(4)])
    for path in write_report({**made, "title": "What the gates do on an EEG"}, page):
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
