"""What kind of recurrence a loop is: its nodes interpreted over an abstract domain of its states.

    Dependence ::= free                 of the loop's states
                 | affine, pointwise    a * s + b, with a and b free, element by element
                 | affine               likewise, through products, sums and windows
                 | pointwise            any function of the same element
                 | any

A pointwise recurrence runs through time element by element, no element waiting for another. An
affine one is linear: its steps compose, so that pieces of time can be worked on at once (Blelloch
1990, Prefix sums and their applications; Martin & Cundy 2018, Parallelizing linear recurrent
neural nets over sequence length). The cotangents of a linear recurrence are linear again.
"""

from __future__ import annotations

from dataclasses import dataclass

from .components import Loops
from .graph import Graph, Node
from .ops import OPS

Dependence = tuple[bool, bool]  # affine, pointwise

# affine in all of their operands together
SUMS = ("add", "sub", "neg", "stop_gradient", "spread", "sum", "concat")
MOVES = ("transpose", "reshape", "expand", "slice")
# affine in one operand, the others being free
PRODUCTS = ("mul", "matmul", "outer")


@dataclass(frozen=True)
class Recurrence:
    """A loop's states, by name, and how their next values depend on them."""

    states: tuple[str, ...]
    linear: bool
    pointwise: bool

    def __str__(self) -> str:
        if not self.linear:
            return "recurrence within each unit" if self.pointwise else ""
        if not self.pointwise:
            return "linear recurrence through products"
        several = len(self.states) > 1
        return f"linear recurrence of {len(self.states)} states" if several else "linear recurrence"


def find_recurrences(graph: Graph, loops: Loops) -> tuple[Recurrence, ...]:
    """The recurrence of every loop, in the order of the loops' numbers."""
    held = _dependences(graph, loops)
    return tuple(_recurrence(graph, loops, held, n) for n in range(len(loops.direction)))


def _recurrence(graph: Graph, loops: Loops, held: dict[int, Dependence], loop: int) -> Recurrence:
    inside = [s for s in graph.states.values() if loops.of.get(s.leaf.id) == loop]
    following = [held[s.next.id] for s in inside if s.next is not None]
    names = tuple(sorted(s.name for s in inside))
    return Recurrence(names, all(a for a, _ in following), all(p for _, p in following))


def _dependences(graph: Graph, loops: Loops) -> dict[int, Dependence]:
    """How every node of a loop depends on the loop's states; nodes elsewhere are free of them."""
    found: dict[int, Dependence] = {}
    for node in graph.live(graph.roots()):
        if node.id not in loops.of:
            continue
        if node.op == "state":
            found[node.id] = (True, True)
            continue
        bound = [place for place, x in enumerate(node.operands) if loops.same(x, node)]
        before = [found[node.operands[place].id] for place in bound]
        affine = all(a for a, _ in before) and is_affine(node, bound)
        alike = all(node.operands[place].shape == node.shape for place in bound)
        inside = OPS[node.op].elementwise and alike
        found[node.id] = (affine, inside and all(p for _, p in before))
    return found


def is_affine(node: Node, bound: list[int]) -> bool:
    """True when a node is affine in its operands at the places ``bound``, the others being free."""
    if node.op in SUMS or node.op in MOVES:
        return True
    if node.op in PRODUCTS:
        return len(bound) < 2
    if node.op == "div":
        return bound == [0]
    if node.op == "where":
        return 0 not in bound
    if node.op == "gather":
        return 1 not in bound
    if node.op == "product":
        weights = range(int(node.attrs["start"]), len(node.operands), 2)
        operands = {place + 1 for place in weights}
        either = [not {place, place + 1} <= set(bound) for place in weights]
        return all(either) and bool(operands)
    return False
