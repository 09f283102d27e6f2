"""n-grams against a direct reading of Chen & Goodman, with dictionaries."""

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from rnngraph.tasks.ngrams import FALLBACK, discounts_of, kneser_ney, nats


def direct(train, context, last, characters, order):
    """p(last | context) by the textbook recursion over dictionaries."""
    p = 1 / characters
    for n in range(1, order + 1):
        grams = Counter(tuple(train[i:i + n]) for i in range(len(train) - n + 1))
        if n < order:
            before = defaultdict(set)
            for i in range(len(train) - n):
                before[tuple(train[i + 1:i + 1 + n])].add(train[i])
            grams = {gram: len(before[gram]) for gram in grams}
        if n - 1 > len(context):
            break
        discount = discounts_of(np.array(list(grams.values())))
        head = tuple(context[len(context) - (n - 1):])
        after = {g[-1]: c for g, c in grams.items() if g[:-1] == head}
        if not sum(after.values()):
            continue
        count = after.get(last, 0)
        freed = sum(discount[min(c, 3)] for c in after.values())
        p = (count - discount[min(count, 3)] + freed * p) / sum(after.values())
    return p


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_are_those_of_the_paper(seed):
    rng = np.random.default_rng(seed)
    chain = rng.dirichlet(np.full(4, 0.4), 4)
    train = [0]
    for _ in range(400):
        train.append(int(rng.choice(4, p=chain[train[-1]])))
    text = rng.integers(0, 5, 60)  # 4 is never seen in training
    for order, p in enumerate(kneser_ney(np.array(train), text, 5, 5), 1):
        wanted = [direct(train, list(text[max(0, i - order + 1):i]), text[i], 5, order)
                  if i >= order - 1 else p[i] for i in range(len(text))]
        assert p == pytest.approx(wanted, rel=1e-12)


def test_a_context_s_probabilities_sum_to_one():
    rng = np.random.default_rng(1)
    train = rng.integers(0, 6, 3000) * rng.integers(0, 2, 3000)
    for context in rng.integers(0, 6, (10, 4)):
        ends = [list(kneser_ney(train, np.array([*context, last]), 6, 5)) for last in range(6)]
        assert np.sum([[p[-1] for p in orders] for orders in ends], 0) == pytest.approx(1)


def test_longer_contexts_help_a_text_that_repeats():
    train = np.tile(np.arange(7), 50) % 5
    costs = [nats(p) for p in kneser_ney(train, train[:40], 5, 6)]
    assert costs[0] > 1.4 and costs[-1] < 0.1 and all(
        a >= b - 0.05 for a, b in pairwise(costs))


def test_discounts():
    counts = np.repeat([1, 2, 3, 4, 9], [40, 20, 10, 5, 3])
    share = 40 / 80
    assert discounts_of(counts) == pytest.approx(
        [0, 1 - 2 * share / 2, 2 - 3 * share / 2, 3 - 4 * share / 2])
    assert discounts_of(np.array([7, 8, 9])) is FALLBACK


def test_what_will_not_do():
    ids = np.zeros(3, int)
    for bad, message in [((ids, ids, 2, 0), "order is 0"), ((ids[:0], ids, 2, 2), "is empty"),
                         ((ids, ids + 2, 2, 2), "text has ids from 2 to 2")]:
        with pytest.raises(ValueError, match=message):
            next(kneser_ney(*bad))
