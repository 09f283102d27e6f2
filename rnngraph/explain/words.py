"""Sentences as columns: the decision is a word, and others differ from a sentence in one word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..inspect import Decision
from ..tasks.grammar import analyse, partner
from ..tasks.vocabulary import spelled, tokenise
from ..train.loop import LOGITS, Arrays, Model, reading
from .column import Column, Other

START = "<s>"
MOST = 120  # steps of one text
SWAPS = 6  # words of one text that are swapped where nothing tells which
Vocabulary = Mapping[str, int]
Exchanges = list[tuple[int, str]]  # (step, other token)


def sentence_columns(model: Model, params: Arrays, sentences: Sequence[str], ids: Vocabulary, *,
                     swaps: Sequence[tuple[str, str]] = (), decide: tuple[str, str] | None = None,
                     letters: bool = False) -> list[Column]:
    """Columns for a language model.

    ids: of every token. swaps: (word, other) for the words that are swapped; without any, words of
    the agreement language turn their number, else words are those in which two sentences of equal
    length differ, and else those whose likeliest alternative changes the decision most (at most
    six). decide: (word, other), told apart before `word` comes (or at the end); without
    it the main verb of the agreement language, and else the two likeliest next tokens.
    letters: tokens are characters. Raises ValueError for an unknown token or one that does not
    occur, or a text of no or more than 120 tokens (a start counts as none).
    """
    split = [list(text) if letters else _words(text, ids) for text in sentences]
    for text, tokens in zip(sentences, split, strict=True):
        _check(text, tokens, ids)
    for word, other in [*swaps, *([decide] if decide else [])]:
        _check(f"{word}={other}", [word, other], ids)
    exchanges: list[Exchanges | None] = [_exchanges(tokens, split, swaps, ids) for tokens in split]
    if swaps and not any(exchanges):
        raise ValueError(f"none of the words to swap ({', '.join(a for a, _ in swaps)}) occurs in "
                         "what is explained")
    if not swaps:  # None: nothing tells what to swap
        exchanges = [found or None for found in exchanges]
    return [_column(model, params, tokens, ids, exchange, decide, letters)
            for tokens, exchange in zip(split, exchanges, strict=True)]


def _words(text: str, ids: Vocabulary) -> list[str]:
    words = tokenise(text)
    return [START, *words] if START in ids and words[:1] != [START] else words


def _check(text: str, tokens: Sequence[str], ids: Vocabulary) -> None:
    count = len(tokens) - (list(tokens[:1]) == [START])
    if not 1 <= count <= MOST:
        raise ValueError(f"'{text}' has {count} tokens; a text to explain has 1 to {MOST}")
    for token in tokens:
        if token not in ids:
            raise ValueError(f"'{token}' in '{text}' is not known to the model")


def _exchanges(tokens: Sequence[str], all_texts: Sequence[Sequence[str]],
               swaps: Sequence[tuple[str, str]], ids: Vocabulary) -> Exchanges:
    """The swaps of one text."""
    if swaps:
        return [(at, b if token == a else a) for a, b in swaps
                for at, token in enumerate(tokens) if token in (a, b)]
    if _analysis(tokens) is not None:
        pairs = ((at, partner(token)) for at, token in enumerate(tokens))
        return [(at, other) for at, other in pairs if other is not None and other in ids]
    found = {(at, b) for text in all_texts if len(text) == len(tokens)
             for at, (a, b) in enumerate(zip(tokens, text, strict=True)) if a != b}
    return sorted(found)


def _column(model: Model, params: Arrays, tokens: Sequence[str], ids: Vocabulary,
            exchanges: Exchanges | None, decide: tuple[str, str] | None, letters: bool) -> Column:
    inputs = token_inputs(tokens, ids)
    decided, forms = _decision(model, params, tokens, inputs, ids, decide)
    weights = np.zeros((len(tokens), 1, len(ids)), np.float32)
    weights[decided, 0, ids[forms[0]]], weights[decided, 0, ids[forms[1]]] = 1, -1
    decision = Decision(LOGITS, weights, f"“{forms[0]}” rather than “{forms[1]}”")
    if exchanges is None:
        exchanges = likeliest_swaps(model, params, tokens, ids, decision, decided)
    others = [Other(at, word, token_inputs([*tokens[:at], word, *tokens[at + 1:]], ids), at)
              for at, word in exchanges if at <= decided]
    shown = "".join(tokens) if letters else spelled(t for t in tokens if t != START)
    return Column(shown, list(tokens), inputs, decision, decided, forms, others)


def likeliest_swaps(model: Model, params: Arrays, tokens: Sequence[str], ids: Vocabulary,
                    decision: Decision, decided: int) -> Exchanges:
    """At every step up to the decision the likeliest token that does not come
    there, of the steps whose swap changes the decision most."""
    words, read = list(ids), np.array([ids[token] for token in tokens], np.int32)
    y, _ = model.run(params, reading(read[:, None]), outputs=(LOGITS,))
    guessed = np.array(y[LOGITS][:decided, 0])  # of step t + 1, [decided, words]
    guessed[np.arange(decided), read[1 : decided + 1]] = -np.inf
    if START in ids:
        guessed[:, ids[START]] = -np.inf
    swapped = np.repeat(read[:, None], decided, 1)
    swapped[np.arange(1, decided + 1), np.arange(decided)] = guessed.argmax(1)
    rows, _ = model.run(params, reading(swapped), outputs=(LOGITS,))
    change = np.abs(decision.of(rows) - decision.of(y)) if decided else np.zeros(0)
    most = sorted(np.argsort(-change, kind="stable")[:SWAPS])
    return [(int(at) + 1, words[swapped[at + 1, at]]) for at in most]


def token_inputs(tokens: Sequence[str], ids: Vocabulary) -> Arrays:
    """Inputs [T, 1] of a language model that reads one text."""
    return reading(np.array([[ids[word]] for word in tokens], np.int32))


def _decision(model: Model, params: Arrays, tokens: Sequence[str], inputs: Arrays, ids: Vocabulary,
              decide: tuple[str, str] | None) -> tuple[int, tuple[str, str]]:
    """After which step which word is told from which."""
    if decide is not None:
        a, b = decide
        at = next((at for at, token in enumerate(tokens) if at and token in (a, b)), len(tokens))
        return at - 1, (b, a) if at < len(tokens) and tokens[at] == b else (a, b)
    verb = _analysis(tokens)
    other = partner(tokens[verb]) if verb is not None else None
    if verb is not None and other is not None:
        return verb - 1, (tokens[verb], other)
    y, _ = model.run(params, inputs, outputs=(LOGITS,))
    words, (second, first) = list(ids), np.argsort(y[LOGITS][-1, 0])[-2:]
    return len(tokens) - 1, (words[first], words[second])


def _analysis(tokens: Sequence[str]) -> int | None:
    """The step of the main verb, for a sentence of the agreement language."""
    words = [token for token in tokens if token != START]
    try:
        return analyse(words).verb + len(tokens) - len(words)
    except ValueError:
        return None
