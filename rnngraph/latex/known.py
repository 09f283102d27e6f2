"""What is known of the names of a cell: how many axes they have, and which step they are of.

    Known ::= ranks (name -> axes), tenses (name -> subscript of time, or none), functions
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from ..graph import Graph, Varies
from ..syntax.tree import Cell, Const, Equation, Fn, Item, Name, Output, Repeat, Use

NOW, BEFORE = "t", "t-1"


@dataclass(frozen=True)
class Known:
    """Names as they are written in the cell; ``h'`` is a name of its own.

    ``inner`` are the names of cells that are used, ``again`` the values that are assigned anew
    within a step and so are of no step.
    """

    ranks: dict[str, int]
    tenses: dict[str, str]
    functions: dict[str, Fn] = field(default_factory=dict)
    inner: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()

    def inside(self, names: dict[str, int | None]) -> Known:
        """The same inside a function or a counter, whose names hide those outside."""
        ranks = {k: v for k, v in self.ranks.items() if k not in names}
        ranks |= {k: v for k, v in names.items() if v is not None}
        tenses = {k: v for k, v in self.tenses.items() if k not in names}
        return replace(self, ranks=ranks, tenses=tenses)

    def tense(self, name: Name) -> str:
        """The subscript of time of a name: empty for what is the same at every step."""
        return self.tenses.get(str(name), "")


def known(tree: Cell, graph: Graph) -> Known:
    """What the graph of a cell, whose sizes may be symbols, says of the names in its tree."""
    again = frozenset(_assigned_again(tree))
    values = {name: named.node for name, named in graph.names.items()} | graph.outputs
    ranks = {name: len(node.shape) for name, node in (values | graph.leaves).items()}
    steps = values | graph.inputs | {n: noise.leaf for n, noise in graph.noises.items()}
    tenses = {n: NOW for n, node in steps.items() if node.varies is Varies.STEP and n not in again}
    for state in graph.states.values():
        ranks[state.name] = ranks[f"{state.name}'"] = len(state.leaf.shape)
        tenses |= {state.name: BEFORE, f"{state.name}'": NOW}
    sizes = {s for node in graph.leaves.values() for d in node.shape
             if not isinstance(d, int) for s in d.symbols()}  # fmt: skip
    ranks |= dict.fromkeys(sizes - ranks.keys(), 0) | _constants(tree)
    functions = {item.name: item for item in tree.items if isinstance(item, Fn)}
    inner = frozenset(item.name for item in tree.items if isinstance(item, Use))
    return Known(ranks, tenses, functions, inner, again)


def _constants(tree: Cell) -> dict[str, int]:
    bindings = [b for item in tree.items if isinstance(item, Const) for b in item.bindings]
    counters = [item.name for item in tree.items if isinstance(item, Repeat)]
    return {b.name: len(b.counters) for b in bindings} | dict.fromkeys(counters, 0)


def _assigned_again(tree: Cell) -> set[str]:
    """Names that a repeat assigns, or that have several equations."""
    counted: Counter[str] = Counter()
    for item in tree.items:
        counted.update(_targets(item))
    return {name for name, times in counted.items() if times > 1}


def _targets(item: Item) -> list[str]:
    if isinstance(item, Repeat):
        return 2 * [name for inner in item.items for name in _targets(inner)]
    if isinstance(item, Equation) or (isinstance(item, Output) and item.value is not None):
        return [name.id for name in item.targets if not name.primed]
    return []
