"""Characters of any text file, as parallel streams for truncated back-propagation through time.

A text is cut into contiguous parts (train, validation, test: never shuffled, so nothing of the
held-out text is seen). A part is laid out as B streams side by side, read window by window; the
state of a window's end is the state of the next window's beginning.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

import numpy as np

UTF8 = "utf-8"
FRACTIONS = (0.8, 0.1, 0.1)


class TextError(ValueError):
    """A text that cannot be trained on; the message says why and what would help."""


@dataclass(frozen=True)
class Text:
    """A text as character ids, int32: train [n], validation [m], test [k].

    `characters[i]` is the character with id i.
    """

    characters: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def encode(self, text: str) -> np.ndarray:
        """Ids, int32 [n]; ValueError names a character that the text does not have."""
        return encode(text, self.characters)

    def decode(self, ids: np.ndarray) -> str:
        return "".join(self.characters[int(i)] for i in ids)


def read(path: str | Path, *, characters: str | None = None, encoding: str = UTF8,
         fractions: tuple[float, float, float] = FRACTIONS) -> Text:
    """Read a text file: with or without a byte-order mark, any line ends.

    `characters` fixes the vocabulary (that of a checkpoint); without it the vocabulary is every
    character of the file in code-point order. Raises TextError for a file that is missing, empty,
    too short for its three parts, not in its encoding, or has characters outside a fixed
    vocabulary.
    """
    content = _decoded(Path(path), encoding)
    if characters is None:
        characters = "".join(sorted(set(content)))
    try:
        ids = encode(content, characters)
    except ValueError as error:
        raise TextError(f"{path}: {error}") from None
    ends = np.rint(np.cumsum(fractions)[:2] * len(ids)).astype(int)
    train, validation, test = np.split(ids, ends)
    if min(len(train), len(validation), len(test)) < 2:
        raise TextError(f"{path} has {len(ids)} characters, too few to train on, validate and test:"
                        " each of the three parts needs at least 2")
    return Text(characters, train, validation, test)


def _decoded(path: Path, encoding: str) -> str:
    try:
        content = path.read_bytes().decode("utf-8-sig" if _is_utf8(encoding) else encoding)
    except OSError as error:
        raise TextError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise TextError(f"{path} is not {encoding}: {error.reason} at byte {error.start:,}; if it "
                        "is stored otherwise say how, as in --encoding latin-1") from None
    if not content:
        raise TextError(f"{path} is empty; a text to train on needs some characters")
    return content.replace("\r\n", "\n").replace("\r", "\n")


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name == UTF8
    except LookupError:
        raise TextError(f"there is no encoding '{encoding}'; utf-8, latin-1, cp1252 and utf-16 "
                        "are some") from None


def encode(text: str, characters: str) -> np.ndarray:
    """Ids of a text, int32 [n], by position in `characters` (in code-point order).

    ValueError names the first character that is not among them.
    """
    points, known = _points(text), _points(characters)
    ids = np.searchsorted(known, points)
    wrong = np.flatnonzero(known[np.minimum(ids, len(known) - 1)] != points)
    if len(wrong):
        raise ValueError(f"the character {text[wrong[0]]!r} is not among the "
                         f"{len(characters)} characters of the model")
    return ids.astype(np.int32)


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.uint32)


@dataclass(frozen=True)
class Window:
    """Inputs of a language model for one stretch of all streams; `fresh`: the streams begin here.

    token and target int32 [T, B], weight float32 [T, B] (0 where a stream is over).
    """

    token: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    fresh: bool

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """Inputs of a language model, by name."""
        return {"token": self.token, "target": self.target, "weight": self.weight}


class Streams:
    """A part of a text as `batch` parallel streams, read `window` characters at a time.

    Every character but the first is a target exactly once. Raises TextError if the part is too
    short for that many streams.
    """

    def __init__(self, ids: np.ndarray, batch: int, window: int) -> None:
        if batch < 1 or window < 1:
            raise ValueError(f"batch={batch} and window={window} must be at least 1")
        pairs = len(ids) - 1
        if pairs < batch:
            raise TextError(f"{len(ids)} characters are too few for {batch} parallel streams; "
                            f"a batch of {max(pairs, 1)} or a longer text would do")
        self.window, self.targets = window, pairs
        length = -(-pairs // batch)
        self.token = _columns(ids[:-1], length, batch)
        self.target = _columns(ids[1:], length, batch)
        self.weight = _columns(np.ones(pairs, np.float32), length, batch)

    def __len__(self) -> int:
        """Windows in one passage."""
        return (len(self.token) + self.window - 1) // self.window

    def at(self, step: int) -> Window:
        """Window number `step` of endless passages."""
        start = step % len(self) * self.window
        part = slice(start, start + self.window)
        return Window(self.token[part], self.target[part], self.weight[part], start == 0)


def _columns(values: np.ndarray, length: int, batch: int) -> np.ndarray:
    padded = np.zeros(length * batch, values.dtype)
    padded[:len(values)] = values
    return np.ascontiguousarray(padded.reshape(batch, length).T)
