"""The agreement language: generator against recogniser, proportions, splits, determinism."""

import numpy as np
import pytest

from rnngraph.tasks.agreement import MISSION, Agreement, Batches, Sentences
from rnngraph.tasks.grammar import analyse, other_number, spelling
from rnngraph.tasks.vocabulary import tokenise, vocabulary

BALANCED = Agreement(seed=0)
SPLITS = {
    "validation": BALANCED.validation,
    **{f"attr{k}": BALANCED.attr(k) for k in range(6)},
    **{f"same{k}": BALANCED.same(k) for k in range(4)},
    **{f"long{k}": BALANCED.long(k) for k in (1, 8)},
    "nest1": BALANCED.nest(1), "nest2": BALANCED.nest(2), "held_out": BALANCED.held_out(),
}


def sentences_of(split: Sentences) -> list[str]:
    return [split.text(row) for row in range(len(split))]


def agrees_with_analysis(split: Sentences, row: int) -> bool:
    found = analyse(split.text(row))
    spoken = vocabulary().words[split.correct[row]]
    return (found.plural, found.verb + 1, found.attractors, found.words[found.verb]) == (
        split.number[row], split.verb[row], split.attractors[row], spoken)


def test_vocabulary_has_100_different_words():
    assert len(vocabulary()) == len(set(vocabulary().words)) == 100


def test_unknown_word_is_named_with_the_closest():
    with pytest.raises(ValueError, match=r"'catt' is not a word .* did you mean 'cat'"):
        vocabulary().encode("the catt was full.")


@pytest.mark.parametrize("sentence", MISSION)
def test_mission_sentences_are_members(sentence):
    assert not analyse(sentence).plural
    assert analyse(other_number(sentence)).plural
    assert other_number(other_number(sentence)) == " ".join(analyse(sentence).words)


def test_turning_the_number_leaves_intruders_alone():
    turned = other_number("the cat that likes the dog the birds see was full because it ate.")
    assert turned == "the cats that like the dog the birds see were full because they ate ."


@pytest.mark.parametrize("sentence", [
    "the cat were full.", "the cats, which ate already, was full.", "the cat was.",
    "the cat that like the dog was full.", "the cat the dog see was full.",
    "the cat was full because they ate.", "", "the cat, which ate already was full.",
])
def test_other_sentences_are_refused(sentence):
    with pytest.raises(ValueError, match="not a sentence of the agreement language"):
        analyse(sentence)


@pytest.mark.parametrize("name", [name for name in SPLITS if not name.startswith("nest2")])
def test_generator_agrees_with_recogniser(name):
    split = SPLITS[name]
    assert all(agrees_with_analysis(split, row) for row in range(len(split)))


def test_training_sentences_agree_with_recogniser():
    assert all(agrees_with_analysis(BALANCED.train, row) for row in range(0, 20_000, 7))


def test_mission_sentences_come_up_in_training():
    made = {spelling(text.split()) for text in sentences_of(BALANCED.train)}
    assert {spelling(tokenise(sentence)) for sentence in MISSION} <= made


def test_proportions_balanced():
    train = BALANCED.train
    assert len(train) == 20_000
    assert train.number.mean() == pytest.approx(0.5, abs=0.01)
    assert (train.attractors > 0).mean() == pytest.approx(0.37, abs=0.015)
    assert train.lengths.mean() - 1 == pytest.approx(10, abs=0.2)
    assert (train.verb - 2).max() == 11
    assert (train.verb == 3).mean() == pytest.approx(0.25, abs=0.01)


def test_proportions_rare():
    train = Agreement(seed=0, regime="rare").train
    assert train.number.mean() == pytest.approx(0.32, abs=0.01)
    assert (train.attractors > 0).mean() == pytest.approx(0.04, abs=0.01)


def test_forms_are_the_two_forms_of_one_verb():
    split = BALANCED.train
    pairs = {tuple(p) for p in np.concatenate([vocabulary()["be"], vocabulary()["transitive"]])}
    pairs |= {(b, a) for a, b in pairs}
    assert set(zip(split.correct.tolist(), split.wrong.tolist(), strict=True)) <= pairs
    rows = np.arange(len(split))
    assert (split.tokens[split.verb, rows] == split.correct).all()


@pytest.mark.parametrize("k", range(6))
def test_attr_intruders_are_all_opposite_and_same_are_none(k):
    assert (BALANCED.attr(k).attractors == k).all()
    assert (BALANCED.same(k).attractors == 0).all()
    for text in sentences_of(BALANCED.attr(k))[:50]:
        found = analyse(text)
        between = found.words[found.subject + 1:found.verb]
        nouns = vocabulary().encode(w for w in between)
        singular = np.isin(nouns, vocabulary()["noun"][:, 0]).sum()
        plural = np.isin(nouns, vocabulary()["noun"][:, 1]).sum()
        assert (singular, plural) == ((k, 0) if found.plural else (0, k))


def test_long_reaches_distance_41():
    assert (BALANCED.long(8).verb - 2 == 41).all()


def test_nest_has_no_grammatical_neighbourhood():
    text = BALANCED.nest(2).text(0).split()
    assert text.count("that") == 2
    assert (BALANCED.nest(3).attractors == 2).all()


@pytest.mark.parametrize("name", SPLITS)
def test_no_test_sentence_was_trained_on(name):
    assert not set(sentences_of(BALANCED.train)) & set(sentences_of(SPLITS[name]))


def test_held_out_pairs_never_occur_in_training():
    def pairs(split):
        rows = np.arange(len(split))
        return set(zip(split.tokens[2, rows].tolist(), split.correct.tolist(), strict=True))
    assert not pairs(BALANCED.train) & pairs(BALANCED.held_out())


def test_everything_comes_from_the_seed():
    again, other = Agreement(seed=0), Agreement(seed=1)
    for a, b, c in ((BALANCED.train, again.train, other.train),
                    (BALANCED.attr(3), again.attr(3), other.attr(3))):
        assert np.array_equal(a.tokens, b.tokens) and np.array_equal(a.wrong, b.wrong)
        assert a.tokens.shape != c.tokens.shape or not np.array_equal(a.tokens, c.tokens)


def test_inputs_mask_the_padding():
    batch = BALANCED.train[:64]
    data = batch.inputs
    assert data["token"].shape == data["target"].shape == data["weight"].shape
    assert (data["weight"].sum(0) == batch.lengths - 1).all()
    assert (data["target"][data["weight"] == 0] == vocabulary()["padding"][0]).all()
    assert (data["token"][0] == vocabulary()["start"][0]).all()


def test_right_reads_the_logits_one_step_before_the_verb():
    batch = BALANCED.train[:8]
    logits = np.zeros((len(batch.tokens) - 1, 8, 100), np.float32)
    rows = np.arange(8)
    logits[batch.verb - 1, rows, batch.correct] = 1
    assert batch.right(logits).all()
    logits[batch.verb - 1, rows, batch.wrong] = 2
    assert not batch.right(logits).any()


def test_batches_depend_on_seed_and_step_only():
    batches, fresh = Batches(BALANCED.train, 64, seed=3), Batches(BALANCED.train, 64, seed=3)
    later = batches.at(500)
    assert np.array_equal(later.tokens, fresh.at(500).tokens)
    assert len(later) == 64 and not np.array_equal(later.tokens, fresh.at(1).tokens)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="regime is 'odd'"):
        Agreement(regime="odd")
    with pytest.raises(ValueError, match="at least 1"):
        Agreement(size=0)
