"""The index of the gallery: all cells by family, and by year; and what the signs mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ..catalogue import FAMILIES
from .facts import Facts
from .page import prose, table

OPENING = """A page for each of the {} cells of the library: its equations, a diagram, sizes and
parameters, operations, what runs when, how fast it is. `rg.load("gru")` loads one,
`rnngraph gallery` writes these pages."""
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


def index(cells: Sequence[Facts]) -> str:
    """The index page."""
    ordered = sorted(cells, key=lambda facts: (facts.entry.year, facts.name))
    blocks = [
        f"# The cells\n\n{OPENING.format(len(cells))}",
        "[By family](#by-family) · [By year](#by-year) · [Notation](#notation)",
        "## By family",
        *(block for family in FAMILIES for block in _family(ordered, family)),
        "## By year",
        "\n".join(_years(ordered)),
        "## Notation",
        table(("", ""), NOTATION),
        CLOSING,
    ]  # fmt: skip
    return "\n\n".join(blocks) + "\n"


def _family(ordered: Sequence[Facts], family: str) -> Iterator[str]:
    titles = {facts.title.lower(): facts.title for facts in ordered}
    words = [titles.get(word, word) for word in family.split()]
    name, rest = " ".join(words), FAMILIES[family]
    yield f"### {name[0].upper()}{name[1:]}\n\n{rest[0].upper()}{rest[1:]}."
    rows = ((link(f), str(f.entry.year), prose(f.summary)) for f in ordered
            if f.entry.family == family)  # fmt: skip
    yield table(("cell", "year", ""), rows)


def _years(ordered: Sequence[Facts]) -> Iterator[str]:
    for year, members in groupby(ordered, key=lambda facts: facts.entry.year):
        yield f"- **{year}** {', '.join(map(link, members))}"


def link(facts: Facts) -> str:
    """A link to a cell's page."""
    return f"[{facts.title}]({facts.name}.md)"
