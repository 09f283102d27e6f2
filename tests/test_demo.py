"""The demo: units are read off the graph, the carrier is found by effect, the picture is complete,
what is told is computed, and all of it works end to end on the compiled model of any cell."""

import numpy as np
import pytest
from language_cells import language_cells
from rich.console import Console

import rnngraph as rg
from rnngraph import demo, extras
from rnngraph.demo import caption, demonstration, picture
from rnngraph.demo.carrier import Carrier
from rnngraph.demo.panel import range_of, rows_of
from rnngraph.demo.scores import SPLITS, accuracy
from rnngraph.explain import trained
from rnngraph.explain.agreement import CONDITIONS, agreement_ablation, trial_sentences
from rnngraph.explain.units import Units, units_of
from rnngraph.graph import Graph
from rnngraph.tasks.agreement import MISSION, Agreement, Batches
from rnngraph.tasks.agreement import SPLITS as splits_of_the_language
from rnngraph.tasks.grammar import analyse, other_number
from rnngraph.train.language_model import language_model
from rnngraph.train.loop import Trainer
from rnngraph.train.rates import cosine

WORDS = (("the", "cat", ",", "was", "full"), ("the", "cats", ",", "were", "full"))
OTHER = (("the", "cat", "was", "full"), ("the", "cats", "were", "full"))
COLUMNS = [picture.Column(WORDS, 3), picture.Column(OTHER, 2)]


def a_cell():
    """A matrix state M with 4 units, and an unrelated state c of 6 units."""
    g = Graph("Odd")
    x, M, c = g.input("x", (4,)), g.state("M", (4, 3)), g.state("c", (6,))
    gate = g.apply("sigmoid", x)
    g.name("f", gate, "forget gate")
    g.name("keep", 1.0 - gate)
    g.name("n", g.apply("mul", gate, g.apply("tanh", x)))
    kept = g.apply("expand", gate, shape=(4, 3), axes=(0,)) * M
    g.advance("M", kept + g.apply("outer", gate, g.constant(1.0, (3,))), "memory")
    g.advance("c", c + g.param("W", (6, 4)) @ x)
    g.output("y", gate)
    return g


LATCH = """
cell Latch
"Keeps the number of the first noun in all units of M, and reads unit 2; c is read by nobody."
input  token: int, target: int, weight[]
state  M[4, 3], c[6]
param  number[V], form[V]
M' = where(M == 0, number[token], M)
c' = c + number[token]
output logits = form * sum(M'[2])
output loss = weight * cross_entropy(logits, target)
"""


def of_number(sentences):
    """Parameters of the latch: -1 for singular words, 1 for plural ones."""
    words = np.zeros((2, 100), np.float32)
    for version in (sentences, sentences.turned):
        number = 2 * version.number - 1
        words[0, version.tokens[2]] = words[1, version.correct] = number
    return {"number": words[0], "form": words[1]}


@pytest.fixture(name="carrier")
def _carrier():
    return Carrier(units_of(a_cell())[0], 2, 1.0, np.array([1, 1, 0, 1]))


# --- units and the carrier -------------------------------------------------------------------


def test_units_are_shared_by_states_that_meet_element_by_element():
    def groups(cell, **sizes):
        return [(g.count, list(g.shapes)) for g in units_of(cell.bind(None, **sizes).graph)]

    lstm, rnn = rg.load("lstm"), rg.load("rnn")
    assert groups(lstm, H=5, I=5) == [(5, ["h", "c"])]
    assert groups(rg.load("layernorm_lstm"), H=5, I=3) == [(5, ["h", "c"])]
    assert groups(rg.load("lstm_projection"), H=5, I=5, P=5) == [(5, ["h"]), (5, ["c"])]
    assert groups(rg.stack(rnn, lstm), H=5, I=3) == [
        (5, ["layer0.h"]), (5, ["layer1.h", "layer1.c"])]
    assert [(g.count, g.shapes) for g in units_of(a_cell())] == [
        (4, {"M": (4, 3)}), (6, {"c": (6,)})]
    with pytest.raises(ValueError, match="has no state"):
        units_of(Graph("Empty"))


def test_units_are_ablated_in_the_group_whose_loss_costs_most():
    latch = rg.parse(LATCH).compile(V=100)
    data = Agreement(0)
    ablated = agreement_ablation(latch, of_number(trial_sentences(data)[0]), latch.graph, data)
    found = ablated.found
    assert list(ablated.units.shapes) == ["M"] and tuple(found.conditions) == CONDITIONS
    assert ablated.effect.argmax() == 2 and ablated.by == "accuracy"
    assert (found.whole.accuracy == 1).all()
    assert found.without.accuracy.mean(1).tolist() == [1, 1, 0, 1]


# --- rows ------------------------------------------------------------------------------------


def test_rows_show_the_unit_or_the_element_that_differs_most(carrier):
    rng = np.random.default_rng(0)
    shapes = {"f": (4,), "keep": (4,), "n": (4,), "M": (4, 3), "c": (6,)}
    traces = [{n: rng.normal(size=(len(c.words[0]), 2, *s)) * 0.1 for n, s in shapes.items()}
              for c in COLUMNS]
    traces[0]["M"][1, 0, 2, 1] = 9.0
    traces[1]["c"][1, 1, 5] = 9.0
    rows = {row.name: row for row in rows_of(a_cell(), carrier, traces)}
    assert {"f", "keep", "n", "M'[2, 1]", "c'[5]"} == set(rows)
    assert np.array_equal(rows["f"].values[1], traces[1]["f"][:, :, 2].T)
    memory = rows["M'[2, 1]"]
    assert (memory.values[0][0, 1], memory.label, memory.state) == (9.0, "memory", "M")


def test_ranges_come_from_the_ops():
    names = a_cell().names
    assert range_of(names["f"].node) == (0, 1)
    assert range_of(names["keep"].node) == (0, 1)
    assert range_of(names["n"].node) == (-1, 1)
    assert range_of(a_cell().inputs["x"]) is None


# --- the picture -----------------------------------------------------------------------------


def some_rows():
    def lines(seed):
        rng = np.random.default_rng(seed)
        return tuple(rng.random((2, len(c.words[0]))) for c in COLUMNS)
    return [picture.Row("f", "forget gate", lines(0), (0.0, 1.0)),
            picture.Row("c'", "a label that is far too long for its place on the page", lines(1),
                        state="c"),
            picture.Row("", "p(was) against p(were)", lines(2), (0.0, 1.0), ("were", "was"), True)]


def drawn():
    return picture.draw("Title", "below it", COLUMNS, some_rows(), ("one", "other"))


def test_picture_has_all_words_and_labels_and_the_same_bytes_twice(tmp_path):
    texts = {t.get_text() for a in drawn().axes for t in a.texts}
    assert {"the", "cat", "cats", "was", "were", "full", "verb", "forget gate", "f"} <= texts
    png, svg = (path.read_bytes() for path in picture.save(drawn(), tmp_path / "a"))
    assert png.startswith(b"\x89PNG") and b"<svg" in svg
    assert [path.read_bytes() for path in picture.save(drawn(), tmp_path / "b")] == [png, svg]


def test_no_text_of_the_picture_overlaps_another_or_is_cut():
    figure = drawn()
    figure.canvas.draw()
    texts = [*figure.texts, *figure.legends[0].get_texts(), *(t for a in figure.axes for t in (
        *a.texts, *a.get_yticklabels()) if t.get_text())]
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts]
    for at, (text, box) in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text
        for other, theirs in boxes[at + 1:]:
            assert not box.overlaps(theirs), (text, other)


def test_text_is_readable_at_paper_width():
    pairs = [(analyse(text), analyse(other_number(text))) for text in MISSION]
    full = [picture.Column((one.words, other.words), one.verb) for one, other in pairs]
    rows = [picture.Row("f", "", tuple(np.ones((2, len(c.words[0]))) for c in full), (0.0, 1.0))]
    width, _ = picture.draw("t", "s", full, rows, ("a", "b")).get_size_inches()
    assert picture.TEXT * 7 / width > 6.5  # points, on a page of 7 inches


def test_rows_share_their_limits_between_columns():
    row = some_rows()[1]
    low, high = row.limits
    assert low < min(v.min() for v in row.values) and high > max(v.max() for v in row.values)
    flat = picture.Row("k", "", (np.ones((2, 5)), np.ones((2, 4))))
    assert flat.limits[0] < 1 < flat.limits[1]


def test_without_matplotlib_the_remedy_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'rnngraph\[plot\]'"):
        demo.run(tmp_path / "none")
    assert not (tmp_path / "none").exists()


# --- what stands above it --------------------------------------------------------------------


def a_carrier(*without):
    return Carrier(Units(3, {"c": (3,)}), 1, 1.0, np.array(without))


def test_the_caption_is_computed():
    assert caption.ablation(a_carrier(1, 0.4, 0.98)).endswith(
        "falls from 100.0 % to 40.0 %; with any other unit held so it is 99.0 % (median).")


def test_no_carrier_is_not_called_one():
    assert "No unit alone" in caption.headline(a_carrier(1, 0.97, 0.98))
    assert "is 97.0 %, not 100.0 %" in caption.ablation(a_carrier(1, 0.97, 0.98))
    assert "is still 100.0 %" in caption.ablation(a_carrier(1, 1, 1))
    assert caption.headline(a_carrier(1, 0.5, 1)) == (
        "Unit 1 carries the number of the subject")


# --- end to end ------------------------------------------------------------------------------


def ran(folder, name, **settings):
    with open(folder / "told.txt", "w", encoding="utf-8") as told:
        console = Console(file=told, width=100)
        result = demo.run(folder / "out", cell=language_cells()[name], console=console, **settings)
    return result, (folder / "told.txt").read_text(encoding="utf-8")


def test_demo_learns_and_shows_what_it_learnt(tmp_path):
    result, told = ran(tmp_path, "lstm", steps=1000)
    assert result.validation >= 0.99
    assert all(result.scores["attr"][k] >= 0.98 for k in (0, 1, 2, 3))
    assert result.carrier.units.count == 32 and result.carrier.lost > 0.05
    assert {path.name for path in result.files} == {
        "gates.png", "gates.svg", "cell.svg", "weights.safetensors", "report.html", "report.json"}
    assert all(path.stat().st_size > 1000 for path in result.files)
    said = (caption.ablation(result.carrier), *result.story)
    for words in ("99.0 % after", "by number of attractors", *said):
        assert " ".join(words.split()) in " ".join(told.split())
    assert max(map(len, told.splitlines())) <= 100 + len(str(tmp_path))


def test_stored_weights_show_it_without_training(tmp_path):
    result, told = ran(tmp_path, "lstm", train=False)
    assert "step" not in told.split("by number of attractors")[0]
    assert result.scores["attr"][3] >= 0.98 and result.carrier.lost > 0.5
    did, why = result.story
    assert did.startswith(f"The forget gate f keeps what unit {result.carrier.unit} of c holds")
    assert all(sentence in did for sentence in MISSION) and "is computed anew" in why
    again = trained(tmp_path / "out" / "weights.safetensors")
    assert all(np.array_equal(again.params[name], value)
               for name, value in trained(demonstration.STORED).params.items())


def test_every_split_of_the_language_is_scored_and_printed(tmp_path):
    result, told = ran(tmp_path, "lstm", steps=1, hidden=4, regime="rare")
    assert set(result.scores) == set(SPLITS) == {*splits_of_the_language} - {"train", "validation"}
    stored = trained(tmp_path / "out" / "weights.safetensors")
    assert stored.agreement == Agreement(7, "rare")
    for name, split in SPLITS.items():
        assert tuple(result.scores[name]) == split.counts and split.told.split()[0] in told
        for count, share in result.scores[name].items():
            sentences = split.made(stored.agreement, count)
            assert share == accuracy(stored.model, stored.params, sentences)
            assert f"{count}  {caption.percent(share):>7}" in told or (
                f"{count}  {caption.percent(share)}" in told)


def test_demo_of_a_matrix_state(tmp_path):
    result, told = ran(tmp_path, "memory", steps=20, hidden=8)
    assert result.carrier.units.count == 8
    assert "read on with care" in told
    assert "memory" in (tmp_path / "out" / "gates.svg").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "steps", "seen"), [("gru", 1000, ["update gate"]),
                                                     ("stack", 2000, ["layer0.f", "layer1.f"])])
def test_other_cells_learn_the_balanced_language_too(name, steps, seen, tmp_path):
    result, _ = ran(tmp_path, name, steps=steps)
    assert result.validation >= 0.99
    assert all(result.scores["attr"][k] >= 0.98 for k in (0, 1, 2, 3))
    svg = (tmp_path / "out" / "gates.svg").read_text(encoding="utf-8")
    assert all(gate in svg for gate in seen)


@pytest.mark.slow
def test_more_attractors_are_harder_where_they_were_rare_in_training():
    shares = []
    for seed in range(2):
        data = Agreement(seed, "rare")
        model = language_model(rg.load("lstm"), 100).compile()
        trainer, batches = Trainer(model, cosine(5e-3, 5e-4, 2000)), Batches(data.train, 64, seed)
        moment = trainer.start(seed)
        while moment.step < 2000:
            moment, _ = trainer.advance(moment, batches.at(moment.step).inputs)
        assert accuracy(model, moment.params, data.validation) >= 0.98
        shares.append([accuracy(model, moment.params, data.attr(k)) for k in (1, 4)])
    one, four = np.mean(shares, 0)
    assert four < one
