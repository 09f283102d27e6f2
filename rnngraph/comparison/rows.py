"""What two cells say, row beside row: declarations by name, equations by what they define.

    Row  ::= section, mark, left, right        texts as the language's printer writes them
    mark ::= "="  the same on both sides       "~"  both have it, and it differs
             "<"  on the left alone            ">"  on the right alone

Equations that define different names go together where their labels are the same; a label says
what a value is for. Rows stand in the order of the left cell, and what the right one alone has
follows what stands before it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..graph import Graph, Varies, show
from ..graph.printing import Printer
from ..ops import show_shape
from ..source import Source
from ..syntax import parse
from ..syntax.printer import print_item
from ..syntax.tree import Cell, Const, Declare, Equation, Fn, Item, Noise, Output, Repeat, Use

SAME, CHANGED, LEFT, RIGHT = "=", "~", "<", ">"
SECTIONS = ("inputs", "states", "parameters", "definitions", "equations")


@dataclass(frozen=True)
class Said:
    """One thing that a cell says: what it defines, its text, and its label if it has one."""

    section: str
    key: str
    text: str
    label: str = ""


@dataclass(frozen=True)
class Row:
    """What stands side by side; the side that has nothing is None."""

    left: Said | None
    right: Said | None

    @property
    def mark(self) -> str:
        """How the sides compare."""
        if self.left is None or self.right is None:
            return RIGHT if self.left is None else LEFT
        return SAME if self.left.text == self.right.text else CHANGED

    @property
    def section(self) -> str:
        """The section that both sides are of."""
        said = self.left or self.right
        assert said is not None
        return said.section


def rows(left: Sequence[Said], right: Sequence[Said]) -> list[Row]:
    """All that two cells say, side by side, section by section."""
    made: list[Row] = []
    for section in SECTIONS:
        a, b = ([s for s in side if s.section == section] for side in (left, right))
        made += _merged(a, b, _pairs(a, b))
    return made


def said(graph: Graph, text: str, name: str) -> list[Said]:
    """All that a cell says; of one that has no text of its own, such as a stack, its graph."""
    own = text != show(graph)
    return [*_declared(graph), *(_defined(parse(Source(text, name))) if own else _printed(graph))]


# --- what a cell says ----------------------------------------------------------------------------


def _declared(graph: Graph) -> Iterator[Said]:
    for word, leaves in (("input", graph.inputs), ("context", graph.contexts)):
        for name, leaf in leaves.items():
            integer = ": int" if leaf.dtype == "int" else ""
            yield Said("inputs", name, f"{word} {name}{show_shape(leaf.shape)}{integer}")
    for name, noise in graph.noises.items():
        each = "step" if noise.leaf.varies is Varies.STEP else "sequence"
        text = f"noise {name}{show_shape(noise.leaf.shape)} {noise.law} each {each}"
        yield Said("inputs", name, text)
    for state in graph.states.values():
        init = state.init if isinstance(state.init, str) else f"{state.init:g}"
        late = "" if state.delay == 1 else f", {state.delay} steps back"
        text = f"{state.name}{show_shape(state.leaf.shape)} = {init}{late}"
        yield Said("states", state.name, text)
    for name, leaf in graph.params.items():
        yield Said("parameters", name, f"{name}{show_shape(leaf.shape)} {graph.inits[name]}")


def _defined(tree: Cell) -> Iterator[Said]:
    for item in tree.items:
        if not isinstance(item, (Declare, Noise)):
            yield from _of(item)


def _printed(graph: Graph) -> Iterator[Said]:
    for line in Printer(graph).body():
        text = line.partition(" # ")[0].rstrip()
        yield Said("equations", text.partition(" = ")[0].removeprefix("output "), text)


def _of(item: Item, inside: str = "") -> Iterator[Said]:
    """What an item says; equations of a repeat belong to it and are rows of their own."""
    text = inside + print_item(item).split("\n")[0]
    if isinstance(item, Repeat):
        yield Said("equations", f"repeat {item.name}", text)
        for inner in item.items:
            yield from _of(inner, inside="    ")
    elif isinstance(item, (Equation, Output)):
        key = ", ".join(map(str, item.targets))
        yield Said("equations", key, text, item.label)
    elif isinstance(item, Const):
        yield Said("definitions", ", ".join(b.name for b in item.bindings), text)
    elif isinstance(item, (Fn, Use)):
        yield Said("definitions", item.name, text)


# --- side by side --------------------------------------------------------------------------------


def _pairs(left: Sequence[Said], right: Sequence[Said]) -> dict[int, int]:
    """Places of the left by places of the right: those that go together."""
    found: dict[int, int] = {}
    for key in (_name, _value, _label):
        free = {i: key(s) for i, s in enumerate(left) if i not in found.values() and key(s)}
        for j, said in enumerate(right):
            place = next((i for i, k in free.items() if k == key(said)), None)
            if j not in found and place is not None:
                found[j] = place
                del free[place]
    return found


def _name(said: Said) -> str:
    return said.key


def _value(said: Said) -> str:
    return said.text.partition(" = ")[2] if said.section == "equations" else ""


def _label(said: Said) -> str:
    return said.label


def _merged(left: Sequence[Said], right: Sequence[Said], pairs: dict[int, int]) -> list[Row]:
    partner = {i: right[j] for j, i in pairs.items()}
    made = [Row(said, partner.get(i)) for i, said in enumerate(left)]
    place = 0
    for j, said in enumerate(right):
        if j in pairs:
            place = next(k for k, row in enumerate(made) if row.right is said) + 1
        else:
            made.insert(place, Row(None, said))
            place += 1
    return made
