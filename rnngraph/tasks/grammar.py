"""Which sentences belong to the agreement language: the grammar, and a recogniser made of it.

    S    -> the N_n MOD* TAIL_n .
    MOD  -> , which V_past [ADV] ,
          | P the N_m
          | that VT_n the N_m
          | that the N_m VT_m
          | the N_m VT_m
    TAIL -> BE_n ADJ [because PRO_n V_past [ADV]]
          | VT_n the N

n is the number of the subject and m the number of an intruder. The recogniser shares no code
with the generator (agreement.py), so that each can test the other: words become one letter a
class, capital where plural, and the grammar is one regular expression for each n.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from rnngraph.tasks.vocabulary import tokenise, vocabulary

LETTERS = {"padding": "_", "start": "^", "the": "t", "comma": ",", "which": "w", "that": "h",
           "because": "c", "stop": ".", "and": "&", "be": "b", "pronoun": "i", "noun": "n",
           "transitive": "v", "past": "p", "adjective": "a", "adverb": "y", "preposition": "o"}
ANY_NOUN = "t[nN]"
CLAUSE = f",wpy?,|o{ANY_NOUN}|h{{v}}{ANY_NOUN}|h?tnv|h?tNV"
TAIL = f"{{b}}a(?:c{{i}}py?)?|{{v}}{ANY_NOUN}"
SENTENCE = rf"\^?t{{n}}(?P<between>(?:{CLAUSE})*)(?P<verb>{TAIL})\."


@dataclass(frozen=True)
class Analysis:
    """A sentence of the language: `subject` and `verb` are positions in its words."""

    words: tuple[str, ...]
    plural: bool
    subject: int
    verb: int
    attractors: int


def analyse(sentence: str | Iterable[str]) -> Analysis:
    """The analysis of a sentence of the language; ValueError for any other sentence."""
    words = tokenise(sentence) if isinstance(sentence, str) else list(sentence)
    classes = spelling(words)
    for plural in (False, True):
        found = re.fullmatch(_pattern(plural), classes)
        if found:
            return Analysis(tuple(words), plural, classes.index("t") + 1, found.start("verb"),
                            found["between"].count("n" if plural else "N"))
    raise ValueError(f"'{' '.join(words)}' is not a sentence of the agreement language")


def spelling(words: Iterable[str]) -> str:
    """One letter a word, for its class: "tn,wpy,ba." for "the cat , which ate already , was full ."

    Raises ValueError for a word that is not in the vocabulary.
    """
    return "".join(_letters()[word] for word in vocabulary().decode(vocabulary().encode(words)))


def other_number(sentence: str) -> str:
    """The same sentence about a subject of the other number: subject, verbs and pronoun turn."""
    found = analyse(sentence)
    turned = list(found.words)
    for at in _bound_to_subject(spelling(found.words), found):
        turned[at] = _partners()[turned[at]]
    return " ".join(turned)


def partner(word: str) -> str | None:
    """The same word in the other number, where it has one."""
    return _partners().get(word)


def _bound_to_subject(classes: str, found: Analysis) -> list[int]:
    relative = [at for at in range(found.subject, found.verb)
                if classes[at] in "vV" and classes[at - 1] == "h"]
    pronoun = [at for at, letter in enumerate(classes) if letter in "iI"]
    return [found.subject, *relative, found.verb, *pronoun]


@cache
def _pattern(plural: bool) -> str:
    numbered = {letter: letter.upper() if plural else letter for letter in "nvbi"}
    return SENTENCE.format(**numbered)


@cache
def _letters() -> dict[str, str]:
    known = vocabulary()
    return {known.words[word]: form(LETTERS[kind])
            for kind, ids in known.classes.items() for row in ids.reshape(len(ids), -1)
            for form, word in zip((str.lower, str.upper), row, strict=False)}


@cache
def _partners() -> dict[str, str]:
    known = vocabulary()
    pairs = [known.decode(pair) for ids in known.classes.values() if ids.ndim == 2 for pair in ids]
    return {a: b for x, y in pairs for a, b in ((x, y), (y, x))}
