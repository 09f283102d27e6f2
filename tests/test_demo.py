"""The demo's parts: the carrier is found by effect, rows fit any cell, the picture is complete."""

import numpy as np
import pytest

from rnngraph.demo import explanation, picture
from rnngraph.demo.carrier import Carrier, Units, find_carrier, units_of
from rnngraph.demo.panel import range_of, rows_of
from rnngraph.graph import Graph
from rnngraph.sizes import Size
from rnngraph.tasks.agreement import Agreement

WORDS = (("the", "cat", ",", "was", "full"), ("the", "cats", ",", "were", "full"))
OTHER = (("the", "cat", "was", "full"), ("the", "cats", "were", "full"))
COLUMNS = [picture.Column(WORDS, 3), picture.Column(OTHER, 2)]


def a_cell():
    H, g = Size.symbol("H"), Graph("Odd")
    x, M, c = g.input("x", (H,)), g.state("M", (H, 3)), g.state("c", (Size.symbol("P"),))
    gate = g.apply("sigmoid", x)
    g.name("f", gate, "forget gate")
    g.name("keep", 1.0 - gate)
    g.name("n", g.apply("mul", gate, g.apply("tanh", x)))
    g.advance("M", g.apply("outer", gate, g.constant(1.0, (3,))) + M, "memory")
    g.advance("c", c)
    g.output("y", gate)
    return g


class Reader:
    """Prefers the correct form exactly while unit 2 of M is kept; unit 0 of c is inert."""

    def __init__(self, sentences):
        self.sentences, self.largest = sentences, 0

    def run(self, params, x, state=None):
        steps, rows = x["token"].shape
        self.largest = max(self.largest, rows)
        some = self.sentences[np.arange(rows) % len(self.sentences)]
        logits, each = np.zeros((steps, rows, 100), np.float32), np.arange(rows)
        kept = x["keep(M)"][:, 2].min(1) > 0
        logits[some.verb - 1, each, np.where(kept, some.correct, some.wrong)] = 1
        return {"logits": logits}, {}


@pytest.fixture(name="carrier")
def _carrier():
    sentences = Agreement().attr(1)[:50]
    groups = units_of(a_cell(), {"H": 4, "P": 200})
    names = {"M": "keep(M)", "c": "keep(c)"}
    reader = Reader(sentences)
    found = find_carrier(reader, {"W": np.zeros(1, np.float32)}, sentences, groups, names)
    assert reader.largest <= 4096
    return found


def test_units_are_grouped_by_first_size():
    groups = units_of(a_cell(), {"H": 4, "P": 7})
    assert [(g.count, g.shapes) for g in groups] == [(4, {"M": (4, 3)}), (7, {"c": (7,)})]
    with pytest.raises(ValueError, match="has no state"):
        units_of(Graph("Empty"), {})


def test_carrier_is_the_unit_whose_loss_costs_most(carrier):
    assert (list(carrier.units.shapes), carrier.unit) == (["M"], 2)
    assert (carrier.accuracy, carrier.others) == (1.0, 1.0)
    assert carrier.without.tolist() == [1, 1, 0, 1]


def test_rows_show_the_unit_or_the_element_that_differs_most(carrier):
    rng = np.random.default_rng(0)
    shapes = {"f": (4,), "keep": (4,), "n": (4,), "M": (4, 3), "c": (200,)}
    traces = [{n: rng.normal(size=(len(c.words[0]), 2, *s)) * 0.1 for n, s in shapes.items()}
              for c in COLUMNS]
    traces[0]["M"][1, 0, 2, 1] = 9.0
    traces[1]["c"][1, 1, 77] = 9.0
    rows = {row.name: row for row in rows_of(a_cell(), carrier, traces)}
    assert {"f", "keep", "n", "M'[2, 1]"} <= set(rows)
    assert np.array_equal(rows["f"].values[1], traces[1]["f"][:, :, 2].T)
    assert rows["M'[2, 1]"].values[0][0, 1] == 9.0 and rows["M'[2, 1]"].label == "memory"


def test_ranges_come_from_the_ops():
    names = a_cell().names
    assert range_of(names["f"].node) == (0, 1)
    assert range_of(names["keep"].node) == (0, 1)
    assert range_of(names["n"].node) == (-1, 1)
    assert range_of(a_cell().inputs["x"]) is None


def some_rows():
    def lines(seed):
        rng = np.random.default_rng(seed)
        return tuple(rng.random((2, len(c.words[0]))) for c in COLUMNS)
    return [picture.Row("f", "forget gate", lines(0), (0.0, 1.0)),
            picture.Row("c'", "a label that is far too long for its place on the page", lines(1)),
            picture.Row("", "p(was) against p(were)", lines(2), (0.0, 1.0), ("were", "was"), True)]


def test_picture_has_all_words_and_labels_and_the_same_bytes_twice(tmp_path):
    def drawn(stem):
        figure = picture.draw("Title", "below it", COLUMNS, some_rows(), ("one", "other"))
        texts = {t.get_text() for a in figure.axes for t in a.texts}
        assert {"the", "cat", "cats", "was", "were", "full", "verb", "forget gate", "f"} <= texts
        return [path.read_bytes() for path in picture.save(figure, tmp_path / stem)]
    png, svg = drawn("a")
    assert png.startswith(b"\x89PNG") and b"<svg" in svg
    assert drawn("b") == [png, svg]


def test_rows_share_their_limits_between_columns():
    row = some_rows()[1]
    low, high = row.limits
    assert low < min(v.min() for v in row.values) and high > max(v.max() for v in row.values)
    flat = picture.Row("k", "", (np.ones((2, 5)), np.ones((2, 4))))
    assert flat.limits[0] < 1 < flat.limits[1]


def test_explanation_is_computed():
    carrier = Carrier(Units(Size.symbol("H"), 3, {"c": (3,)}), 1, 1.0, np.array([1, 0.4, 0.98]))
    rows = some_rows()
    rows[1].values[0][:, 1:3] = [[0.5, 0.25], [-0.5, -0.75]]
    assert explanation.headline(carrier) == "Unit 1 carries the number of the subject"
    assert "from 100 % to 40 % (any other unit, in the median: 99 %)" in explanation.ablation(
        carrier)
    told = explanation.memory(carrier, rows, COLUMNS)
    assert '0.50 after "cat" and -0.50 after "cats"; 1 word later' in told
    assert "it is 0.25 and -0.75" in told
    rows[0].values[0][:], rows[0].values[1][:] = 0.5, 0.5
    rows[0].values[1][1, 2] = 0.9
    assert 'at "were" the forget gate f is 0.50 in the first sentence and 0.90' in (
        explanation.same_word(rows, COLUMNS) or "")
    assert explanation.same_word(rows[1:], COLUMNS) is None


def test_no_carrier_is_not_called_one():
    spread = Carrier(Units(3, 3, {"c": (3,)}), 1, 1.0, np.array([1, 0.97, 0.98]))
    assert "no single unit" in explanation.headline(spread)
