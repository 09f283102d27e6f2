"""The words of the agreement language and their ids.

The word list is data (agreement_words.txt), so that it can be read and changed without reading
code. A class of words is an array of ids: [n] for plain words, [n, 2] for pairs, where the last
axis is the number (0 singular, 1 plural).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("agreement_words.txt")


@dataclass(frozen=True)
class Vocabulary:
    """`words[i]` is the word with id i; `classes` are the id arrays described above."""

    words: tuple[str, ...]
    classes: dict[str, np.ndarray]

    @cached_property
    def ids(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, kind: str) -> np.ndarray:
        return self.classes[kind]

    def encode(self, sentence: str | Iterable[str]) -> np.ndarray:
        """Ids, int32 [n], of a sentence; punctuation may touch its word, capitals do not matter.

        Raises ValueError that names the first unknown word and the closest known one.
        """
        words = tokenise(sentence) if isinstance(sentence, str) else list(sentence)
        ids = self.ids
        for word in words:
            if word not in ids:
                raise ValueError(f"'{word}' is not a word of the agreement language"
                                 + _suggestion(word, self.words))
        return np.array([ids[word] for word in words], np.int32)

    def decode(self, ids: Iterable[int]) -> list[str]:
        return [self.words[int(i)] for i in ids]


def tokenise(sentence: str) -> list[str]:
    return re.findall(r"<\w+>|[\w']+|[^\w\s]", sentence.lower())


def spelled(words: Iterable[str]) -> str:
    """Words as a person writes them: "The cat, which ate already, was full." """
    text = re.sub(r" (?=[^\w\s<])", "", " ".join(words))
    return text[:1].upper() + text[1:]


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary of agreement_words.txt, read once."""
    words: list[str] = []
    members: dict[str, list[list[int]]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        kind, entries = line.split(":", 1)
        for entry in entries.split():
            forms = entry.split("/")
            members.setdefault(kind, []).append([len(words) + i for i in range(len(forms))])
            words.extend(forms)
    return Vocabulary(tuple(words), {kind: _ids(rows) for kind, rows in members.items()})


def _ids(rows: list[list[int]]) -> np.ndarray:
    ids = np.array(rows, np.int32)
    return ids[:, 0] if ids.shape[1] == 1 else ids


def _suggestion(word: str, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
