"""``rnngraph characters``: everything that is to be seen of a character model, in one folder.

    report.html       all of it, in one file        saturation.png  errors.png  brackets.png
    report.json       the numbers                   ngrams.npz      to be used again
    UNIT.png          the text by one unit
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..extras import need
from ..files import write_whole
from ..inspect import saturation
from ..inspect.figures import png
from ..inspect.figures import saturation as saturation_figure
from ..inspect.lstmvis import export
from ..inspect.saturation import range_of
from ..passes.override import overridable
from ..progress import counting
from ..tasks.ngrams import nats
from ..tasks.text import Text
from ..train.loop import Array, Arrays
from ..train.progress import console as standard_console
from . import highlight, pictures
from .baseline import ngram_models
from .brackets import closings
from .errors import peel
from .examination import Examination
from .features import features, followers
from .page import page
from .trained import Trained, open_trained

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text as RichText

ON_SCREEN = 320  # characters by each unit


@dataclass(frozen=True)
class Options:
    """What to look at: characters that are traced and shown, orders of n-grams, and units by hand
    ("c:17")."""

    traced: int = 10_000
    shown: int = 1_200
    order: int = 20
    units: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unit:
    """A unit to show: the name of its value, its number, and why."""

    name: str
    number: int
    why: str


def examine(model: str | Path, text_path: str | Path, folder: str | Path,
            options: Options | None = None, *, ngrams: Path | None = None,
            lstmvis: str | Path | None = None, console: Console | None = None) -> Examination:
    """Examine a trained model on the text it was trained with; write a folder (made if need be).

    model: a folder of ``rnngraph train``, or a checkpoint; ngrams: where the n-gram models are kept
    (default: in the folder); lstmvis: a folder for the traces as a data set of LSTMVis. Raises
    CheckpointError, TextError, or ValueError for a unit that the model does not have; ImportError
    without matplotlib, or without h5py for LSTMVis.
    """
    need("matplotlib", "plot", "the report")
    if lstmvis is not None:
        need("h5py", "lstmvis", "the LSTMVis export")
    options, out, folder = options or Options(), console or standard_console(), Path(folder)
    trained = open_trained(model)
    text = trained.setting.read(text_path, trained.characters)
    chosen = [_unit(trained, word) for word in options.units]
    folder.mkdir(parents=True, exist_ok=True)
    out.print(f"{trained.title}, after {trained.step:,} steps; {len(text.test):,} characters of "
              "held-out text", markup=False)
    with counting(options.order + 3, "elapsed", out) as tell:
        tell("what the model expects")
        p = trained.probabilities(text.test)
        # the first character of the text has nothing before it, and no model is asked for it
        models = [q[1:] for q in ngram_models(
            text, text.test, options.order, ngrams or folder / "ngrams.npz",
            lambda n: tell(f"{n}-grams"))]
        tell("gates and errors")
        found, traced = _found(trained, text, p, models, options)
        chosen += [Unit(one.name, one.unit, f"{one.feature}, r = {one.correlation:+.2f}")
                   for one in found.followers]
        tell("pictures")
        lines = _write(folder, trained, text, found, traced, chosen, options)
    if lstmvis is not None:
        export(lstmvis, text.test[:options.traced], text.characters, traced, name=trained.title)
    for title, line in lines if out.is_terminal else ():
        out.print(f"\n{title}", markup=False)
        out.print(line)
    _tell(out, folder, found)
    return found


def _found(trained: Trained, text: Text, p: Array, models: list[Array], options: Options
           ) -> tuple[Examination, Arrays]:
    part = text.test[:options.traced]
    traced = trained.traced(part, trained.names)
    matrices = {name: v.reshape(len(v), -1) for name, v in traced.items() if v.ndim > 2}
    predicted = text.decode(text.test[1:])
    beside = {trained.title: p, f"{len(models)}-gram": models[-1]}
    return Examination(
        trained.title, nats(p), [nats(q) for q in models], saturation(trained.compiled, traced),
        followers(features(text.decode(part)), matrices),
        peel(predicted, p, models, text.decode(text.train)), closings(predicted, beside),
    ), matrices  # fmt: skip


def _unit(trained: Trained, word: str) -> Unit:
    """The unit that ``layer1.c:17`` names."""
    name, _, number = word.rpartition(":")
    if name not in trained.names or not number.isdigit():
        raise ValueError(f"there is no unit '{word}'; one is named like {trained.names[0]}:0, with "
                         f"the names {', '.join(trained.names)}")
    if int(number) >= trained.width(name):
        raise ValueError(f"'{name}' has the units 0 to {trained.width(name) - 1}, and no {number}")
    return Unit(name, int(number), "chosen")


def _write(folder: Path, trained: Trained, text: Text, found: Examination, traced: Arrays,
           units: list[Unit], options: Options) -> list[tuple[str, RichText]]:
    """Write the files; titles and the beginning of the text by each unit, for a terminal."""
    shown = text.decode(text.test[:options.shown])
    ends = {name: range_of(node) for name, node in overridable(trained.compiled.graph).items()}
    figures = {"errors": pictures.errors_picture(found.onion, f"{found.onion.errors:,} errors")}
    if found.saturation:
        figures["saturation"] = saturation_figure(found.saturation)
    if found.closings:
        figures["brackets"] = pictures.closings_picture(found.closings)
    coloured, lines = [], []
    for unit in dict.fromkeys(units):
        values = highlight.scaled(traced[unit.name][:, unit.number], ends.get(unit.name))
        values, title = values[:len(shown)], f"{unit.name}, unit {unit.number}: {unit.why}"
        coloured.append((title, highlight.as_html(shown, values)))
        lines.append((title, highlight.as_terminal(shown[:ON_SCREEN], values[:ON_SCREEN])))
        figures[f"{unit.name}-{unit.number}"] = highlight.as_picture(shown, values, title)
    drawn = {name: png(figure) for name, figure in figures.items()}
    for name, content in drawn.items():
        write_whole(folder / f"{name}.png", content)
    numbers = json.dumps(_plain(asdict(found)), ensure_ascii=False, indent=1)
    write_whole(folder / "report.json", numbers.encode())
    write_whole(folder / "report.html", page(found, drawn, coloured).encode())
    return lines


def _plain(value: Any) -> Any:
    """Arrays as lists, for JSON."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _tell(out: Console, folder: Path, found: Examination) -> None:
    best = int(np.argmin(found.ngrams)) + 1
    out.print(f"{found.nats:.4f} nats per character; the best n-gram model (n = {best}) "
              f"{min(found.ngrams):.4f}", markup=False)
    wrong = found.onion.errors / max(found.onion.characters, 1)
    out.print(f"{100 * wrong:.1f} % of the characters are errors (p < 1/2), of which", markup=False)
    for oracle, share in found.onion.by_oracle().items():
        out.print(f"  {oracle:<12} {100 * share:5.1f} %", markup=False)
    for one in found.followers:
        out.print(f"{one.name}:{one.unit} follows {one.feature}, r = {one.correlation:+.2f}",
                  markup=False)
    out.print(f"wrote {folder / 'report.html'}", markup=False)
