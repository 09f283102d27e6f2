"""Reports: the right columns whatever the text holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnngraph.source import MAX_REPORTS, CellError, Diagnostic, Source, Span

TEXT = """cell X
param  b_f [I]

f = sigmoid(W_f @ [h, x] + b_f)
"""


def span(text, part):
    start = text.index(part)
    return Span(start, start + len(part))


def test_report_in_the_documented_style():
    report = Diagnostic(
        "shapes do not match in '+'",
        Span(TEXT.rindex("b_f"), TEXT.rindex("b_f") + 3),
        (
            (span(TEXT, "W_f @ [h, x]"), "this is [H]"),
            (Span(TEXT.rindex("b_f"), TEXT.rindex("b_f") + 3), "this is [I]"),
        ),
        (("'b_f' is declared here", span(TEXT, "b_f")),),
    )
    assert report.render(Source(TEXT, "my.cell")) == (
        "error: shapes do not match in '+'\n"
        "  --> my.cell:4:28\n"
        "   |\n"
        " 4 | f = sigmoid(W_f @ [h, x] + b_f)\n"
        "   |             ------------   ^^^ this is [I]\n"
        "   |             |\n"
        "   |             this is [H]\n"
        "note: 'b_f' is declared here\n"
        "  --> my.cell:2:8"
    )


def test_label_on_another_line():
    text = "a = 1\n\n\na = 2"
    report = Diagnostic("twice", Span(9, 10), ((Span(0, 1), "first"),))
    if text[9] != "a":
        report = Diagnostic("twice", Span(8, 9), ((Span(0, 1), "first"),))
    assert report.render(Source(text)) == (
        "error: twice\n  --> <cell>:4:1\n   |\n 1 | a = 1\n   | - first\n...\n 4 | a = 2\n   | ^"
    )


@pytest.mark.parametrize(
    ("line", "part", "drawn", "marks"),
    [
        ("c̃ = é + b", "b", "c̃ = é + b", "        ^"),
        ("漢 = b", "b", "漢 = b", "     ^"),
        ("\tf = b", "b", "    f = b", "        ^"),
        ("  \tf = b", "b", "    f = b", "        ^"),
        ("a\x00 + b", "b", "a� + b", "     ^"),
        ("a\u202e + b", "b", "a� + b", "     ^"),
    ],
)
def test_columns(line, part, drawn, marks):
    rows = Diagnostic("m", span(line, part)).render(Source(line)).split("\n")
    assert rows[3:] == [f" 1 | {drawn}", f"   | {marks}"]
    assert rows[1].endswith(f":1:{line.index(part) + 1}")


def test_long_lines_are_shown_in_part():
    source = Source("x = " + "(" * 100_000 + "b" + ")" * 100_000)
    text = Diagnostic("deep", span(source.text, "b")).render(source)
    assert len(text) < 500
    row, marks = text.split("\n")[3:]
    assert row[marks.index("^")] == "b"


def test_overlapping_labels_and_places_outside():
    source = Source("a + b")
    both = Diagnostic("m", Span(0, 5), ((Span(0, 1), "one"), (Span(4, 5), "two")))
    assert "one" in both.render(source) and "two" in both.render(source)
    assert "^" in Diagnostic("m", Span(90, 99)).render(source)
    assert "^" in Diagnostic("m", Span(0, 0)).render(Source(""))


def test_error_carries_data_and_is_bounded():
    source = Source("a\nb\nc", "x.cell")
    error = CellError(source, [Diagnostic("second", Span(2, 3)), Diagnostic("first", Span(0, 1))])
    assert isinstance(error, ValueError)
    assert [d.message for d in error.diagnostics] == ["first", "second"]
    assert str(error).count("error:") == 2
    many = CellError(source, [Diagnostic("m", Span(0, 1))] * 1000)
    assert str(many).count("error:") == MAX_REPORTS
    assert str(many).endswith(f"and {1000 - MAX_REPORTS} more errors")


@given(st.text(max_size=60), st.integers(0, 70), st.integers(0, 70), st.integers(0, 70))
def test_any_report_can_be_drawn(text, a, b, c):
    report = Diagnostic("m", Span(min(a, b), max(a, b)), ((Span(c, c + 3), "l"), (Span(a, a), "k")))
    assert "error: m" in report.render(Source(text))
