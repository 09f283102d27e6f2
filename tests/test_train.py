"""Optimisers against closed forms, checkpoints, resuming to the same bits, interruption."""

import io
import math
import os
from dataclasses import dataclass

import numpy as np
import pytest
from rich.console import Console

from rnngraph.files import write_whole
from rnngraph.train.checkpoint import Checkpoint, CheckpointError, load, save
from rnngraph.train.loop import Diverged, Trainer
from rnngraph.train.optimisers import SGD, Adam, clip, global_norm
from rnngraph.train.progress import Progress
from rnngraph.train.rates import RATES, constant, cosine, linear


@dataclass
class Leaky:
    """A language model in NumPy with known gradients: logits = E[token] + 0.5 * state."""

    words: int = 5

    def init(self, seed=0):
        shape = (self.words, self.words)
        return {"E": np.random.default_rng(seed).normal(size=shape).astype(np.float32)}

    def run(self, params, x, state=None, *, outputs=None):
        y, state, _ = self.vjp(params, x, state)
        return y, state

    def vjp(self, params, x, state=None, *, outputs=None, wrt=None):
        start = state["s"] if state else np.zeros((x["token"].shape[1], self.words), np.float32)
        s, steps = start, []
        for token in x["token"]:
            s = np.float32(0.5) * s + params["E"][token]
            steps.append(s)
        logits = np.stack(steps)
        shifted = logits - logits.max(-1, keepdims=True)
        p = np.exp(shifted) / np.exp(shifted).sum(-1, keepdims=True)
        at = x["target"][..., None]
        loss = -np.log(np.take_along_axis(p, at, -1))[..., 0] * x["weight"]

        def pullback(dy):
            d = p.copy()
            np.put_along_axis(d, at, np.take_along_axis(d, at, -1) - 1, -1)
            d *= (x["weight"] * dy["loss"])[..., None]
            dE, ds = np.zeros_like(params["E"]), np.zeros_like(start)
            for t in range(len(d))[::-1]:
                ds = d[t] + np.float32(0.5) * ds
                np.add.at(dE, x["token"][t], ds)
            return type("Gradients", (), {"params": {"E": dE}})

        return {"logits": logits, "loss": loss}, {"s": s}, pullback


def batch(seed=0, T=6, B=4, words=5):
    rng = np.random.default_rng(seed)
    token = rng.integers(0, words, (T, B)).astype(np.int32)
    return {"token": token, "target": (token + 1) % words, "weight": np.ones((T, B), np.float32)}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


# --- optimisers ------------------------------------------------------------------------------


def test_adam_first_step_is_the_sign_of_the_gradient():
    params, grads = {"w": np.array([1.0, 2.0])}, {"w": np.array([0.3, -4.0])}
    adam = Adam()
    new, _ = adam.update(params, grads, adam.start(params), 0, 0.1)
    assert new["w"] == pytest.approx([0.9, 2.1], abs=1e-7)
    assert params["w"].tolist() == [1.0, 2.0]


def test_adam_follows_its_definition():
    adam, rng = Adam(decay=0.01), np.random.default_rng(0)
    params = {"w": rng.normal(size=3)}
    moments, m, v, w = adam.start(params), 0, 0, params["w"].copy()
    for step in range(20):
        g = rng.normal(size=3)
        params, moments = adam.update(params, {"w": g}, moments, step, 0.01)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        t = step + 1
        w = (1 - 0.01 * 0.01) * w
        w = w - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    assert params["w"] == pytest.approx(w, rel=1e-12)


def test_sgd_momentum_is_a_geometric_sum():
    sgd = SGD(momentum=0.5)
    params = {"w": np.zeros(())}
    moments = sgd.start(params)
    for step in range(4):
        params, moments = sgd.update(params, {"w": np.ones(())}, moments, step, 1.0)
    assert params["w"] == -(1 + 1.5 + 1.75 + 1.875)


@pytest.mark.peers
def test_optimisers_agree_with_torch():
    torch = pytest.importorskip("torch")
    for ours, theirs in ((Adam(), torch.optim.Adam), (SGD(), torch.optim.SGD)):
        settings = {"momentum": 0.9} if theirs is torch.optim.SGD else {}
        w = torch.nn.Parameter(torch.linspace(-1, 1, 7, dtype=torch.float64))
        other = theirs([w], lr=0.05, **settings)
        params = {"w": w.detach().numpy().copy()}
        moments = ours.start(params)
        for step in range(30):
            grad = np.cos(params["w"] * 3 + step)
            params, moments = ours.update(params, {"w": grad}, moments, step, 0.05)
            w.grad = torch.cos(w.detach() * 3 + step)
            other.step()
        assert params["w"] == pytest.approx(w.detach().numpy(), rel=1e-12)


@pytest.mark.parametrize("optimiser", [Adam(), SGD()])
def test_dtype_and_shape_are_kept(optimiser):
    params = {"w": np.ones((2, 3), np.float32), "s": np.ones((), np.float32)}
    new, moments = optimiser.update(params, params, optimiser.start(params), 0, 0.1)
    assert all(a.dtype == np.float32 for a in (*new.values(), *moments.values()))
    assert new["w"].shape == (2, 3) and new["s"].shape == ()


def test_clip_is_by_the_global_norm():
    grads = {"a": np.full(9, 1.0), "b": np.full((4, 4), -1.0)}
    assert global_norm(grads) == 5.0
    clipped, before = clip(grads, 1.0)
    assert before == 5.0 and global_norm(clipped) == pytest.approx(1.0)
    assert clip(grads, 7.0)[0]["a"] is grads["a"]


def test_rates():
    assert constant(0.1, 0.0, 10)(99) == 0.1
    assert [linear(1.0, 0.0, 4)(s) for s in (0, 1, 4, 9)] == [1.0, 0.75, 0.0, 0.0]
    assert [cosine(1.0, 0.0, 4)(s) for s in (0, 2, 4)] == pytest.approx([1.0, 0.5, 0.0])
    assert all(rate(1.0, 0.5, 0)(0) in (0.5, 1.0) for rate in RATES.values())


# --- the loop --------------------------------------------------------------------------------


def trained(trainer, moment, steps):
    while moment.step < steps:
        moment, _ = trainer.advance(moment, batch(moment.step), carry=True)
    return moment


def test_loss_falls_and_is_a_mean_over_weighted_tokens():
    trainer = Trainer(Leaky(), constant(0.1, 0, 0))
    start = trainer.start(0)
    _, first = trainer.advance(start, batch())
    masked = batch()
    masked["weight"][3:] = 0
    y, _ = Leaky().run(start.params, batch())
    assert first == pytest.approx(y["loss"].mean(), rel=1e-6)
    assert trainer.advance(start, masked)[1] == pytest.approx(y["loss"][:3].mean(), rel=1e-6)
    _, last = trainer.advance(trained(trainer, start, 100), batch())
    assert last < 0.3 * first


def test_resumed_is_bit_equal_to_unbroken(tmp_path):
    trainer = Trainer(Leaky(), cosine(0.1, 0.01, 20))
    whole = trained(trainer, trainer.start(1), 20)
    half = trained(trainer, trainer.start(1), 9)
    save(tmp_path / "c.safetensors", Checkpoint(half.params, half.moments, half.carried, half.step))
    back = load(tmp_path / "c.safetensors")
    resumed = trained(trainer, type(half)(back.params, back.moments, back.carried, back.step), 20)
    assert same(whole.params, resumed.params) and same(whole.moments, resumed.moments)
    assert same(whole.carried, resumed.carried)


def test_carry_hands_the_state_on():
    trainer = Trainer(Leaky(), constant(0.0, 0, 0))
    once, _ = trainer.advance(trainer.start(0), batch(), carry=True)
    again, carried_loss = trainer.advance(once, batch(), carry=True)
    _, fresh_loss = trainer.advance(once, batch())
    assert carried_loss != fresh_loss and not same(once.carried, again.carried)


def test_divergence_is_named():
    trainer = Trainer(Leaky(), constant(0.1, 0, 0))
    start = trainer.start(0)
    start.params["E"][:] = np.nan
    with pytest.raises(Diverged, match="step 1: loss nan"):
        trainer.advance(start, batch())


# --- checkpoints -----------------------------------------------------------------------------


def a_checkpoint(step=3):
    return Checkpoint({"W_f": np.arange(6.0).reshape(2, 3).T, "Γ": np.array(2.5, np.float32)},
                      {"mean.W_f": np.ones((3, 2))}, {"h": np.zeros((0, 4), np.float32)}, step,
                      {"hidden": 32, "characters": "ab\n🌍"}, "cell LSTM\n")


def test_checkpoint_round_trip(tmp_path):
    save(tmp_path / "deep" / "c.safetensors", a_checkpoint())
    back, there = load(tmp_path / "deep" / "c.safetensors"), a_checkpoint()
    assert (back.step, back.config, back.cell) == (there.step, there.config, there.cell)
    assert all(same(getattr(back, s), getattr(there, s)) for s in ("params", "moments", "carried"))
    assert back.params["Γ"].shape == () and back.params["Γ"].dtype == np.float32


def test_interrupted_write_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "c.safetensors"
    save(path, a_checkpoint(step=1))

    def interrupted(*_):
        raise KeyboardInterrupt
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                save(path, a_checkpoint(step=2))
        assert load(path).step == 1
        assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]


def test_written_file_has_ordinary_permissions(tmp_path):
    write_whole(tmp_path / "a", b"x")
    (tmp_path / "b").write_bytes(b"x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_what_is_no_checkpoint_is_refused(tmp_path):
    from safetensors.numpy import save_file

    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        load(tmp_path / "none")
    (tmp_path / "torn").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path / "torn")
    save_file({"a": np.zeros(2)}, tmp_path / "other")
    with pytest.raises(CheckpointError, match="no checkpoint of rnngraph"):
        load(tmp_path / "other")


# --- progress --------------------------------------------------------------------------------


def progress_output(terminal, monkeypatch=None):
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, highlight=False)
    now = iter(range(1000))
    with Progress("train", 30, console, clock=lambda: float(next(now))) as progress:
        for _ in range(30):
            progress.advance(2.0, 100, note="accuracy 50 %")
    return out.getvalue()


def test_plain_lines_where_there_is_no_terminal():
    text = progress_output(False)
    assert "\x1b" not in text and "step 30/30  loss 2.000" in text
    assert "tokens/s  accuracy 50 %" in text and "left" in text
    assert 2 < len(text.splitlines()) < 25


def test_bar_on_a_terminal_and_no_color(monkeypatch):
    assert "loss 2.000" in progress_output(True) and "\x1b[32m" in progress_output(True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in progress_output(True)


def test_loss_shown_is_smoothed():
    progress = Progress("train", 10, Console(file=io.StringIO()))
    with progress:
        progress.advance(1.0, 1)
        progress.advance(2.0, 1)
    assert math.isclose(progress.loss, 1.02)
