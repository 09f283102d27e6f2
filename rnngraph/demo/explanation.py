"""What the picture shows, in plain sentences made from the numbers alone (nothing is canned)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..explain.carrier import Carrier
from ..tasks.vocabulary import spelled
from ..train.loop import Array
from .picture import Column, Row

STEADY = 0.3  # a gate moves less while the number is carried
MOST_GATES = 4  # are told of
CARRIES = 0.1  # loss of accuracy from which on one unit may be said to carry the number


def explain(carrier: Carrier, rows: Sequence[Row], preference: Row, columns: Sequence[Column]
            ) -> list[str]:
    """The story: what carries the number, what is kept of it, what the model says, and why one set
    of weights can do both sentences.

    preference: the row with the share of the singular form of the verb.
    """
    gates = [row for row in rows if row.range == (0.0, 1.0)]
    kept = [memory(carrier, rows, columns[0]), *_steadiest(gates, columns[0])]
    told = [ablation(carrier), " ".join(kept), choice(preference, columns)]
    return told + ([same_weights(gates, preference, columns)] if gates else [])


def headline(carrier: Carrier) -> str:
    """The title of the picture."""
    if carrier.lost < CARRIES:
        return f"No unit alone carries the number of the subject; unit {carrier.unit} does most"
    return f"Unit {carrier.unit} carries the number of the subject"


def ablation(carrier: Carrier) -> str:
    """What holding the unit at zero does."""
    unit = f"unit {carrier.unit} of {_joined(carrier.units.shapes)}"
    whole, without = percent(carrier.accuracy), percent(float(carrier.without[carrier.unit]))
    if carrier.lost < CARRIES:
        still = f"still {whole}" if without == whole else f"{without}, not {whole}"
        return (f"No unit alone carries the number: with {unit}, the most important one, held "
                "halfway between its values for singular and plural, accuracy on sentences with "
                f"one attractor is {still}.")
    text = (f"With {unit} held halfway between its values for singular and plural, accuracy on "
            f"sentences with one attractor falls from {whole} to {without}")
    if carrier.units.count == 1:
        return f"{text}."
    return f"{text}; with any other unit held so it is {percent(carrier.others)} (median)."


def memory(carrier: Carrier, rows: Sequence[Row], column: Column) -> str:
    """What the unit's state is at the subject, and what is left of it before the verb."""
    states = [row for row in rows if row.state in carrier.units.shapes]
    row = max(states, key=lambda row: _apart(row.values[0], column.verb - 1))
    subject = _subject(column)
    (a, b), values = (words[subject] for words in column.words), row.values[0]
    first, last = values[:, subject], values[:, column.verb - 1]
    distance = column.verb - 1 - subject
    later = f"{distance} word{'s' if distance != 1 else ''} later"
    return (f"The unit's {_called(row)} is {_number(first[0])} after \"{a}\" and "
            f"{_number(first[1])} after \"{b}\"; {later}, when the verb must be chosen, it is "
            f"{_number(last[0])} and {_number(last[1])}.")


def _steadiest(gates: Sequence[Row], column: Column) -> Iterator[str]:
    """What the gate does that moves least between subject and verb, if it moves little."""
    between = slice(_subject(column) + 1, column.verb)
    spans = [(float(gate.values[0][:, between].min()), float(gate.values[0][:, between].max()))
             for gate in gates]
    (low, high), gate = min(zip(spans, gates, strict=True), default=((0, 1), None),
                            key=lambda item: item[0][1] - item[0][0])
    if gate is not None and high - low < STEADY:
        yield f"Between the two, its {_called(gate)} stays in {_number(low)} to {_number(high)}."


def choice(preference: Row, columns: Sequence[Column]) -> str:
    """What the model then says, in each sentence."""
    told = []
    for column, values in zip(columns, preference.values, strict=True):
        before, other = (spelled(words[:column.verb]) for words in column.words)
        one, many = (words[column.verb] for words in column.words)
        singular, plural = values[:, column.verb - 1]
        told.append(
            f"After \"{before}\" the model puts {percent(singular)} on \"{one}\" rather than "
            f"\"{many}\"; after \"{other}\" it puts {percent(1 - plural)} on \"{many}\".")
    return " ".join(told)


def same_weights(gates: Sequence[Row], preference: Row, columns: Sequence[Column]) -> str:
    """How the gates differ between the sentences at a word that both have: where they do most."""
    right = all(values[0, column.verb - 1] > 0.5 > values[1, column.verb - 1]
                for column, values in zip(columns, preference.values, strict=True))
    version, i, j = max(_shared(columns), key=lambda place: _most_apart(gates, place))
    word = columns[0].words[version][i]
    pairs = {_called(gate): (float(gate.values[0][version, i]), float(gate.values[1][version, j]))
             for gate in gates}
    apart = {gate: pair for gate, pair in pairs.items() if _number(pair[0]) != _number(pair[1])}
    if not apart:
        values = _joined(f"{gate} {_number(pair[0])}" for gate, pair in pairs.items())
        return (f"At every word that both sentences have, the gates are the same in both (at "
                f"\"{word}\": {values}): they see the word alone, and only the state remembers.")
    one, two = (f"\"{spelled(column.words[version])}\"" for column in columns)
    ranked = sorted(apart.items(), key=lambda item: -abs(item[1][0] - item[1][1]))
    (gate, (a, b)), *rest = ranked[:MOST_GATES]
    why = "One set of weights does both, because a gate depends" if right else "A gate depends"
    more = "".join(f"; the {name} {_number(a)} and {_number(b)}" for name, (a, b) in rest)
    return (f"{why} on what was read before: at \"{word}\" the {gate} is {_number(a)} in {one} and "
            f"{_number(b)} in {two}{more}.")


def _most_apart(gates: Sequence[Row], place: tuple[int, int, int]) -> float:
    version, i, j = place
    return max(abs(float(gate.values[0][version, i] - gate.values[1][version, j]))
               for gate in gates)


def percent(share: float) -> str:
    """A share as text, "97.5 %"."""
    return f"{100 * share:.1f} %"


def _shared(columns: Sequence[Column]) -> list[tuple[int, int, int]]:
    """(version, position, position) of the words that both sentences have exactly once."""
    shared = []
    for version in (0, 1):
        one, other = (column.words[version] for column in columns)
        shared += [(version, i, other.index(word)) for i, word in enumerate(one)
                   if one.count(word) == 1 and other.count(word) == 1]
    return shared


def _subject(column: Column) -> int:
    pairs = zip(*column.words, strict=True)
    return next(at for at, (one, other) in enumerate(pairs) if one != other)


def _apart(values: Array, at: int) -> float:
    """How far apart the two versions are at a word, as a share of the value's whole extent."""
    return float(abs(values[0, at] - values[1, at]) / ((values.max() - values.min()) or 1.0))


def _called(row: Row) -> str:
    return f"{row.label} {row.name}" if row.label else row.name


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "\u2212")


def _joined(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
