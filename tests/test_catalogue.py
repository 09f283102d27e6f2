"""The catalogue: every cell says its family and its year, and errors point at a wrong family."""

import pytest

from rnngraph import catalogue, library
from rnngraph.arrangement import stack
from rnngraph.catalogue import FAMILIES
from rnngraph.cell import load, parse
from rnngraph.source import CellError


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
