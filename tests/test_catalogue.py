"""The catalogue: every cell says its family and its year, and errors point at a wrong family."""

import pytest
from command_line import Call, call

from rnngraph import catalogue, library
from rnngraph.arrangement import stack
from rnngraph.catalogue import FAMILIES
from rnngraph.cell import load, parse
from rnngraph.source import CellError

__all__ = ["call"]  # a fixture


def test_every_cell_has_a_known_family_and_a_year():
    entries = catalogue.entries()
    assert [e.name for e in entries] == library.names()
    assert [e.name for e in entries if e.family not in FAMILIES or not e.year] == []
    assert set(FAMILIES) == {e.family for e in entries}, "a family without a cell"


def test_an_entry_says_what_the_text_says():
    entry = catalogue.entry("lstm")
    assert (entry.title, entry.family, entry.year) == ("LSTM", "lstm", 2000)
    graph = load("lstm").graph
    assert (graph.family, graph.doc, graph.source) == ("lstm", entry.doc, entry.source)
    with pytest.raises(FileNotFoundError, match="did you mean"):
        catalogue.entry("lstn")


def test_the_family_travels_with_the_cell():
    assert load("gru").bind(I=2, H=3).graph.family == "gru"
    assert stack(load("gru"), layers=2).graph.family == "gru"
    assert stack(load("gru"), load("lstm")).graph.family == ""


@pytest.mark.parametrize(
    ("lines", "message", "at"),
    [
        ("family lstm", 'expected the kind of cell in quotes after "family"', "lstm"),
        ('family ""', 'expected the kind of cell in quotes after "family"', None),
        ('family "a" "b"', "expected the end of the line after the family", '"b"'),
        ('family "a"\nfamily "b"', "a cell has one family, this is a second one", 'family "b"'),
    ],
)
def test_a_family_is_one_string(lines, message, at):
    with pytest.raises(CellError) as caught:
        parse(f"cell X\n{lines}\nstate h[H]\nh' = h\n")
    (report,) = caught.value.diagnostics
    assert report.message.startswith(message)
    assert at is None or caught.value.source.text[slice(*report.span)] == at


# --- rnngraph list -------------------------------------------------------------------------------


def listed(call: Call, *words: str) -> list[str]:
    return call("list", "--names", *words).out.split()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_lists_its_cells(call: Call, family):
    want = [e.name for e in catalogue.entries() if e.family == family]
    assert listed(call, "--family", family) == want


def test_years_words_and_families_meet(call: Call):
    entries = catalogue.entries()
    assert listed(call, "--year", "2014") == [e.name for e in entries if e.year == 2014]
    some = listed(call, "--year", "2014-2016", "--family", "gru")
    assert some == [e.name for e in entries if e.family == "gru" and 2014 <= e.year <= 2016]
    assert listed(call, "SCHMIDHUBER", "highway") == ["rhn", "rhn_coupled"]
    assert "gru" in listed(call, "Cho et al")


@pytest.mark.parametrize("key", ["name", "family", "year"])
def test_sorted_by(call: Call, key):
    names = listed(call, "--sort", key)
    assert sorted(names) == library.names()
    values = [getattr(catalogue.entry(name), key) for name in names]
    if key == "family":
        values = [[*FAMILIES].index(value) for value in values]
    assert values == sorted(values)


@pytest.mark.parametrize("columns", [72, 80, 140])
@pytest.mark.parametrize("words", [(), ("--source",), ("--sort", "year")])
def test_lines_fit_the_terminal(call: Call, monkeypatch, columns, words):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = call("list", *words).out.splitlines()
    assert max(map(len, lines)) <= columns
    for entry in catalogue.entries():
        (line,) = [line for line in lines if line.split()[:2] == [entry.name, str(entry.year)]]
        assert entry.doc[:8] in line


def test_what_is_not_there_is_said(call: Call):
    answer = call("list", "no such cell", "--year", "1999")
    assert answer.code == 1 and answer.out == ""
    assert "1999" in answer.err and "no such cell" in answer.err
    answer = call("list", "--family", "lsmt")
    assert answer.code == 2 and "did you mean 'lstm'" in answer.err
    assert all(family in " ".join(answer.err.split()) for family in FAMILIES)
    assert call("list", "--year", "2016-2014").code == 2
