"""`rnngraph demo`: train any cell on the agreement language, find the carrying unit, show gates."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..cell import Cell, load
from ..passes.hold import hold
from ..tasks.agreement import MISSION, Agreement, Batches, Sentences
from ..tasks.grammar import Analysis, analyse, other_number
from ..tasks.vocabulary import vocabulary
from ..train.checkpoint import Checkpoint, save
from ..train.language_model import language_model, sizes_of
from ..train.loop import LOGITS, TARGET, TOKEN, WEIGHT, Arrays, Model, Trainer
from ..train.progress import Progress
from ..train.progress import console as standard_console
from ..train.rates import cosine
from . import explanation, picture
from .carrier import Carrier, find_carrier, units_of
from .panel import rows_of

if TYPE_CHECKING:
    from rich.console import Console

GOAL = 0.99  # validation accuracy
ATTRACTORS = range(6)
BATCH, RATES, VALIDATE_EVERY = 64, (5e-3, 5e-4), 100
ABLATION_SENTENCES = 200


class TracedModel(Model, Protocol):
    """A compiled language model that also gives its named values."""

    def trace(self, params: Arrays, x: Arrays) -> Arrays:
        """Every named value and every state's next value by name, [T, B, *shape]."""


@dataclass(frozen=True)
class DemoResult:
    """What the demo found: accuracies, the carrying unit, the explanation, the files written."""

    validation: float
    attractors: dict[int, float]
    carrier: Carrier
    explanation: list[str]
    files: list[Path]


def run(folder: str | Path = "rnngraph-demo", *, cell: Cell | None = None, hidden: int = 32,
        embedding: int = 16, sizes: Mapping[str, int] | None = None, seed: int = 0,
        steps: int = 3000, seconds: float = 60.0, console: Console | None = None) -> DemoResult:
    """Run the demo into a folder (made if need be).

    cell: any cell with one real vector input and a state (default: the library's lstm); hidden,
    embedding and sizes bind its sizes as in `language_model`. Training takes `steps` steps, or
    `seconds` seconds if these are over earlier. Ctrl-C ends the training and shows what there is.
    Writes weights.safetensors, gates.png, gates.svg, and the diagram of the cell.
    Raises ValueError for a cell that cannot be a language model.
    """
    out, folder = console or standard_console(), Path(folder)
    cell = cell or load("lstm")
    data, bound = Agreement(seed), sizes_of(cell.graph, embedding, hidden, sizes)
    whole = language_model(cell, len(vocabulary()), sizes=bound)
    folder.mkdir(parents=True, exist_ok=True)
    out.print(f"{cell.graph.title} ({_sizes(bound)}) learns {len(data.train):,} sentences such as "
              f"\"{MISSION[0]}\"", markup=False)
    model = whole.compile()
    params, validation = _train(model, data, seed, steps, seconds, out)
    attractors = {k: accuracy(model, params, data.attr(k)) for k in ATTRACTORS}
    _print_accuracies(attractors, out)
    held = Cell(hold(whole.graph, list(cell.graph.states))).compile()
    keep = {state: f"keep({state})" for state in cell.graph.states}
    sentences = data.attr(1)[:ABLATION_SENTENCES]
    carrier = find_carrier(held, params, sentences, units_of(cell.graph, bound), keep)
    text, files = _show(cell, model, params, carrier, folder)
    files.append(_save_weights(folder, params, cell, bound, seed))
    out.print("\n".join(["", *text, "", *(f"wrote {file}" for file in files)]), markup=False)
    return DemoResult(validation, attractors, carrier, text, files)


def accuracy(model: Model, params: Arrays, sentences: Sentences) -> float:
    """The share of sentences whose verb form the model prefers to the other form."""
    y, _ = model.run(params, _typed(sentences.next_word, params))
    return float(sentences.right(y[LOGITS]).mean())


def _train(model: Model, data: Agreement, seed: int, steps: int, seconds: float, out: Console
           ) -> tuple[Arrays, float]:
    trainer = Trainer(model, cosine(*RATES, steps))
    moment, batches, reached = trainer.start(seed), Batches(data.train, BATCH, seed), 0.0
    data.validation  # noqa: B018  (made before the clock starts)
    began = time.monotonic()
    try:
        with Progress("train", steps, out, unit="words") as progress:
            while moment.step < steps and time.monotonic() - began < seconds:
                batch = _typed(batches.at(moment.step).next_word, moment.params)
                moment, loss = trainer.advance(moment, batch)
                note = ""
                if moment.step % VALIDATE_EVERY == 0:
                    reached = accuracy(model, moment.params, data.validation)
                    note = f"accuracy {100 * reached:.1f} %"
                progress.advance(loss, int((batch[WEIGHT] > 0).sum()), note)
    except KeyboardInterrupt:
        out.print(f"stopped after step {moment.step:,}")
    reached = accuracy(model, moment.params, data.validation)
    out.print(f"validation accuracy {100 * reached:.2f} % after {moment.step:,} steps and "
              f"{time.monotonic() - began:.0f} s" + ("" if reached >= GOAL else
              f": less than {100 * GOAL:.0f} %, so read what follows with care"))
    return moment.params, reached


def _typed(inputs: Arrays, params: Arrays) -> Arrays:
    dtype = next(iter(params.values())).dtype
    return inputs | {WEIGHT: inputs[WEIGHT].astype(dtype, copy=False)}


def _print_accuracies(attractors: Mapping[int, float], out: Console) -> None:
    out.print("\naccuracy by number of attractors (nouns of the other number before the verb):")
    for k, share in attractors.items():
        out.print(f"  {k}  {100 * share:5.1f} %  {'█' * round(30 * share)}", markup=False)


def _show(cell: Cell, model: TracedModel, params: Arrays, carrier: Carrier, folder: Path
          ) -> tuple[list[str], list[Path]]:
    """Draw the picture and the diagram; the explanation and the files."""
    pairs = [(analyse(text), analyse(other_number(text))) for text in MISSION]
    columns = [picture.Column((one.words, other.words), one.verb) for one, other in pairs]
    traces = [_trace(model, params, pair) for pair in pairs]
    rows = rows_of(cell.graph, carrier, traces)
    preference = _preference(pairs, traces)
    text = [explanation.ablation(carrier), explanation.memory(carrier, rows, columns),
            explanation.choice(preference, columns)]
    gate = explanation.same_word(rows, columns)
    figure = picture.draw(
        explanation.headline(carrier), f"{text[0]}\nA point is a value just after the word was "
        "read. The weights are the same at every point; the arrow marks where the verb is chosen.",
        columns, [*rows, preference], ("The cat …", "The cats …"))
    diagram = cell.diagram().render(str(folder / "cell"), format="svg", cleanup=True)
    return text + ([gate] if gate else []), [*picture.save(figure, folder / "gates"),
                                             Path(diagram)]


def _trace(model: TracedModel, params: Arrays, pair: tuple[Analysis, Analysis]) -> Arrays:
    """Named values [words, 2, ...] for both versions of a sentence, without the leading <s>."""
    tokens = np.stack([vocabulary().encode(("<s>", *one.words)) for one in pair], 1)
    inputs = {TOKEN: tokens, TARGET: np.zeros_like(tokens),
              WEIGHT: np.zeros(tokens.shape, np.float32)}
    y, _ = model.run(params, _typed(inputs, params))
    values = model.trace(params, _typed(inputs, params))
    return {name: value[1:] for name, value in {**values, **y}.items()}


def _preference(pairs: list[tuple[Analysis, Analysis]], traces: list[Arrays]) -> picture.Row:
    """The share of the singular form in what the model gives the two forms of the verb."""
    ids, shares = vocabulary().ids, []
    for (one, other), trace in zip(pairs, traces, strict=True):
        singular, plural = ids[one.words[one.verb]], ids[other.words[other.verb]]
        ahead = trace[LOGITS][..., singular] - trace[LOGITS][..., plural]
        shares.append(1 / (1 + np.exp(-ahead.astype(np.float64))).T)
    one, other = pairs[0]
    forms = one.words[one.verb], other.words[other.verb]
    return picture.Row("", f"p({forms[0]}) against p({forms[1]})", tuple(shares), (0.0, 1.0),
                       (forms[1], forms[0]), decides=True)


def _save_weights(folder: Path, params: Arrays, cell: Cell, sizes: Mapping[str, int], seed: int
                  ) -> Path:
    path = folder / "weights.safetensors"
    config = {"task": "agreement", "words": vocabulary().words, "sizes": dict(sizes), "seed": seed}
    save(path, Checkpoint(params, config=config, cell=cell.text))
    return path


def _sizes(bound: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in bound.items())
