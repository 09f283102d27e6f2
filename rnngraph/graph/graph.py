"""The step graph: one step of a recurrent network, with delay edges.

    Graph  ::= inputs, contexts, params : name -> leaf Node
               noises                   : name -> Noise       (leaf, law; drawn by the run time)
               states                   : name -> State
               names                    : name -> Named       (gates and other named values)
               outputs                  : name -> Node
               hints                    : name -> Node        (labels that keep nothing alive)
    State  ::= leaf, next, delay, init, line?
               leaf at step t has the value of ``next`` at step t - delay; before the first such
               step it has the initial value. Cotangent states have delay -1.

Values are per batch row: there is no time and no batch index in a graph. A whole sequence maps
``[T, B, *shape]`` inputs, ``[B, *shape]`` contexts and initial states, ``[*shape]`` params to
outputs of ``[T, B, *shape]``, ``[B, *shape]`` or ``[*shape]``, as their node varies.

A graph is an append-only arena: nodes are interned per graph (shape and dtype in the key), and
passes build a new graph instead of changing one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..ops import OPS
from .init import ZERO, Init
from .node import Node, Shape, Varies
from .printing import show

LEAF_VARIES = {
    "input": Varies.STEP,
    "context": Varies.ROW,
    "state": Varies.STEP,
    "param": Varies.ONCE,
    "constant": Varies.ONCE,
    "eye": Varies.ONCE,
    "iota": Varies.ONCE,
}


@dataclass(frozen=True)
class Line:
    """What a delay line carries: the input, state or gate ``of`` as it was ``steps`` before, or,
    ``whole``, its last values, so many, the oldest first."""

    of: str
    steps: int
    whole: bool = False


@dataclass
class State:
    """A value carried from step to step.

    ``init`` is the value before the first step where the caller gives none: a number, or the
    name of a parameter of the same shape. ``line`` is for states that no text declares, those of
    ``prev``. ``label`` belongs to the next value.
    """

    name: str
    leaf: Node
    init: float | str = 0.0
    delay: int = 1
    line: Line | None = None
    next: Node | None = None
    label: str = ""


@dataclass(frozen=True)
class Noise:
    """A random value. ``law``: bernoulli(keep), normal(std), uniform(k) or range(a, b)."""

    leaf: Node
    law: Init

    @property
    def mean(self) -> float:
        """What stands for it while nothing is drawn."""
        numbers = [float(a) for a in self.law.args]
        return {"bernoulli": numbers[0], "range": sum(numbers) / 2}.get(self.law.kind, 0.0)


@dataclass(frozen=True)
class Named:
    """A named value with the label it has in the cell's text."""

    node: Node
    label: str = ""


@dataclass
class Graph:
    """A step graph under construction, or finished (passes never change a finished one)."""

    title: str = "cell"
    doc: str = ""
    source: str = ""
    family: str = ""
    inputs: dict[str, Node] = field(default_factory=dict)
    contexts: dict[str, Node] = field(default_factory=dict)
    params: dict[str, Node] = field(default_factory=dict)
    inits: dict[str, Init] = field(default_factory=dict)
    noises: dict[str, Noise] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    names: dict[str, Named] = field(default_factory=dict)
    outputs: dict[str, Node] = field(default_factory=dict)
    hints: dict[str, Node] = field(default_factory=dict, repr=False)
    nodes: list[Node] = field(default_factory=list, repr=False)
    _interned: dict[Any, Node] = field(default_factory=dict, repr=False)

    # --- leaves ------------------------------------------------------------------------

    def input(self, name: str, shape: Shape = (), dtype: str = "real") -> Node:
        """Declare a value given at every step: an array ``[T, B, *shape]``."""
        return self._declare(self.inputs, "input", name, shape, dtype)

    def context(self, name: str, shape: Shape = (), dtype: str = "real") -> Node:
        """Declare a value given once per sequence: an array ``[B, *shape]``."""
        return self._declare(self.contexts, "context", name, shape, dtype)

    def param(self, name: str, shape: Shape = (), init: Init = ZERO) -> Node:
        """Declare a learned value: an array ``[*shape]``."""
        self.inits[name] = init
        return self._declare(self.params, "param", name, shape, "real")

    def noise(self, name: str, shape: Shape, law: Init, to: Varies) -> Node:
        """Declare a random value, drawn for every step (``to=STEP``) or sequence (``ROW``)."""
        if name in self.noises:
            raise ValueError(f"noise '{name}' is declared twice")
        leaf = self._intern("noise", (), {"name": name, "shape": tuple(shape), "to": to}, "real")
        self.noises[name] = Noise(leaf, law)
        return leaf

    def state(
        self,
        name: str,
        shape: Shape = (),
        init: float | str = 0.0,
        delay: int = 1,
        line: Line | None = None,
    ) -> Node:
        """Declare a carried value and return its leaf, the value one delay earlier."""
        leaf = self._leaf("state", name, shape, "real")
        if name in self.states:
            raise ValueError(f"state '{name}' is declared twice")
        self.states[name] = State(name, leaf, init, delay, line)
        return leaf

    def constant(self, value: float, shape: Shape = ()) -> Node:
        """A number, filled to ``shape``."""
        return self.apply("constant", value=float(value), shape=tuple(shape))

    def full(self, value: float, shape: Shape) -> Node:
        """The same as ``constant``, for reading where the shape matters."""
        return self.constant(value, shape)

    def eye(self, n: Any) -> Node:
        """The n by n identity matrix."""
        return self.apply("eye", n=n)

    def _leaf(self, op: str, name: str, shape: Shape, dtype: str) -> Node:
        return self._intern(op, (), {"name": name, "shape": tuple(shape)}, dtype)

    def _declare(
        self, table: dict[str, Node], op: str, name: str, shape: Shape, dtype: str
    ) -> Node:
        if name in table:
            raise ValueError(f"{op} '{name}' is declared twice")
        table[name] = self._leaf(op, name, shape, dtype)
        return table[name]

    # --- nodes -------------------------------------------------------------------------

    def apply(self, op: str, *operands: Node, **attrs: Any) -> Node:
        """The node ``op(*operands)``; its shape comes from the op's row.

        Raises ShapeError when the row refuses the operands' shapes.
        """
        return self._intern(op, operands, attrs, _dtype(op, operands))

    def find(self, op: str, *operands: Node, **attrs: Any) -> Node | None:
        """The node ``op(*operands)`` if the graph has it already."""
        return self._interned.get(_key(op, operands, attrs, _dtype(op, operands)))

    def _intern(
        self, op: str, operands: tuple[Node, ...], attrs: dict[str, Any], dtype: str
    ) -> Node:
        key = _key(op, operands, attrs, dtype)
        node = self._interned.get(key)
        if node is None:
            shape = OPS[op].shape(*(x.shape for x in operands), **attrs)
            varies = self._varies(op, operands, attrs)
            node = Node(self, len(self.nodes), op, operands, attrs, shape, dtype, varies)
            self._interned[key] = node
            self.nodes.append(node)
        return node

    @staticmethod
    def _varies(op: str, operands: tuple[Node, ...], attrs: dict[str, Any]) -> Varies:
        if op in ("total", "spread", "noise"):
            return Varies(attrs["to"])
        if op in LEAF_VARIES:
            return LEAF_VARIES[op]
        return max(x.varies for x in operands)

    # --- the interface -----------------------------------------------------------------

    def advance(self, state: str, node: Node, label: str = "") -> None:
        """Give a state its next value, which must have the state's shape."""
        record = self.states[state]
        if node.shape != record.leaf.shape:
            raise ValueError(
                f"state '{state}' is {list(record.leaf.shape)}, its next value {list(node.shape)}"
            )
        record.next = node if node.varies is Varies.STEP else spread(node, Varies.STEP)
        record.label = label

    def name(self, name: str, node: Node, label: str = "") -> None:
        """Name a value: it can then be traced, drawn and selected."""
        self.names[name] = Named(node, label)

    def output(self, name: str, node: Node) -> None:
        """Make a value an output of the sequence."""
        self.outputs[name] = node

    @property
    def leaves(self) -> dict[str, Node]:
        """All named leaves: inputs, contexts, params, noises and the states' previous values."""
        noises = {name: noise.leaf for name, noise in self.noises.items()}
        states = {s.name: s.leaf for s in self.states.values()}
        return {**self.inputs, **self.contexts, **self.params, **noises, **states}

    def roots(self) -> list[Node]:
        """Nodes that the interface refers to."""
        nexts = [s.next for s in self.states.values() if s.next is not None]
        return [*self.outputs.values(), *nexts, *(n.node for n in self.names.values())]

    def reachable(self, roots: Iterable[Node] | None = None) -> list[Node]:
        """Nodes needed within one step for ``roots`` (default: all), in topological order."""
        seen: set[int] = set()
        stack = list(self.roots() if roots is None else roots)
        while stack:
            node = stack.pop()
            if node.id not in seen:
                seen.add(node.id)
                stack.extend(node.operands)
        return [self.nodes[i] for i in sorted(seen)]

    def live(self, roots: Iterable[Node]) -> list[Node]:
        """Nodes needed for ``roots`` over a whole sequence: delay edges are followed too."""
        found = self.reachable(roots)
        while True:
            behind = [self.state_of(n).next for n in found if n.op == "state"]
            grown = self.reachable([*found, *(n for n in behind if n is not None)])
            if len(grown) == len(found):
                return found
            found = grown

    def state_of(self, leaf: Node) -> State:
        """The state that a leaf belongs to."""
        return self.states[leaf.attrs["name"]]

    # --- copying and pickling: flat, so that no depth of graph is too deep ----------------

    def __getstate__(self) -> dict[str, Any]:
        nodes = [
            (n.op, [x.id for x in n.operands], n.attrs, n.shape, n.dtype, n.varies)
            for n in self.nodes
        ]
        states = [
            (s.name, s.leaf.id, s.init, s.delay, s.line, s.next and s.next.id, s.label)
            for s in self.states.values()
        ]
        names = {k: (n.node.id, n.label) for k, n in self.names.items()}
        tables = {t: {k: n.id for k, n in getattr(self, t).items()} for t in _TABLES}
        noises = {k: (n.leaf.id, n.law) for k, n in self.noises.items()}
        return {"head": (self.title, self.doc, self.source, self.family), "nodes": nodes,
                "tables": tables, "inits": self.inits, "noises": noises, "states": states,
                "names": names}  # fmt: skip

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.__init__(*kept["head"])  # type: ignore[misc]
        for op, ids, attrs, shape, dtype, varies in kept["nodes"]:
            operands = tuple(self.nodes[i] for i in ids)
            node = Node(self, len(self.nodes), op, operands, attrs, shape, dtype, varies)
            self._interned[_key(op, operands, attrs, dtype)] = node
            self.nodes.append(node)
        for table, ids in kept["tables"].items():
            getattr(self, table).update({k: self.nodes[i] for k, i in ids.items()})
        self.inits.update(kept["inits"])
        self.noises.update({k: Noise(self.nodes[i], law) for k, (i, law) in kept["noises"].items()})
        for name, leaf, init, delay, line, later, label in kept["states"]:
            following = None if later is None else self.nodes[later]
            self.states[name] = State(name, self.nodes[leaf], init, delay, line, following, label)
        for name, (i, label) in kept["names"].items():
            self.names[name] = Named(self.nodes[i], label)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.reachable())

    def __str__(self) -> str:
        return show(self)


_TABLES = ("inputs", "contexts", "params", "outputs", "hints")


def spread(node: Node, to: Varies) -> Node:
    """The node, as a value that varies at least as often as ``to``."""
    return node if node.varies >= to else node.graph.apply("spread", node, to=to)


def _dtype(op: str, operands: tuple[Node, ...]) -> str:
    row = OPS[op]
    return row.dtype([x.dtype for x in operands]) if row.dtype else "real"


def _key(op: str, operands: tuple[Node, ...], attrs: dict[str, Any], dtype: str) -> Any:
    # repr tells 0.0 from -0.0 and makes a NaN equal to itself
    return op, tuple(x.id for x in operands), dtype, repr(sorted(attrs.items()))
