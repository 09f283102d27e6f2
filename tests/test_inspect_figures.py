"""Figures show the numbers they are given, at the words they belong to, for cells of every kind."""

import numpy as np
import pytest
from inspected import KINDS, B, T, model, sentences

import rnngraph as rg
from rnngraph import extras
from rnngraph.inspect import figures, retention, saturation
from rnngraph.inspect.traced import inner_names

pytest.importorskip("matplotlib")
LENGTHS = [T, 2, T, 4]
WORDS = [[f"{row}w{step}" for step in range(length)] for row, length in enumerate(LENGTHS)]


def traced(kind):
    compiled, params = model(kind)
    return compiled, params, compiled.trace(params, sentences(), lengths=LENGTHS)


def titles(figure):
    return [" ".join(axis.get_title().split()) for axis in figure.axes if axis.get_title()]


@pytest.mark.parametrize("kind", KINDS)
def test_strips_are_the_values_of_a_sentence(kind):
    compiled, _, trace = traced(kind)
    figure = figures.strips(compiled, trace, row=3, words=WORDS, lengths=LENGTHS)
    names = inner_names(compiled.graph)
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) == len(names)
    for axis, name, title in zip(shown, names, titles(figure), strict=True):
        assert title.endswith(name)
        assert np.array_equal(axis.images[0].get_array(), trace[name][:4, 3].reshape(4, -1))
    assert [label.get_text() for label in shown[0].get_yticklabels()] == WORDS[3]
    assert figures.png(figure).startswith(b"\x89PNG")


def test_strips_have_the_scale_of_their_function_and_units_in_any_order():
    compiled, _, trace = traced("lstm")
    figure = figures.strips(compiled, trace, names=["f", "g", "c"], units=[2, 0])
    f, g, c = (axis.images[0] for axis in figure.axes if axis.images)
    assert f.get_clim() == (0, 1) and g.get_clim() == (-1, 1)
    assert c.get_clim()[1] == -c.get_clim()[0] == abs(trace["c"][:, 0][:, [2, 0]]).max()
    assert np.array_equal(f.get_array(), trace["f"][:, 0][:, [2, 0]])
    assert titles(figure) == ["forget gate f", "candidate g", "cell state c"]


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_one_unit_along_sentences(kind):
    compiled, _, trace = traced(kind)
    figure = figures.lines(compiled, trace, unit=1, rows=[0, 3], words=WORDS, lengths=LENGTHS,
                           titles=["one", "other"])
    names = inner_names(compiled.graph)
    for axis, name in zip(figure.axes, names, strict=True):
        drawn = [line.get_ydata() for line in axis.lines if line.get_label() in ("one", "other")]
        for line, row in zip(drawn, (0, 3), strict=True):
            assert np.array_equal(line, trace[name].reshape(T, B, -1)[: LENGTHS[row], row, 1])
    words = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert words[1] == "0w1\n3w1" and words[5] == "0w5"
    styles = {(line.get_marker(), str(line.get_linestyle())) for line in figure.axes[0].lines[:2]}
    assert len(styles) == 2  # told apart without colour


@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_conditions_are_means_with_bands(kind):
    compiled, _, trace = traced(kind)
    figure = figures.lines(compiled, trace, unit=1, conditions=["a", "b", "a", "b"], words=WORDS,
                           lengths=LENGTHS)
    for axis, name in zip(figure.axes, inner_names(compiled.graph), strict=True):
        flat = trace[name].reshape(T, B, -1)[..., 1]
        for title, rows in (("a", [0, 2]), ("b", [1, 3])):
            (line,) = [line for line in axis.lines if line.get_label() == title]
            inside = [[flat[t, row] for row in rows if t < LENGTHS[row]]
                      for t in range(max(LENGTHS[row] for row in rows))]
            assert np.allclose(line.get_ydata(), [np.mean(each) for each in inside], rtol=1e-6)
            band = axis.collections[("a", "b").index(title)].get_paths()[0].vertices
            upper = [np.mean(each) + np.std(each) for each in inside]
            assert all(np.isclose(band, [t, y]).all(1).any() for t, y in enumerate(upper))


@pytest.mark.parametrize("kind", KINDS)
def test_saturation_has_a_dot_for_every_unit(kind):
    compiled, _, trace = traced(kind)
    found = saturation(compiled, trace, lengths=LENGTHS)
    figure = figures.saturation(found)
    dots = {axis.get_title().replace(" ", "."): axis.collections[0].get_offsets()
            for axis in figure.axes if axis.collections}
    assert set(dots) == set(found)
    for name, one in found.items():
        assert np.allclose(dots[name], np.stack([one.right, one.left], -1).reshape(-1, 2))


@pytest.mark.parametrize("kind", ["lstm", "gru", "stack"])
def test_retention_shows_what_is_kept(kind):
    compiled, params, _ = traced(kind)
    found = retention(compiled, params, sentences(), lengths=LENGTHS)
    figure = figures.retention(found, row=3, words=WORDS[3])
    kept = [state for state, rho in found.rho.items() if np.nan_to_num(rho).any()]
    heat = [axis.images[0].get_array() for axis in figure.axes if axis.images]
    for state, shown in zip(kept, heat, strict=True):
        assert np.array_equal(shown, abs(found.rho[state][:4, 3]))
    lives = [axis.collections[0].get_offsets()[:, 1] for axis in figure.axes if axis.collections
             and axis.get_yscale() == "log"]
    expected = np.clip(np.median(found.half_life[kept[0]][:4, 3], 0), *figures.LIVES)
    assert np.allclose(lives[0], expected)
    with pytest.raises(rg.ArgumentError, match="there is no row 9"):
        figures.retention(found, row=9)


@pytest.mark.parametrize(("make", "options", "message"), [
    (figures.strips, {"row": 4}, "there is no row 4; rows are 0 to 3"),
    (figures.lines, {"unit": 99}, "no value has a unit 99"),
    (figures.lines, {"rows": range(9)}, "rows are 9; lines show 1 to 4"),
    (figures.lines, {"titles": ["a"]}, "titles are 1, but rows are 4"),
    (figures.lines, {"conditions": ["a"]}, "conditions are 1, expected one for each of 4 rows"),
    (figures.lines, {"conditions": list("abcd"), "rows": [0]}, "neither rows nor titles"),
])  # fmt: skip
def test_what_does_not_fit_is_named(make, options, message):
    compiled, _, trace = traced("lstm")
    with pytest.raises(rg.ArgumentError, match=message):
        make(compiled, trace, **options)
    with pytest.raises(rg.ArgumentError, match="no value has a range"):
        figures.saturation({})


def test_text_does_not_overlap_and_is_not_cut():
    compiled, _, trace = traced("lstm")
    words = ["the", "cat", "which", "ate", "already", "was"]
    for figure in (figures.strips(compiled, trace, words=words), figures.lines(compiled, trace)):
        figure.canvas.draw()
        texts = [text for axis in figure.axes for text in (
            axis.title, axis.yaxis.label, *ticks(axis.xaxis), *ticks(axis.yaxis))]
        boxes = [text.get_window_extent() for text in texts if text.get_text()]
        for at, box in enumerate(boxes):
            assert box.x0 >= 0 and box.y0 >= 0
            assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
            assert not any(box.overlaps(other) for other in boxes[at + 1:]), texts[at]


def ticks(axis):
    """The labels that are seen."""
    low, high = sorted(axis.get_view_interval())
    return [tick.label1 for tick in axis.get_major_ticks()
            if low <= tick.get_loc() <= high and tick.label1.get_visible()]


def test_without_matplotlib_the_remedy_is_named(monkeypatch):
    compiled, _, trace = traced("lstm")
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'rnngraph\[plot\]'"):
        figures.strips(compiled, trace, names=["f"])
