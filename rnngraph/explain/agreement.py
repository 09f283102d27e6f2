"""What the agreement language adds to a report: units ablated by number of attractors, a story.

A unit tells nothing of the number when it is held, at every word, halfway between its values for
the sentence and for the same sentence about a subject of the other number. The rank is by what the
model loses (the margin by which it prefers the right form), never by how well a value tells
singular from plural: a value may well tell the number and not be read by anybody. (Held at zero, a
unit that is needed for other reasons, and is the same in both, would be taken for a carrier.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ..compiled import Compiled
from ..graph import Graph
from ..inspect import ablate
from ..tasks.agreement import Agreement, Sentences
from ..tasks.vocabulary import vocabulary
from ..train.loop import Arrays
from .ablation import Ablated
from .units import units_of

TESTS = 100  # sentences of a condition
CONDITIONS = ("no attractor", "1 attractor", "2 attractors", "1 noun alike")
CONTROLS = 20
HALFWAY = "halfway between its values for the two numbers of the subject"


def agreement_ablation(model: Compiled, params: Arrays, graph: Graph, data: Agreement) -> Ablated:
    """Each unit alone, of the group of units whose worst loss is largest.

    graph: of the cell alone, sizes bound; data: the language that the model has learnt.
    """
    sentences, conditions = trial_sentences(data)
    found = []
    for group in units_of(graph):
        halfway = halfway_values(model, params, sentences, group.shapes)
        ablation = ablate(model, params, sentences.inputs, sentences.decision, names=group.shapes,
                          units="each", mode=halfway, conditions=conditions, controls=CONTROLS)
        lost = ablation.whole.margin.mean() - ablation.without.margin.mean(1)
        found.append(Ablated(group, ablation, "accuracy", lost, HALFWAY))
    return max(found, key=lambda one: float(one.effect.max()))


def halfway_values(model: Compiled, params: Arrays, sentences: Sentences, states: Iterable[str]
                   ) -> Arrays:
    """Of each state the mean over both versions of each sentence, [T-1, B, *shape]."""
    names = tuple(states)
    one, other = (model.trace(params, version.inputs, names=names)
                  for version in (sentences, sentences.turned))
    return {name: (one[name] + other[name]) / 2 for name in names}


def trial_sentences(data: Agreement) -> tuple[Sentences, list[str]]:
    """Sentences of every condition, as one batch, and the condition of each."""
    data = replace(data, tests=TESTS)
    parts = [data.attr(0), data.attr(1), data.attr(2), data.same(1)]
    return joined(parts), list(np.repeat(CONDITIONS, TESTS))


def joined(parts: Sequence[Sentences]) -> Sentences:
    """Sentences one after the other, padded to the longest."""
    longest = max(len(part.tokens) for part in parts)
    padding = int(vocabulary()["padding"][0])
    tokens = [np.pad(part.tokens, ((0, longest - len(part.tokens)), (0, 0)),
                     constant_values=padding) for part in parts]
    names = ("lengths", "verb", "correct", "wrong", "number", "attractors")
    rest = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return Sentences(np.concatenate(tokens, 1), *rest)
