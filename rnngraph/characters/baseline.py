"""n-gram models of a text, kept in a file: they are the same for every model of that text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np

from ..files import write_whole
from ..tasks.ngrams import kneser_ney
from ..tasks.text import Text
from ..train.loop import Array


def ngram_models(text: Text, part: Array, order: int, file: Path | None = None,
                 done: Callable[[int], None] = lambda order: None) -> list[Array]:
    """p of every character of ``part`` by the models of order 1 to ``order``: float64 [n] each.

    They learn from ``text.train``. ``file`` keeps them and is read if it is of the same texts and
    has orders enough. ``done`` is called after each order.
    """
    key = sha256(b"%d " % len(part) + text.train.tobytes() + part.tobytes()).hexdigest()
    kept = _read(file, key, order) if file is not None else None
    if kept is not None:
        return kept
    models = []
    for number, p in enumerate(kneser_ney(text.train, part, len(text.characters), order), 1):
        models.append(p)
        done(number)
    if file is not None:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, key=key, p=np.array(models, np.float32))
        write_whole(file, buffer.getvalue())
    return models


def _read(file: Path, key: str, order: int) -> list[Array] | None:
    """What the file has, or None if it is another text's or no such file."""
    try:
        with np.load(file) as kept:
            if str(kept["key"]) != key or len(kept["p"]) < order:
                return None
            return list(kept["p"][:order].astype(np.float64))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
