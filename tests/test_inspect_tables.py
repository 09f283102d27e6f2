"""Tables hold every number of a trace, at its place, with words, for cells of every kind."""

import numpy as np
import pytest
from inspected import KINDS, B, T, model, sentences

import rnngraph as rg
from rnngraph import extras
from rnngraph.inspect import to_pandas, to_xarray
from rnngraph.inspect.traced import inner_names

pandas, xarray = pytest.importorskip("pandas"), pytest.importorskip("xarray")
LENGTHS = [T, 2, T, 4]
WORDS = [[f"w{step}" for step in range(length)] for length in LENGTHS]


def traced(kind):
    compiled, params = model(kind)
    return compiled, compiled.trace(params, sentences(), lengths=LENGTHS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_for_every_number(kind):
    compiled, trace = traced(kind)
    table = to_pandas(compiled, trace, words=WORDS, lengths=LENGTHS)
    assert list(dict.fromkeys(table["name"])) == inner_names(compiled.graph)
    assert set(compiled.graph.states) <= set(table["name"])
    for name, lines in table.groupby("name", observed=True):
        units = int(np.prod(trace[name].shape[2:3]))
        value = trace[name].reshape(T, B, units, -1)
        assert len(lines) == sum(LENGTHS) * value[0, 0].size
        element = lines.get("element", 0)
        assert np.array_equal(value[lines["step"], lines["row"], lines["unit"], element],
                              lines["number"])
    assert (table["word"].astype(str) == "w" + table["step"].astype(str)).all()
    assert ("element" in table) == any(trace[n].ndim > 3 for n in inner_names(compiled.graph))


@pytest.mark.parametrize("kind", KINDS)
def test_a_dataset_has_axes_with_names(kind):
    compiled, trace = traced(kind)
    names = [*inner_names(compiled.graph), "logits", "loss"]
    data = to_xarray(compiled, trace, names=names, words=WORDS, lengths=LENGTHS)
    assert list(data.data_vars) == names
    for name in names:
        assert data[name].dims[:2] == ("step", "row")
        for row, length in enumerate(LENGTHS):
            assert np.array_equal(data[name].values[:length, row], trace[name][:length, row])
            assert np.isnan(data[name].values[length:, row]).all()
    assert data["loss"].dims == ("step", "row")
    state = next(iter(compiled.graph.states))
    assert data[state].dims[2] == "unit" and data[state].isel(row=0, step=1).notnull().all()
    assert data["word"].values[1].tolist() == ["w1"] * B and data["word"].values[-1, 1] == ""


def test_what_a_variable_is_called_and_where_it_lies():
    compiled, trace = traced("lstm")
    data = to_xarray(compiled, trace, words=WORDS[0])
    assert data["f"].attrs == {"long_name": "forget gate", "valid_range": [0.0, 1.0]}
    assert data["word"].dims == ("step",) and data["c"].attrs["long_name"] == "cell state"
    assert "word" not in to_xarray(compiled, trace) and "word" not in to_pandas(compiled, trace)


@pytest.mark.parametrize(("options", "message"), [
    ({"names": ["q"]}, "no value 'q' is traced; there are"),
    ({"words": ["a", "b"]}, "a row of 6 steps has 2 words"),
    ({"words": [["a"] * T]}, "words are given for 1 rows, expected 4"),
    ({"lengths": [3]}, r"lengths have shape \[1\], expected \[4\]"),
])  # fmt: skip
def test_what_does_not_fit_is_named(options, message):
    compiled, trace = traced("lstm")
    with pytest.raises(rg.ArgumentError, match=message):
        to_pandas(compiled, trace, **options)
    with pytest.raises(rg.ArgumentError, match=r"'f' has shape \[4, 5\], expected \[T, B, ...\]"):
        to_xarray(compiled, {**trace, "f": trace["f"][0]})


def test_values_that_are_the_same_at_every_step_are_refused():
    lmu = rg.load("lmu").compile(I=2, H=3, D=4)
    trace = lmu.trace(lmu.init(), np.zeros((T, B, 2)))
    assert "A" not in set(to_pandas(lmu, trace)["name"])
    with pytest.raises(rg.ArgumentError, match="'A' does not vary from step to step"):
        to_pandas(lmu, trace, names=["A"])


@pytest.mark.parametrize("make", [to_pandas, to_xarray])
def test_without_the_package_the_remedy_is_named(make, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'rnngraph\[tables\]'"):
        make(*traced("lstm"))
