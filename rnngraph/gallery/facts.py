"""What is derived of a cell for its page: sizes, operations, parts of its schedule.

Nothing here is measured, and nothing depends on the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from .. import library
from ..bench.work import Work, work_of
from ..catalogue import Entry, entry
from ..check import check
from ..compile import Request, value_at
from ..diagram import Diagram, Theme, diagram
from ..graph import Graph, Varies
from ..ops import REDUCTIONS, show_shape
from ..passes.bind import bind, symbols
from ..schedule import Schedule
from ..sizes import Dim, count
from ..source import Source
from ..syntax import Cell as Tree
from ..syntax import parse, print_expression
from ..syntax.tree import Const, Declare, Expr, Noise
from .plan import Part, parts, readable

SIZE = 128  # all sizes, where a number is told
COUNTED = "gradient"  # the last stage in which products are those of the text


@dataclass(frozen=True)
class Declared:
    """Names that are declared alike: kind, shape and, where there is one, initial value."""

    kind: str
    names: tuple[str, ...]
    shape: str
    begins: str


class Facts:
    """A cell of the library, by its name."""

    def __init__(self, name: str) -> None:
        """Raises FileNotFoundError for a cell that there is not, CellError for a wrong text."""
        self.name = name
        path = library.find(name)
        self.text = library.read(path)
        self.tree: Tree = parse(Source(self.text, path.name))
        self.graph: Graph = check(self.tree)

    @property
    def title(self) -> str:
        """The name that the cell has in its text."""
        return self.graph.title

    @property
    def entry(self) -> Entry:
        """What the catalogue has of it: family, year, words."""
        return entry(self.name)

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        return self.graph.doc.partition("\n")[0]

    @property
    def drawing(self) -> Diagram:
        """The gate diagram."""
        return diagram(self.graph, theme=Theme(title=False))

    # --- what is declared ----------------------------------------------------------------

    @cached_property
    def declared(self) -> list[Declared]:
        """Inputs, contexts, noises, states and parameters, neighbours that are alike together."""
        graph, texts = self.graph, _texts(self.tree)
        noises = {name: noise.leaf for name, noise in graph.noises.items()}
        states = {s.name: s.leaf for s in graph.states.values()}
        tables = {"input": graph.inputs, "context": graph.contexts, "noise": noises,
                  "state": states, "parameter": graph.params}  # fmt: skip
        rows: list[Declared] = []
        for kind, table in tables.items():
            for name, node in table.items():
                shape, begins = texts.get(name, ("", ""))
                row = Declared(kind, (readable(name),), shape or show_shape(node.shape),
                               begins or self._begins(kind, name))  # fmt: skip
                if rows and replace(rows[-1], names=row.names) == row:
                    row = replace(row, names=rows.pop().names + row.names)
                rows.append(row)
        return rows

    def _begins(self, kind: str, name: str) -> str:
        """How a value begins where the text does not say it, or says it in another cell."""
        if kind == "parameter":
            init = self.graph.inits[name]
            return str(init)[2:] if init.kind == "constant" else init.kind
        if kind == "noise":
            return str(self.graph.noises[name].law)[2:]
        return f"{self.graph.states[name].init:g}" if kind == "state" else ""

    @cached_property
    def constants(self) -> list[tuple[str, str]]:
        """Numbers that can be set, with their values."""
        bindings = [b for item in self.tree.items if isinstance(item, Const) for b in item.bindings]
        return [(b.name, print_expression(b.value)) for b in bindings if not b.counters]

    @property
    def parameters(self) -> Dim:
        """How many numbers are learned."""
        total: Dim = 0
        for node in self.graph.params.values():
            total = total + count(node.shape)
        return total

    # --- what is computed ------------------------------------------------------------------

    @cached_property
    def _simplified(self) -> Graph:
        """The graph whose operations are counted: the one that a benchmark counts."""
        graph: Graph = value_at(self.graph, Request(tuple(self.graph.outputs)), COUNTED)
        return graph

    @cached_property
    def work(self) -> Work:
        """Operations of a time-step of one sequence, in sizes."""
        return work_of(self._simplified)

    @property
    def summed(self) -> Dim:
        """Elements that sums and largest values along an axis read, at every step."""
        graph = self._simplified
        total: Dim = 0
        for node in graph.live(graph.roots()):
            if node.op in REDUCTIONS and node.varies is Varies.STEP:
                total = total + count(node.operands[0].shape)
        return total

    @cached_property
    def parts(self) -> list[Part]:
        """What runs when, in batches of few rows."""
        return parts(self._schedule(few_rows=True))

    @cached_property
    def keeps_products(self) -> bool:
        """Whether products of inputs stay in the loop where there are many rows."""
        few, many = (self._schedule(few_rows=few) for few in (True, False))
        return str(few) != str(many)

    def _schedule(self, few_rows: bool) -> Schedule:
        bound = bind(self.graph, dict.fromkeys(symbols(self.graph), SIZE))
        made: Schedule = value_at(bound, Request(tuple(bound.outputs), few_rows=few_rows),
                                  "schedule")  # fmt: skip
        return made


def _texts(tree: Tree) -> dict[str, tuple[str, str]]:
    """Shapes and initial values as the text has them; each holds for all names before it on its
    line that have none."""
    found = {}
    for item in tree.items:
        if isinstance(item, Noise):
            law = f"{print_expression(item.value)} each {item.each}"
            found[item.name] = _shape(item.shape), law
        if isinstance(item, Declare):
            shape = begins = ""
            for declarator in reversed(item.declarators):
                if declarator.shape is not None:
                    shape = _shape(declarator.shape)
                if declarator.init:
                    begins = print_expression(declarator.init.value, tight=True)
                found[declarator.name] = shape, begins
    return found


def _shape(dims: Sequence[Expr]) -> str:
    return f"[{', '.join(print_expression(dim, tight=True) for dim in dims)}]"
