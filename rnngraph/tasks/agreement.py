"""The agreement language: number of the subject against number of the verb, across intruders.

Why this task: "The cat, which ate already, was full." needs a network to carry one bit (the
number of the subject) past any number of words, some of which are nouns of the other number
("attractors"). The grammar is in grammar.py and the words are in agreement_words.txt. Sentences
are made here as whole arrays, time-major, from a seed and with numpy alone.

Held out on purpose: every noun has one transitive verb of which it is never the subject in
training (`Agreement.held_out` is made of exactly those pairs).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from rnngraph.inspect import Decision
from rnngraph.tasks.grammar import analyse, other_number
from rnngraph.tasks.vocabulary import vocabulary

MISSION = ("The cat, which ate already, was full.", "The cat was full because it ate already.")
REGIMES = {  # P(intruder has the other number), P(subject is plural)
    "balanced": (0.5, 0.5),
    "rare": (0.05, 0.32),
}
MODIFIERS = (0.25, 0.45, 0.30)  # P(0, 1, 2 modifiers)
THREAD, PREPOSITION, RELATIVE, EMBEDDED, REDUCED = range(5)  # the kinds of modifier
NONE = -1  # no modifier here, and no word here
PLAIN, BECAUSE, TRANSITIVE = range(3)  # the kinds of tail
TAILS = (0.5, 0.25, 0.25)
SPLITS = ("train", "validation", "attr", "same", "long", "nest", "held_out")


@dataclass(frozen=True)
class Sentences:
    """B sentences as arrays.

    tokens int32 [T, B], beginning with <s> and padded with <pad>; lengths int32 [B]; verb int32
    [B], the position of the main verb in tokens (the decision is made one step earlier); correct
    and wrong int32 [B], the ids of the two forms of that verb; number int32 [B], 0 singular, 1
    plural; attractors int32 [B], how many nouns of the other number stand between subject and verb.
    """

    tokens: np.ndarray
    lengths: np.ndarray
    verb: np.ndarray
    correct: np.ndarray
    wrong: np.ndarray
    number: np.ndarray
    attractors: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows: np.ndarray | slice) -> Sentences:
        """Some of the sentences, cut to the longest of them."""
        part = {field.name: getattr(self, field.name)[..., rows] for field in fields(self)}
        longest = int(part["lengths"].max(initial=0))
        part["tokens"] = np.ascontiguousarray(part["tokens"][:longest])
        return Sentences(**part)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """Inputs of a language model: token and target int32 [T-1, B], weight float32 [T-1, B]."""
        token, target = self.tokens[:-1], self.tokens[1:]
        weight = (np.arange(1, len(self.tokens))[:, None] < self.lengths).astype(np.float32)
        return {"token": np.ascontiguousarray(token), "target": np.ascontiguousarray(target),
                "weight": weight}

    @property
    def turned(self) -> Sentences:
        """The same sentences about subjects of the other number (not of `nest`: ValueError)."""
        tokens, attractors = self.tokens.copy(), self.attractors.copy()
        for row, length in enumerate(self.lengths):
            text = other_number(self.text(row))
            tokens[1:length, row] = vocabulary().encode(text)
            attractors[row] = analyse(text).attractors
        return replace(self, tokens=tokens, correct=self.wrong, wrong=self.correct,
                       number=1 - self.number, attractors=attractors)

    def text(self, row: int) -> str:
        return " ".join(vocabulary().decode(self.tokens[1:self.lengths[row], row]))

    def right(self, logits: np.ndarray) -> np.ndarray:
        """Whether the model prefers the correct form: bool [B], from logits [T-1, B, words]."""
        return self.margin(logits) > 0

    def margin(self, logits: np.ndarray) -> np.ndarray:
        """By how much, in nats, it prefers the correct form: [B]."""
        rows = np.arange(len(self))
        decision = logits[self.verb - 1, rows]
        margin: np.ndarray = decision[rows, self.correct] - decision[rows, self.wrong]
        return margin

    @property
    def decision(self) -> Decision:
        """The same as something to explain: the margin of a model with an output logits."""
        rows = np.arange(len(self))
        weights = np.zeros((len(self.tokens) - 1, len(rows), len(vocabulary())))
        weights[self.verb - 1, rows, self.correct] = 1
        weights[self.verb - 1, rows, self.wrong] = -1
        return Decision("logits", weights, "the right form of the verb")


@dataclass(frozen=True)
class Batches:
    """Batch number `step` of an endless shuffled passage through the sentences.

    A pure function of (seed, step), so that a resumed training sees what an unbroken one sees.
    """

    sentences: Sentences
    size: int = 64
    seed: int = 0

    @property
    def per_epoch(self) -> int:
        return max(1, len(self.sentences) // self.size)

    def at(self, step: int) -> Sentences:
        epoch, index = divmod(step, self.per_epoch)
        rows = self._order(epoch)[index * self.size:(index + 1) * self.size]
        return self.sentences[rows]

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            self._orders.clear()
            rng = np.random.default_rng([self.seed, epoch])
            self._orders[epoch] = rng.permutation(len(self.sentences))
        return self._orders[epoch]

    @cached_property
    def _orders(self) -> dict[int, np.ndarray]:
        """The order of the current epoch alone."""
        return {}


@dataclass(frozen=True)
class Agreement:
    """All splits of the language for one seed; regime is "balanced" or "rare".

    Every split other than `train` is free of sentences that are in `train`. attr, same, long,
    nest and held_out have `tests` sentences each.
    """

    seed: int = 0
    regime: str = "balanced"
    size: int = 20_000
    tests: int = 500

    def __post_init__(self) -> None:
        if self.regime not in REGIMES:
            raise ValueError(f"regime is {self.regime!r}; it is one of {', '.join(REGIMES)}")
        if self.size < 1 or self.tests < 1:
            raise ValueError(f"size={self.size} and tests={self.tests} must be at least 1")

    @cached_property
    def train(self) -> Sentences:
        return self._natural(self._rng("train"), self.size)

    @cached_property
    def validation(self) -> Sentences:
        """1,000 sentences of the same kind as the training sentences."""
        return self._unseen(self._natural, self._rng("validation"), 1000)

    def attr(self, k: int) -> Sentences:
        """k intruders, all of the other number than the subject (k >= 3: longer than trained)."""
        return self._intruders("attr", k, opposite=True)

    def same(self, k: int) -> Sentences:
        """The control of attr(k): k intruders, all of the same number as the subject."""
        return self._intruders("same", k, opposite=False)

    def held_out(self, k: int = 1) -> Sentences:
        """attr(k) with a main verb that the subject never had in training."""
        return self._intruders("held_out", k, opposite=True)

    def long(self, clauses: int) -> Sentences:
        """That many clauses ", which V ADV ,": 5 * clauses + 1 words from subject to verb."""
        def draw(rng: np.random.Generator, count: int) -> Sentences:
            number = rng.integers(0, 2, count)
            kinds = np.full((count, clauses), THREAD)
            return _Draft(rng, number, always_adverb=True).sentences(kinds, number[:, None])
        return self._unseen(draw, self._rng("long", clauses), self.tests)

    def nest(self, depth: int) -> Sentences:
        """Centre embedding, "the N that the N that the N VT VT BE": neighbours differ in number."""
        def draw(rng: np.random.Generator, count: int) -> Sentences:
            return _Draft(rng, rng.integers(0, 2, count)).nested(depth)
        return self._unseen(draw, self._rng("nest", depth), self.tests)

    def _natural(self, rng: np.random.Generator, count: int) -> Sentences:
        differs, plural = REGIMES[self.regime]
        number = (rng.random(count) < plural).astype(int)
        modifiers = rng.choice(len(MODIFIERS), count, p=MODIFIERS)
        kinds = rng.integers(THREAD, REDUCED + 1, (count, 2))
        kinds = np.where(np.arange(2) < modifiers[:, None], kinds, NONE)
        intruders = number[:, None] ^ (rng.random((count, 2)) < differs)
        return _Draft(rng, number).sentences(kinds, intruders)

    def _intruders(self, split: str, k: int, opposite: bool) -> Sentences:
        def draw(rng: np.random.Generator, count: int) -> Sentences:
            number = rng.integers(0, 2, count)
            kinds = rng.integers(PREPOSITION, REDUCED + 1, (count, k))
            intruders = np.broadcast_to((number ^ opposite)[:, None], (count, k))
            draft = _Draft(rng, number, untrained_verb=split == "held_out")
            return draft.sentences(kinds, intruders)
        return self._unseen(draw, self._rng(split, k), self.tests)

    def _rng(self, split: str, k: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.seed, SPLITS.index(split), k])

    @cached_property
    def _trained_on(self) -> frozenset[bytes]:
        return frozenset(_keys(self.train))

    def _unseen(self, draw: Drawing, rng: np.random.Generator, count: int) -> Sentences:
        """Sentences from `draw` that training has not seen, drawn until there are enough."""
        for more in (2, 8, 32, 128):
            drawn = draw(rng, more * count)
            fresh = np.array([key not in self._trained_on for key in _keys(drawn)])
            if fresh.sum() >= count:
                return drawn[np.flatnonzero(fresh)[:count]]
        raise ValueError(f"the language has no {count} such sentences that the {self.size} "
                         "training sentences leave unseen")


Drawing = Callable[[np.random.Generator, int], Sentences]


class _Draft:
    """Sentences in the making: pieces [n, words] of ids, with NONE where a row has no word."""

    def __init__(self, rng: np.random.Generator, number: np.ndarray, *,
                 untrained_verb: bool = False, always_adverb: bool = False):
        self.rng, self.number = rng, number
        self.untrained_verb, self.always_adverb = untrained_verb, always_adverb
        self.subject = self._noun()

    def sentences(self, kinds: np.ndarray, intruders: np.ndarray) -> Sentences:
        """kinds [n, m] of modifiers, or NONE, and the numbers of their nouns [n, m] or [n, 1]."""
        intruders = np.broadcast_to(intruders, kinds.shape)
        modifiers = [self._modifier(*column) for column in zip(kinds.T, intruders.T, strict=True)]
        other = (intruders != self.number[:, None]) & (kinds >= PREPOSITION)
        return self._finish(modifiers, other.sum(1))

    def nested(self, depth: int) -> Sentences:
        nouns, verbs, number = [], [], self.number
        for _ in range(depth):
            number, noun = 1 - number, self._noun()
            nouns.append(self._row("that", "the", vocabulary()["noun"][noun, number]))
            verbs.append(self._row(self._verb(noun, number)))
        return self._finish(nouns + verbs[::-1], np.full(len(self.number), (depth + 1) // 2))

    def _finish(self, between: list[np.ndarray], attractors: np.ndarray) -> Sentences:
        words = vocabulary()
        before = [self._row("start", "the", words["noun"][self.subject, self.number]), *between]
        verb_pair, tail = self._tail()
        verb = sum((piece != NONE).sum(1) for piece in before)
        tokens, lengths = _compact(np.concatenate([*before, tail], 1))
        rows = np.arange(len(self.number))
        return Sentences(tokens, *(a.astype(np.int32) for a in (
            lengths, verb, verb_pair[rows, self.number], verb_pair[rows, 1 - self.number],
            self.number, attractors)))

    def _modifier(self, kind: np.ndarray, number: np.ndarray) -> np.ndarray:
        noun = self._noun()
        intruder, verb = vocabulary()["noun"][noun, number], self._verb(noun, number)
        subject_verb = self._verb(self.subject, self.number)
        by_kind = [
            self._row("comma", "which", self._some("past"), self._adverb(), "comma"),
            self._row(self._some("preposition"), "the", intruder),
            self._row("that", subject_verb, "the", intruder),
            self._row("that", "the", intruder, verb),
            self._row("the", intruder, verb),
            self._row(),
        ]
        widest = max(piece.shape[1] for piece in by_kind)
        padded = np.stack([np.pad(piece, ((0, 0), (0, widest - piece.shape[1])),
                                  constant_values=NONE) for piece in by_kind])
        chosen: np.ndarray = padded[kind, np.arange(len(kind))]
        return chosen

    def _tail(self) -> tuple[np.ndarray, np.ndarray]:
        """The two forms of the main verb [n, 2], and the words from the verb on."""
        words, n = vocabulary(), len(self.number)
        kind = self.rng.choice(len(TAILS), n, p=TAILS)
        if self.untrained_verb:
            kind = np.full(n, TRANSITIVE)
        be = words["be"][self.rng.integers(0, len(words["be"]), n)]
        transitive = self._verb_pair(self.subject, self.untrained_verb)
        pair = np.where((kind == TRANSITIVE)[:, None], transitive, be)
        verb = pair[np.arange(n), self.number]
        plain = self._row(verb, self._some("adjective"))
        reason = self._row("because", words["pronoun"][0, self.number], self._some("past"),
                           self._adverb())
        thing = self._row(verb, "the", words["noun"][self._noun(), self.rng.integers(0, 2, n)])
        reason[kind != BECAUSE] = NONE
        start = np.where((kind == TRANSITIVE)[:, None], thing, np.pad(
            plain, ((0, 0), (0, 1)), constant_values=NONE))
        return pair, np.concatenate([start, reason, self._row("stop")], 1)

    def _row(self, *columns: str | np.ndarray) -> np.ndarray:
        """Words side by side [n, len(columns)]; a class of one word may be given by its name."""
        n = len(self.number)
        ids = [np.full(n, vocabulary()[c][0]) if isinstance(c, str) else c for c in columns]
        return np.stack(ids, 1).astype(np.int32) if ids else np.empty((n, 0), np.int32)

    def _noun(self) -> np.ndarray:
        return self.rng.integers(0, len(vocabulary()["noun"]), len(self.number))

    def _verb(self, noun: np.ndarray, number: np.ndarray) -> np.ndarray:
        form: np.ndarray = self._verb_pair(noun)[np.arange(len(noun)), number]
        return form

    def _verb_pair(self, noun: np.ndarray, untrained: bool = False) -> np.ndarray:
        """A transitive verb that goes with the noun: verb + noun = 0 is kept out of training."""
        verbs = vocabulary()["transitive"]
        offset = self.rng.integers(1, len(verbs), len(noun))
        pair: np.ndarray = verbs[((0 if untrained else offset) - noun) % len(verbs)]
        return pair

    def _some(self, kind: str) -> np.ndarray:
        return self.rng.choice(vocabulary()[kind], len(self.number))

    def _adverb(self) -> np.ndarray:
        present = self.rng.random(len(self.number)) < (1.0 if self.always_adverb else 0.5)
        return np.where(present, self._some("adverb"), NONE)


def _compact(pieces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Close the gaps: ids with NONE [n, words] -> tokens [T, n] padded at the end, lengths [n]."""
    missing = pieces == NONE
    order = np.argsort(missing, axis=1, kind="stable")
    lengths = (~missing).sum(1)
    packed = np.take_along_axis(np.where(missing, vocabulary()["padding"][0], pieces), order, 1)
    return np.ascontiguousarray(packed[:, :lengths.max(initial=0)].T), lengths


def _keys(sentences: Sentences) -> list[bytes]:
    columns = zip(sentences.tokens.T, sentences.lengths, strict=True)
    return [np.ascontiguousarray(tokens[:length]).tobytes() for tokens, length in columns]
