"""`rnngraph demo`: a cell that knows the agreement language, its carrying unit, and all its gates.

Stored weights make it a matter of seconds; any other cell or setting is trained afresh.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..cell import Cell, load
from ..compiled import Compiled
from ..explain import Trained, explain_sentences, need_d3, trained, write_report
from ..extras import need
from ..tasks.agreement import MISSION, Agreement, Batches
from ..tasks.grammar import Analysis, analyse, other_number
from ..tasks.vocabulary import vocabulary
from ..train.checkpoint import Checkpoint, save
from ..train.language_model import language_model, sizes_of
from ..train.loop import LOGITS, WEIGHT, Arrays, Model, Moment, Trainer, reading
from ..train.optimisers import Adam
from ..train.progress import Progress
from ..train.progress import console as standard_console
from ..train.rates import cosine
from . import caption, picture
from .caption import percent
from .carrier import Carrier, carrier_of
from .panel import rows_of
from .scores import Scores, accuracy, scores, show

if TYPE_CHECKING:
    from rich.console import Console

STORED = Path(__file__).with_name("agreement_lstm.safetensors")  # `--train` made it
GOAL = 0.99  # validation accuracy
BATCH, VALIDATE_EVERY = 64, 50
RATES, DECAY = (1e-2, 5e-4), 0.1  # the decay is what makes five attractors come out right too


@dataclass(frozen=True)
class DemoResult:
    """What the demo found: accuracies (validation, and of every split by the number that its
    sentences have), the carrying unit, what the gate did in the two sentences and why one set of
    weights could do both, the files written."""

    validation: float
    scores: Scores
    carrier: Carrier
    story: list[str]
    files: list[Path]


def run(folder: str | Path = "rnngraph-demo", *, cell: Cell | None = None, hidden: int = 32,
        embedding: int = 16, sizes: Mapping[str, int] | None = None, seed: int = 7,
        regime: str = "balanced", steps: int = 3000, seconds: float = 60.0, train: bool = True,
        console: Console | None = None) -> DemoResult:
    """Run the demo into a folder (made if need be).

    cell: any cell with one real vector input and a state (default: the library's lstm); hidden,
    embedding and sizes bind its sizes as in `language_model`. regime: of the sentences it learns
    from (see `Agreement`); in "rare" ones few nouns mislead, as in real text. Training takes
    `steps` steps, or `seconds` seconds if these are over earlier. Ctrl-C ends the training and
    shows what there is.
    train=False takes the stored weights, which are those of all defaults, and nothing else counts.
    Writes gates.png, gates.svg, cell.svg, weights.safetensors, report.html and report.json.
    Raises ValueError for a cell that cannot be a language model, ImportError without matplotlib
    or mpld3.
    """
    need("matplotlib", "plot", "the picture")
    need_d3()
    out, folder = console or standard_console(), Path(folder)
    known, validation = (_trained(cell or load("lstm"), hidden, embedding, sizes,
                                  Agreement(seed, regime), steps, seconds, out)
                         if train else _stored(out))
    folder.mkdir(parents=True, exist_ok=True)
    found = scores(known.model, known.params, _language(known))
    show(found, out)
    made = explain_sentences(known, MISSION)
    carrier = carrier_of(made, known.cell.graph)
    files = [*_draw(known, carrier, folder), _save_weights(folder, known),
             *write_report(made, folder / "report.html")]
    told: list[str] = made["story"]
    out.print("\n", "\n\n".join([caption.ablation(carrier), *told]), "\n", sep="", markup=False,
              soft_wrap=False)
    out.print("\n".join(f"wrote {file}" for file in files), markup=False)
    return DemoResult(validation, found, carrier, told, files)


def _stored(out: Console) -> tuple[Trained, float]:
    known = trained(STORED, load("lstm"))
    data = _language(known)
    _print_task(known, "has learnt", len(data.train), out)
    validation = accuracy(known.model, known.params, data.validation)
    out.print(f"accuracy on unseen sentences: {percent(validation)}, with stored weights (--train "
              "trains afresh)", markup=False)
    return known, validation


def _trained(cell: Cell, hidden: int, embedding: int, sizes: Mapping[str, int] | None,
             data: Agreement, steps: int, seconds: float, out: Console) -> tuple[Trained, float]:
    model = language_model(cell, len(vocabulary()), embedding=embedding, hidden=hidden,
                           sizes=sizes).compile()
    bound = sizes_of(cell, embedding, hidden, sizes)
    known = Trained(cell.bind(None, **bound), model, {}, bound, vocabulary().words,
                    agreement=data)
    _print_task(known, "learns", len(data.train), out)
    params, validation = _train(model, data, steps, seconds, out)
    return replace(known, params=params), validation


def _language(known: Trained) -> Agreement:
    return known.agreement or Agreement()


def _print_task(known: Trained, learns: str, count: int, out: Console) -> None:
    out.print(f"{known.cell.name} ({_listed(known.sizes)}) {learns} to predict the next word of "
              f"{count:,} sentences such as\n  {MISSION[0]}\n  {MISSION[1]}", markup=False)


def _train(model: Model, data: Agreement, steps: int, seconds: float, out: Console
           ) -> tuple[Arrays, float]:
    trainer = Trainer(model, cosine(*RATES, steps), Adam(decay=DECAY), seed=data.seed)
    moment, reached = trainer.start(data.seed), ""
    batches = Batches(data.train, BATCH, data.seed)
    data.validation  # noqa: B018  (made before the clock starts)
    began = time.monotonic()
    try:
        with Progress("train", steps, out, unit="words") as progress:
            while moment.step < steps and time.monotonic() - began < seconds:
                batch = batches.at(moment.step).inputs
                moment, loss = trainer.advance(moment, batch)
                note = ""
                if moment.step % VALIDATE_EVERY == 0:
                    share = accuracy(model, moment.params, data.validation)
                    note = f"accuracy {percent(share)}"
                    if share >= GOAL and not reached:
                        reached = f"{percent(GOAL)} {_at(moment, began)}, "
                progress.advance(loss, int(batch[WEIGHT].sum()), note)
    except KeyboardInterrupt:
        out.print("stopped")
    share = accuracy(model, moment.params, data.validation)
    warning = "" if share >= GOAL else f"; below {percent(GOAL)}, so read on with care"
    out.print(f"accuracy on unseen sentences: {reached}{percent(share)} {_at(moment, began)}"
              f"{warning}", markup=False)
    return moment.params, share


def _at(moment: Moment, began: float) -> str:
    return f"after {moment.step:,} steps ({time.monotonic() - began:.1f} s)"


def _draw(known: Trained, carrier: Carrier, folder: Path) -> list[Path]:
    """Draw the picture and the diagram; the files."""
    pairs = [(analyse(text), analyse(other_number(text))) for text in MISSION]
    columns = [picture.Column((one.words, other.words), one.verb) for one, other in pairs]
    traces = [_trace(known.model, known.params, pair) for pair in pairs]
    rows = [*rows_of(known.cell.graph, carrier, traces), _preference(pairs, traces)]
    figure = picture.draw(
        caption.headline(carrier), f"{caption.ablation(carrier)}\nA point is a value just after "
        "the word was read. The weights are the same at every point. The arrow marks where the "
        "verb is chosen.", columns, rows, ("The cat …", "The cats …"))
    return [*picture.save(figure, folder / "gates"),
            known.cell.diagram().render(folder / "cell.svg")]


def _trace(model: Compiled, params: Arrays, pair: tuple[Analysis, Analysis]) -> Arrays:
    """Named values [words, 2, ...] for both versions of a sentence, without the leading <s>."""
    tokens = np.stack([vocabulary().encode(("<s>", *one.words)) for one in pair], 1)
    inputs = reading(tokens)
    y, _ = model.run(params, inputs, outputs=(LOGITS,))
    y |= model.trace(params, inputs)
    return {name: value[1:] for name, value in y.items() if value.shape[:2] == tokens.shape}


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


def _save_weights(folder: Path, known: Trained) -> Path:
    path = folder / "weights.safetensors"
    config = {"task": "agreement", "words": known.tokens, "sizes": dict(known.sizes),
              "seed": _language(known).seed, "regime": _language(known).regime}
    save(path, Checkpoint(known.params, config=config, cell=known.cell.text))
    return path


def _listed(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sizes.items())
