"""The page of one cell, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from ..catalogue import entries
from ..latex import definitions, equations
from ..ops import OPS
from ..schedule.cost import FEW_ROWS
from ..sizes import Dim
from ..syntax.tree import Use
from .facts import SIZE, Facts
from .formula import at, formula
from .learning import Learning
from .markdown import code, prose, table, unbroken
from .markdown import formula as displayed
from .plan import Part
from .speed import DIRECTIONS, Speeds

INDEX = "README.md"
WHEN = {
    "once": "once, on parameters alone",
    "rows": "once for every sequence",
    "batch": "for all time-steps at once",
    "loop": "step by step",
}
SIGNS = {"div": "÷", "pow": "power", "mod": "remainder"}


def page(facts: Facts, related: Sequence[Facts], speeds: Speeds, learning: Learning) -> str:
    """The whole page; ``related`` are the other cells of its family."""
    blocks = [
        *_head(facts), *_equations(facts), *_diagram(facts), *_sizes(facts), *_work(facts),
        *_when(facts), *_speed(facts, speeds), *_learning(facts, learning),
        *_related(facts, related), *_text(facts),
    ]  # fmt: skip
    return "\n\n".join(blocks) + "\n"


def kin_title(family: str) -> str:
    """A family's name as a heading; words that are names of cells are spelled as these."""
    titles = {cell.title.lower(): cell.title for cell in entries()}
    name = " ".join(titles.get(word, word) for word in family.split())
    return f"{name[0].upper()}{name[1:]}"


def _head(facts: Facts) -> Iterator[str]:
    yield f"# {facts.title}"
    yield from map(prose, filter(None, (facts.summary, facts.graph.doc.partition("\n")[2])))
    yield f"*{prose(facts.graph.source)}*"
    kin = facts.entry.family
    anchor = kin.replace(" ", "-")  # as code hosts make it of the heading
    family = f"[{kin_title(kin)}]({INDEX}#{anchor})"
    yield f"Family: {family} · `rg.load(\"{facts.name}\")` · [all cells]({INDEX})"


# --- what it is ----------------------------------------------------------------------------------


def _equations(facts: Facts) -> Iterator[str]:
    yield f"## Equations\n\n{displayed(equations(facts.tree, facts.graph))}"
    defined = definitions(facts.tree, facts.graph)
    if defined:
        yield f"where\n\n{displayed(defined)}"
    for item in facts.tree.items:
        if isinstance(item, Use):
            yield (f"`{item.name}` is the cell [{item.cell}]({item.cell}.md), with parameters and "
                   "states of its own.")  # fmt: skip
    yield f"[What the signs mean]({INDEX}#notation)"


def _diagram(facts: Facts) -> Iterator[str]:
    picture = f"{facts.name}.svg"
    yield f"## Diagram\n\n[![The gates of {facts.title}]({picture})]({picture})"


def _sizes(facts: Facts) -> Iterator[str]:
    rows, above = [], ""
    for row in facts.declared:
        kind, above = row.kind if row.kind != above else "", row.kind
        rows.append((kind, code(row.names), unbroken(row.shape), unbroken(row.begins)))
    yield "## Sizes and parameters\n\n" + table(("", "names", "shape", "begins with"), rows)
    yield (f"Parameters: **{formula(facts.parameters)}**, {at(facts.parameters, SIZE):,} where all "
           f"sizes are {SIZE}.")  # fmt: skip
    if facts.constants:
        yield "Constants: " + ", ".join(f"`{name} = {value}`" for name, value in facts.constants)


# --- what it costs -------------------------------------------------------------------------------


def _work(facts: Facts) -> Iterator[str]:
    work = facts.work
    rows: list[tuple[str, Dim]] = [("products, a multiply-add being two", work.flops)]
    rows += [("of these, in the loop", work.loop_flops)] if work.flops else []
    rows += [("read by sums and the like", facts.summed)] if facts.summed else []
    rows += _elementwise(work.elements)
    cells = [(what, formula(n), f"{at(n, SIZE):,}") for what, n in rows]
    yield ("## Operations per step\n\nOf one time-step of one sequence.\n\n"
           + table(("", "in sizes", f"at {SIZE} "), cells))  # fmt: skip


def _elementwise(elements: Mapping[str, Dim]) -> Iterator[tuple[str, Dim]]:
    """Elements by op, the dearest first; what is one instruction is told as one."""
    costs = {op: OPS[op].cost for op in elements}
    for op in sorted(elements, key=lambda op: (-costs[op], op)):
        if costs[op] > 1:
            yield f"`{SIGNS.get(op, op)}`", elements[op]
    cheap: Dim = 0
    for op, n in elements.items():
        cheap = cheap + n if costs[op] == 1 else cheap
    if cheap:
        yield "one instruction each: `+`, `×` and the like", cheap


def _when(facts: Facts) -> Iterator[str]:
    rows = [(_when_title(part), _when_values(part)) for part in facts.parts]
    yield "## What runs when\n\n" + table(("", "values"), rows)
    yield _stages(facts)
    if facts.keeps_products:
        yield (f"This is so for fewer than {FEW_ROWS} sequences at once. With more, products of "
               "the input stay in the loop, one with those of the state.")  # fmt: skip


def _when_title(part: Part) -> str:
    kind = f" ({part.recurrence})" if part.recurrence else ""
    return WHEN[part.kind] + kind


def _when_values(part: Part) -> str:
    if part.kind != "loop" or len(part.stages) == 1:
        return code(part.values)
    told, number = [], 1
    for values, stages in groupby(part.stages):
        last = number + len(list(stages)) - 1
        which = f"{number}" if number == last else f"{number} to {last}"
        told.append(f"{which}. {code(values) or 'intermediate values'}")
        number = last + 1
    return "<br>".join(told)


def _stages(facts: Facts) -> str:
    """How many stages the recurrence has: what a step of it cannot do side by side."""
    loops = [len(part.stages) for part in facts.parts if part.kind == "loop"]
    if not loops:
        return "Nothing has to run step by step."
    if len(loops) > 1:
        if set(loops) == {1}:
            return f"There are {len(loops)} loops, one after the other, each of one stage."
        counted = f"{', '.join(map(str, loops[:-1]))} and {loops[-1]}"
        return f"There are {len(loops)} loops, one after the other, of {counted} stages."
    if loops == [1]:
        return "The recurrence has one stage."
    return (f"The recurrence has {loops[0]} stages, each of which waits for all units of the one "
            "before.")  # fmt: skip


# --- what was measured ---------------------------------------------------------------------------


def _speed(facts: Facts, speeds: Speeds) -> Iterator[str]:
    yield "## Speed"
    found = speeds.of(facts.name)
    if not found:
        yield "Not measured."
        return
    rows = [(what, f"{found[what].tokens_per_second:,.0f}", f"{found[what].ratio:.2f}")
            for what in DIRECTIONS if what in found]  # fmt: skip
    yield table(("", "tokens per second ", "of the LSTM's speed "), rows)
    yield speeds.setting


def _learning(facts: Facts, learning: Learning) -> Iterator[str]:
    yield "## Learning"
    yield from learning.told(facts.name) or ["Not measured."]


def _related(facts: Facts, related: Sequence[Facts]) -> Iterator[str]:
    if related:
        links = ", ".join(f"[{other.title}]({other.name}.md)" for other in related)
        yield f"## Related cells\n\n{links}"


def _text(facts: Facts) -> Iterator[str]:
    yield f"## As text\n\nThe whole cell, `cells/{facts.name}.cell`:"
    yield f"```\n{facts.text.rstrip()}\n```"
