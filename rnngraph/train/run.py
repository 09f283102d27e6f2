"""`rnngraph train`: a character model on any text, resumable, with held-out nats and a sample.

The folder holds `last.safetensors` (to go on from) and `best.safetensors` (lowest validation loss,
to sample from and to look into).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrangement import stack
from ..cell import Cell
from ..tasks import text as texts
from ..tasks.text import Streams, Text
from .characters import nats_per_character, sample
from .checkpoint import AGAIN, Checkpoint, CheckpointError, load, save, stored_cell
from .language_model import language_model
from .loop import Model, Moment, Trainer
from .optimisers import OPTIMISERS
from .progress import Progress
from .progress import console as standard_console
from .rates import RATES

if TYPE_CHECKING:
    from rich.console import Console

LAST, BEST = "last.safetensors", "best.safetensors"


@dataclass(frozen=True)
class Setting:
    """What a character model is trained with; stored in its checkpoints."""

    hidden: int = 128
    layers: int = 1
    embedding: int = 64
    sizes: Mapping[str, int] = field(default_factory=dict)
    batch: int = 32
    window: int = 64
    encoding: str = "utf-8"
    held_out: float = 0.1
    epochs: float = 5.0
    steps: int | None = None
    optimiser: str = "adam"
    schedule: str = "cosine"
    rate: float = 3e-3
    last_rate: float = 3e-4
    clip: float = 1.0
    seed: int = 0
    dtype: str = "f32"
    validate_every: int = 500
    checkpoint_every: int | None = None
    threads: int = 1

    def read(self, path: str | Path, characters: str | None = None) -> Text:
        """The text in its three parts, by a fixed vocabulary if one is given."""
        parts = (1 - 2 * self.held_out, self.held_out, self.held_out)
        return texts.read(path, characters=characters, encoding=self.encoding, fractions=parts)

    def model(self, cell: Cell, characters: int) -> Cell:
        """The model of so many characters around a cell, with sizes bound."""
        whole = stack(cell, layers=self.layers)
        return language_model(whole, characters, embedding=self.embedding, hidden=self.hidden,
                              sizes=self.sizes)


@dataclass(frozen=True)
class TextResult:
    """How a training ended: nats per character on held-out text (nan if it was interrupted)."""

    folder: Path
    steps: int
    validation: float
    test: float
    sample: str
    interrupted: bool


def train_text(cell: Cell | None, text_path: str | Path, folder: str | Path, *,
               resume: bool = False, prime: str = "", sample_length: int = 300,
               temperature: float = 0.8, console: Console | None = None,
               **setting: Any) -> TextResult:
    """Train a character model around `cell` on a text file; see `Setting` for the settings.

    With resume=True training goes on from folder/last.safetensors, to the same bits as if it had
    never stopped: cell and settings are the checkpoint's, except `steps`, `epochs`,
    `checkpoint_every` and `threads` if given. Ctrl-C saves the last finished step and returns.
    Raises TextError, CheckpointError or ValueError with the reason if the text, the folder or a
    setting will not do.
    """
    job = _resumed(cell, text_path, Path(folder), setting) if resume else _begun(
        cell, text_path, Path(folder), setting)
    out = console or standard_console()
    interrupted = not _train(job, out)
    if interrupted:
        out.print(f"Stopped after step {job.moment.step:,}. It is kept in {job.folder / LAST}; "
                  "resume to go on from there.", markup=False)
        return TextResult(job.folder, job.moment.step, job.best, float("nan"), "", True)
    best = job.folder / BEST
    params = load(best).params if best.exists() else job.moment.params
    test = nats_per_character(job.model, params, job.streams(job.text.test))
    drawn = sample(job.model, params, job.text.characters, length=sample_length, prime=prime,
                   temperature=temperature, seed=job.setting.seed)
    out.print(f"held out: {job.best:.4f} nats per character (validation), {test:.4f} (test)\n\n"
              f"{drawn}", markup=False)
    return TextResult(job.folder, job.moment.step, job.best, test, drawn, False)


@dataclass
class _Job:
    setting: Setting
    cell: Cell
    text: Text
    folder: Path
    model: Model
    trainer: Trainer
    moment: Moment
    best: float = float("inf")

    def streams(self, ids: np.ndarray) -> Streams:
        """Held-out text in at most as many streams as training has."""
        return Streams(ids, min(self.setting.batch, len(ids) - 1), self.setting.window)

    def save(self, name: str) -> None:
        moment = self.moment
        config = {"setting": asdict(self.setting), "characters": self.text.characters,
                  "best": self.best if np.isfinite(self.best) else None}
        save(self.folder / name, Checkpoint(moment.params, moment.moments, moment.carried,
                                            moment.step, config, self.cell.text))


def _begun(cell: Cell | None, text_path: str | Path, folder: Path, setting: dict[str, Any]
           ) -> _Job:
    if cell is None:
        raise ValueError("a training that does not resume needs a cell")
    if (folder / LAST).exists():
        raise CheckpointError(f"{folder / LAST} holds a training already: resume it, or give "
                              "another folder")
    chosen = _checked(Setting(**setting))
    job = _prepared(chosen, cell, chosen.read(text_path), folder)
    job.moment = job.trainer.start(chosen.seed)
    return job


def _resumed(cell: Cell | None, text_path: str | Path, folder: Path, setting: dict[str, Any]
             ) -> _Job:
    stored = load(folder / LAST)
    if cell is not None and cell.text != stored.cell:
        raise CheckpointError(f"{folder / LAST} was trained with another cell than {cell.name}")
    lengths = {name: setting[name] for name in ("steps", "epochs", "checkpoint_every", "threads")
               if setting.get(name)}
    if "epochs" in lengths and "steps" not in lengths:
        lengths["steps"] = None  # the stored number of steps is that of the stored epochs
    chosen = _checked(replace(Setting(**stored.config["setting"]), **lengths))
    text = chosen.read(text_path, stored.config["characters"])
    job = _prepared(chosen, cell or stored_cell(stored, folder / LAST, AGAIN), text, folder)
    job.moment = Moment(stored.params, stored.moments, stored.carried, stored.step)
    job.best = stored.config["best"] if stored.config["best"] is not None else float("inf")
    return job


def _checked(setting: Setting) -> Setting:
    for name, known in (("optimiser", OPTIMISERS), ("schedule", RATES)):
        if getattr(setting, name) not in known:
            raise ValueError(f"{name} is '{getattr(setting, name)}'; it is one of "
                             f"{', '.join(known)}")
    for name in ("hidden", "layers", "embedding", "batch", "window", "validate_every",
                 "checkpoint_every", "threads"):
        value = getattr(setting, name)
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")
    if not 0 < setting.held_out < 0.5:
        raise ValueError(f"held_out is {setting.held_out}; it must be between 0 and 0.5")
    return setting


def _prepared(setting: Setting, cell: Cell, text: Text, folder: Path) -> _Job:
    model = setting.model(cell, len(text.characters)).compile(
        dtype=setting.dtype, threads=setting.threads
    )
    passage = len(Streams(text.train, setting.batch, setting.window))
    steps = setting.steps or max(1, round(setting.epochs * passage))
    setting = replace(setting, steps=steps)
    rate = RATES[setting.schedule](setting.rate, setting.last_rate, steps)
    trainer = Trainer(model, rate, OPTIMISERS[setting.optimiser](), setting.clip,
                      setting.seed, setting.checkpoint_every)
    return _Job(setting, cell, text, folder, model, trainer, Moment({}, {}))


def _train(job: _Job, out: Console) -> bool:
    """Train to the end; False if Ctrl-C came first. What is finished is saved either way."""
    streams = Streams(job.text.train, job.setting.batch, job.setting.window)
    total = job.setting.steps or 0
    try:
        with Progress("train", total, out, job.moment.step, "chars") as progress:
            while job.moment.step < total:
                window = streams.at(job.moment.step)
                if window.fresh:
                    job.moment = replace(job.moment, carried={})
                job.moment, loss = job.trainer.advance(job.moment, window.inputs, carry=True)
                note = _validated(job) if _is_due(job) else ""
                progress.advance(loss, int(window.weight.sum()), note)
    except KeyboardInterrupt:
        job.save(LAST)
        return False
    return True


def _is_due(job: _Job) -> bool:
    return job.moment.step % job.setting.validate_every == 0 or (
        job.moment.step == job.setting.steps)


def _validated(job: _Job) -> str:
    """Measure the validation part, save, and tell."""
    held_out = nats_per_character(job.model, job.moment.params, job.streams(job.text.validation))
    if held_out < job.best:
        job.best = held_out
        job.save(BEST)
    job.save(LAST)
    return f"held out {held_out:.3f}"
