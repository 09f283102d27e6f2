"""Placement: in which phase, and at which stage of it, every node is computed.

A phase is (procedure, level, kind). Levels follow the condensation: a node is one level above
what it needs unless it can share a phase with it. Elementwise work after a loop joins the loop
when its operands are there, which saves a round trip through memory. Inside a phase a stage is
a barrier over all elements: a product needs its whole operand, so it is a stage later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from ..components import Loops, find_loops
from ..graph import Graph, Node, Varies, to_networkx
from ..ops import OPS, REDUCTIONS
from ..passes.pin import WINDOWS, base
from ..recurrence import find_recurrences

PLAIN = ("input", "context", "param", "noise", "constant", "iota")
KIND = {Varies.ONCE: "once", Varies.ROW: "rows", Varies.STEP: "batch"}


class Home(NamedTuple):
    """A phase: procedure (0 forward, 1 backward), level, kind, and the loop's number or -1."""

    procedure: int
    level: int
    kind: str
    loop: int = -1


class Placement:
    """``home[node id]`` and ``stage[node id]`` for all live nodes; ``loops`` as found."""

    def __init__(self, graph: Graph, late: Iterable[str]) -> None:
        self.graph = graph
        self.nodes = graph.live(graph.roots())
        self.loops = find_loops(graph, graph.roots())
        self.recurrences = find_recurrences(graph, self.loops)
        self.late = _late_nodes(graph, self.nodes, set(late))
        self.users: defaultdict[int, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for x in node.operands:
                self.users[x.id].append(node)
        self.packed = {x.id for node in self.nodes for x in _computed_weights(node)}
        self.home: dict[int, Home] = {}
        self.stage: dict[int, int] = {}
        self._place()
        self._set_stages()

    # --- phases ------------------------------------------------------------------------

    def _place(self) -> None:
        for unit in _units(self.graph, self.nodes, self.loops):
            home = self._home_of(unit)
            for node in unit:
                self.home[node.id] = home

    def _home_of(self, unit: list[Node]) -> Home:
        inside = {node.id for node in unit}
        before = [p for node in unit for p in self._needs(node) if p.id not in inside]
        procedure = max(int(node.id in self.late) for node in unit)
        before = [p for p in before if not _at_hand(p)]
        homes = [self.home[p.id] for p in before]
        if unit[0].id in self.loops.of:
            return self._above(procedure, "loop", self.loops.of[unit[0].id], before)
        node = unit[0]
        if node.op == "state":  # a delay line: read only after all of it is written
            return Home(procedure, 1 + max((h.level for h in homes), default=0), "batch")
        if self._joins_loop(node, homes):
            return max(homes, key=lambda h: h[:2])
        runs = node.operands[0].varies if node.op == "total" else node.varies
        return self._above(procedure, KIND[runs], -1, before)

    def _above(self, procedure: int, kind: str, loop: int, before: list[Node]) -> Home:
        level = 0
        for p in before:
            h = self.home[p.id]
            # a phase may run in chunks of time-steps, so a sum is whole only when it has ended;
            # and it packs its weights when it begins
            whole = p.op == "total" or p.id in self.packed
            shares = (h.procedure, h.kind, h.loop) == (procedure, kind, loop) and not whole
            level = max(level, h.level + (not shares))
        return Home(procedure, level, kind, loop)

    def _needs(self, node: Node) -> list[Node]:
        if node.op == "state":
            following = self.graph.state_of(node).next
            return [following] if following is not None else []
        return list(node.operands)

    def _joins_loop(self, node: Node, homes: list[Home]) -> bool:
        if not homes or not (OPS[node.op].elementwise or node.op in REDUCTIONS):
            return False
        top = max(homes, key=lambda h: h[:2])
        if top.kind != "loop" or any(h[:2] == top[:2] and h != top for h in homes):
            return False
        if any(x.op == "state" and x.id not in self.loops.of for x in node.operands):
            return False
        if (top.procedure == 1) != (node.id in self.late):
            return False
        users = self.users[node.id]
        return not users or any(u.op not in ("total", "outer") for u in users)

    # --- stages ------------------------------------------------------------------------

    def _set_stages(self) -> None:
        """As late as possible for products and reductions, then elementwise work as early as
        their operands allow: a value is computed where what it needs is in registers."""
        for node in reversed(self.nodes):
            later = [u for u in self.users[node.id] if self._together(node, u)]
            self.stage[node.id] = min(
                (self.stage[u.id] - barrier(node, u) for u in later), default=0
            )
        for node in self.nodes:
            operands = [x for x in node.operands if self._together(x, node)]
            operands = [x for x in operands if OPS[x.op].kind != "leaf"]
            if OPS[node.op].elementwise and operands:
                self.stage[node.id] = max(self.stage[x.id] + barrier(x, node) for x in operands)

    def _together(self, a: Node, b: Node) -> bool:
        return self.home[a.id] == self.home[b.id]


def _at_hand(node: Node) -> bool:
    """True for leaves and windows on them: nothing has to run before they can be read."""
    return node.op in PLAIN or (node.op in WINDOWS and all(map(_at_hand, node.operands)))


def _computed_weights(node: Node) -> list[Node]:
    """The weights of a product that are not just windows on what the caller gives."""
    if node.op != "product":
        return []
    weights = node.operands[int(node.attrs["start"]) :: 2]
    return [x for x in weights if base(x).op not in PLAIN]


def barrier(x: Node, user: Node) -> int:
    """1 if ``user`` needs the whole of ``x`` in memory first, 0 if an element will do."""
    if x.op in WINDOWS:
        return 0
    if user.op == "concat":
        return int(x.varies is not user.varies)
    if user.op in WINDOWS or x.op in ("concat", "total"):
        return 1
    return 0 if OPS[user.op].elementwise and x.shape == user.shape else 1


def _late_nodes(graph: Graph, nodes: list[Node], late: set[str]) -> set[int]:
    """Nodes that depend on leaves that are given only for the second procedure."""
    found: set[int] = set()
    while True:
        before = len(found)
        for node in nodes:
            if node.op == "state":
                following = graph.state_of(node).next
                hit = node.attrs["name"] in late or (
                    following is not None and following.id in found
                )
            else:
                hit = node.attrs.get("name") in late or any(x.id in found for x in node.operands)
            if hit:
                found.add(node.id)
        if len(found) == before:
            return found


def _units(graph: Graph, nodes: list[Node], loops: Loops) -> list[list[Node]]:
    """Loops and single nodes, each after everything that it needs."""
    import networkx

    view = to_networkx(graph).subgraph([node.id for node in nodes])
    condensed = networkx.condensation(view)
    order = networkx.lexicographical_topological_sort(
        condensed, key=lambda unit: min(condensed.nodes[unit]["members"])
    )
    return [[graph.nodes[i] for i in sorted(condensed.nodes[u]["members"])] for u in order]
