"""The index of the gallery: all cells by family, and by year; and what the signs mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ..catalogue import FAMILIES
from .facts import Facts
from .markdown import prose, table
from .page import kin_title
from .speed import DIRECTIONS, Speeds

OPENING = """A page for each of the {} cells of the library: its equations, a diagram, sizes and
parameters, operations, what runs when, how fast it is. `rg.load("gru")` loads one,
`rnngraph gallery` writes these pages. Speed is that of a forward run, the LSTM's being 1."""
CLOSING = """States begin a sequence with the value that their page says. A page is what the
compiler reads, down to the signs; a variant is a cell of its own."""
NOTATION = [
    ("`h_t`, `h_{t-1}`", "a value at this step, at the one before"),
    ("`W x`", "matrix product; with heads, one for every head"),
    ("`a ⊙ b`", "elementwise product; a number is written beside what it scales"),
    ("`a ⊗ b`", "outer product"),
    ("`[a; b]`", "one vector behind the other"),
    ("`σ`", "logistic function"),
    ("`Σ v`", "sum along the last axis, or the one that is named"),
    ("`expand(v)`", "v repeated along a new last axis, or those that are named"),
    ("`reshape(v)`", "the same elements in another shape"),
    ("`R⁽ˡ⁾`, `v[0:P]`", "one place of the first axis, a range of places"),
    ("`a ← b`", "a value that is assigned anew within one step"),
]


def index(cells: Sequence[Facts], speeds: Speeds) -> str:
    """The index page."""
    ordered = sorted(cells, key=lambda facts: (facts.entry.year, facts.name))
    blocks = [
        f"# The cells\n\n{OPENING.format(len(cells))}",
        "[By family](#by-family) · [By year](#by-year) · [Notation](#notation)",
        "## By family",
        *(block for family in FAMILIES for block in _family(ordered, family, speeds)),
        "## By year",
        "\n".join(_years(ordered)),
        "## Notation",
        table(("written", "meaning"), NOTATION),
        CLOSING,
    ]  # fmt: skip
    return "\n\n".join(blocks) + "\n"


def _family(ordered: Sequence[Facts], family: str, speeds: Speeds) -> Iterator[str]:
    meaning = FAMILIES[family]
    yield f"### {kin_title(family)}\n\n{meaning[0].upper()}{meaning[1:]}."
    rows = ((link(f), str(f.entry.year), _speed(f, speeds), prose(f.summary)) for f in ordered
            if f.entry.family == family)  # fmt: skip
    yield table(("cell", "year", "speed ", "what it is"), rows)


def _speed(facts: Facts, speeds: Speeds) -> str:
    forward = speeds.of(facts.name).get(DIRECTIONS[0])
    return f"{forward.ratio:.2f}" if forward else "–"


def _years(ordered: Sequence[Facts]) -> Iterator[str]:
    for year, members in groupby(ordered, key=lambda facts: facts.entry.year):
        yield f"- **{year}** {', '.join(map(link, members))}"


def link(facts: Facts) -> str:
    """A link to a cell's page."""
    return f"[{facts.title}]({facts.name}.md)"
