"""What each node of a graph is to its reader: its name in print, its kind, its part.

Shared by all levels of detail. Nothing is derived from how a value is called, but for names with
brackets, which only passes make (a cell's text cannot).
"""

from __future__ import annotations

from collections import defaultdict

from ..graph import Graph, Line, Node, State, Varies
from ..ops import OPS, show_shape
from .equation import PLUMBING, spelled
from .theme import kind_of
from .typeset import Run, name_runs

LEAVES = ("input", "context", "noise", "state", "param")
MINUS = "−"


def time_of(delay: int) -> str:
    """The subscript of a value ``delay`` steps back."""
    return "t" if not delay else f"t{MINUS}{delay}" if delay > 0 else f"t+{-delay}"


class Roles:
    """Names, keys, labels and kinds of one graph's nodes, by node id."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names: dict[int, list[Run]] = {}
        self.keys: dict[int, str] = {}
        self.labels: dict[int, str] = {}
        self.nodes = graph.reachable([*graph.roots(), *graph.leaves.values()])
        self.users: dict[int, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for x in dict.fromkeys(node.operands):
                self.users[x.id].append(node)
        self.outputs = {node.id for node in graph.outputs.values()}
        # what a delay line hands on is a value of its own, but for a line of all the last ones
        self.nexts = {s.next.id: s for s in graph.states.values()
                      if s.next is not None and (s.line is None or s.line.whole)}  # fmt: skip
        self.cotangents = self._cotangents()
        self.backward = self._backward()
        self.mirrored = any(s.delay < 0 for s in graph.states.values() if "(" in s.name)
        self._name_all()

    # --- names -------------------------------------------------------------------------

    def _name_all(self) -> None:
        graph = self.graph
        for name, leaf in graph.leaves.items():
            if leaf.op != "state":
                self._call(leaf, name, name, self._time(leaf))
        for state in graph.states.values():
            self._name_state(state)
        for name, named in graph.names.items():
            self._call(named.node, name, name.rstrip("'"), self._time(named.node), named.label)
        for name, node in graph.outputs.items():
            self._call(node, name, name, self._time(node))

    def _name_state(self, state: State) -> None:
        if state.line is not None:
            self._name_line(state, state.line)
            return
        before, after = state.delay, 0
        if "(" in state.name and state.delay < 0:
            # the cotangent of h_t comes in from the step after, that of h_{t-1} goes out
            before, after = 0, -state.delay
        self._call(state.leaf, state.name, state.name, time_of(before))
        if state.next is not None:
            self._call(state.next, state.name + "'", state.name, time_of(after), state.label)

    def _name_line(self, state: State, line: Line) -> None:
        """``x_{t-1}`` is what it is: no reader needs to know what the state is called."""
        way = 1 if state.delay > 0 else -1
        last = 1 + (line.of in self.graph.states)  # the leaf of a state is its previous value
        first = last + line.steps - 1
        if not line.whole:
            self._call(state.leaf, state.name, line.of, time_of(way * first))
            return
        self._call(state.leaf, state.name, line.of, f"{time_of(way * first)}…{time_of(way * last)}")
        if state.next is not None:
            times = f"{time_of(way * (first - 1))}…{time_of(way * (last - 1))}"
            self._call(state.next, state.name + "'", line.of, times)

    def _call(self, node: Node, key: str, name: str, time: str, label: str = "") -> None:
        if label:
            self.labels.setdefault(node.id, label)
        if node.id in self.names or node.op in ("constant", "eye", "iota"):
            return
        self.names[node.id] = name_runs(name, time)
        self.keys[node.id] = key if key not in self.keys.values() else f"{key} ({node.id})"

    @staticmethod
    def _time(node: Node) -> str:
        return "t" if node.varies is Varies.STEP else ""

    def key(self, node: Node) -> str:
        """A key that is unique in the graph, and readable where the node has a name."""
        return self.keys.get(node.id, f"op {node.id}")

    # --- kinds -------------------------------------------------------------------------

    def kind(self, node: Node) -> str:
        """The kind of box: what a value is to the cell, else its outermost activation."""
        if node.op in ("input", "context", "noise", "state"):
            return node.op if node.id not in self.cotangents else "cotangent"
        if node.varies is Varies.ONCE and node.id not in self.outputs:
            return "weight"
        if node.id in self.cotangents:
            return "cotangent" if node.varies is not Varies.ONCE else "weight"
        if node.id in self.nexts:
            return "state"
        if node.id in self.outputs and not self._is_gate(node):
            return "output"
        return kind_of(outermost(node).op)

    def _is_gate(self, node: Node) -> bool:
        return any(named.node is node for named in self.graph.names.values())

    def shape(self, node: Node) -> str:
        """The shape as text; scalars need none."""
        return spelled(show_shape(node.shape)) if node.shape else ""

    # --- forward and backward ----------------------------------------------------------

    def _cotangents(self) -> set[int]:
        """Ids of all nodes computed from what a pass added to the cell's own leaves."""
        states = self.graph.states
        added = {s.leaf.id for s in states.values() if "(" in s.name}
        added |= {leaf.id for name, leaf in self.graph.leaves.items() if "(" in name}
        for node in self.nodes:
            if any(x.id in added for x in node.operands):
                added.add(node.id)
        return added

    def _backward(self) -> set[int]:
        """Cotangents, and what is computed from forward values for them alone."""
        found = set(self.cotangents)
        for node in reversed(self.nodes):
            users = self.users[node.id]
            wanted = node.id in self.names or OPS[node.op].kind == "leaf"
            if users and not wanted and all(u.id in found for u in users):
                found.add(node.id)
        return found

    def part(self, node: Node) -> str:
        """"backward" for what a gradient added, else "forward"."""
        return "backward" if node.id in self.backward else "forward"


def outermost(node: Node) -> Node:
    """The op that gives a value its character: plumbing and constants are looked through.

    ``1 - sigmoid(z)`` is a sigmoid gate, and so is a slice of one.
    """
    at = node
    while at.operands:
        varying = [x for x in at.operands if x.op != "constant"]
        free = at.op in PLUMBING or (OPS[at.op].cost == 0 and len(at.operands) == 1)
        scaled = len(varying) == 1 < len(at.operands) and at.op in ("add", "sub", "mul", "div")
        if not free and not scaled:
            return at
        at = varying[0] if varying else at.operands[0]
    return node
