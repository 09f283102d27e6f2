"""Graphs as text that reads like equations.

A node that is named, or used more than once, gets a line of its own; everything else is written
inside the expression that uses it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ..ops import OPS, show_shape
from .node import Node, Varies

if TYPE_CHECKING:
    from .graph import Graph

# binding strength of what is written infix; calls and names bind strongest
STRENGTH = {
    "or_": 1, "and_": 2, "lt": 4, "le": 4, "gt": 4, "ge": 4, "eq": 4, "ne": 4,
    "add": 5, "sub": 5, "mul": 6, "div": 6, "mod": 6, "matmul": 6, "neg": 7, "pow": 8,
}  # fmt: skip
CALL = 9
LEAVES = ("input", "context", "param", "noise", "state")
TO = {Varies.ONCE: "once", Varies.ROW: "row", Varies.STEP: "step"}


def show(graph: Graph, *, joined: bool = True) -> str:
    """The graph as text: interface, then one equation a line in order of evaluation.

    joined: whether a joined vector that is used more than once has a line of its own, too; else
    ``[h, x]`` is written wherever it is used, as a person would.
    """
    printer = Printer(graph, joined)
    return "\n".join([*printer.header(), "", *printer.body()]) + "\n"


class Printer:
    """Writes the nodes of one graph; ``text(node)`` is the expression, shared parts by name."""

    def __init__(self, graph: Graph, joined: bool = True) -> None:
        self.graph = graph
        self.labels: dict[int, str] = {}
        for name, leaf in graph.leaves.items():
            self.labels[leaf.id] = name
        for state in graph.states.values():
            if state.next is not None and state.next.op not in LEAVES:
                self.labels.setdefault(state.next.id, state.name + "'")
        for name, named in graph.names.items():
            self.labels.setdefault(named.node.id, name)
        for name, node in (*graph.outputs.items(), *graph.hints.items()):
            self.labels.setdefault(node.id, name)
        self._label_shared(joined)

    def _label_shared(self, joined: bool) -> None:
        reachable = self.graph.reachable()
        uses = Counter(x.id for node in reachable for x in node.operands)
        for node in reachable:
            inline = not joined and node.op == "concat" and all(
                x.id in self.labels for x in node.operands)
            if uses[node.id] > 1 and OPS[node.op].kind != "leaf" and not inline:
                self.labels.setdefault(node.id, f"%{node.id}")

    def header(self) -> list[str]:
        """Declarations: one line per leaf, as the cell language writes them."""
        graph = self.graph
        lines = [f"graph {graph.title}"]
        for kind in ("inputs", "contexts", "params"):
            for name, node in getattr(graph, kind).items():
                integer = ": int" if node.dtype == "int" else ""
                lines.append(f"{kind[:-1]:7} {name}{show_shape(node.shape)}{integer}")
        for name, noise in graph.noises.items():
            each = "step" if noise.leaf.varies is Varies.STEP else "sequence"
            lines.append(f"noise   {name}{show_shape(noise.leaf.shape)} {noise.law} each {each}")
        for s in graph.states.values():
            after = "" if s.delay == 1 else f"  delay {s.delay}"
            lines.append(f"state   {s.name}{show_shape(s.leaf.shape)} = {s.init}{after}")
        return lines

    def body(self) -> list[str]:
        """One line per labelled node, then states and outputs that share or rename one."""
        lines, written = [], set()
        for node in self.graph.reachable():
            if node.id in self.labels and node.op not in LEAVES:
                written.add(self.labels[node.id])
                lines.append(self._line(node))
        for state in self.graph.states.values():
            if state.next is not None and state.name + "'" not in written:
                lines.append(f"{state.name}' = {self.text(state.next)}")
        lines += [f"output {k} = {self.text(n)}" for k, n in self.graph.outputs.items()]
        return lines

    def _line(self, node: Node) -> str:
        left = f"{self.labels[node.id]} = {self.expression(node)[0]}"
        varies = "" if node.varies is Varies.STEP else f" {TO[node.varies]}"
        return f"{left:<60} # {show_shape(node.shape)}{varies}"

    def text(self, node: Node) -> str:
        """The node as an operand: its label where it has one."""
        return self.labels.get(node.id) or self.expression(node)[0]

    def expression(self, node: Node) -> tuple[str, int]:
        """The node's own expression with its binding strength."""
        if node.op == "constant" and node.shape == () and node.attrs["value"] < 0:
            return self._leaf(node), STRENGTH["neg"]
        if OPS[node.op].kind == "leaf":
            return self._leaf(node), CALL
        if node.op == "product":
            return self._product(node), STRENGTH["add"]
        if node.op in STRENGTH:
            return self._infix(node), STRENGTH[node.op]
        return self._call(node), CALL

    def _operand(self, node: Node, strength: int) -> str:
        if node.id in self.labels:
            return self.labels[node.id]
        text, inner = self.expression(node)
        return f"({text})" if inner < strength else text

    def _infix(self, node: Node) -> str:
        symbol, strength = OPS[node.op].symbol, STRENGTH[node.op]
        if len(node.operands) == 1:
            return f"{symbol}{self._operand(node.operands[0], strength)}"
        left, right = node.operands
        return f"{self._operand(left, strength)} {symbol} {self._operand(right, strength + 1)}"

    def _product(self, node: Node) -> str:
        first = [self._operand(node.operands[0], STRENGTH["add"])] if node.attrs["start"] else []
        pairs = node.operands[len(first) :]
        strength = STRENGTH["matmul"]
        terms = [f"{self._operand(a, strength)} @ {self._operand(b, strength + 1)}"
                 for a, b in zip(pairs[::2], pairs[1::2], strict=True)]  # fmt: skip
        return " + ".join([*first, *terms])

    def _leaf(self, node: Node) -> str:
        if node.op == "constant":
            value = f"{node.attrs['value']:g}"
            return value if node.shape == () else f"full({value}, {show_shape(node.shape)})"
        return node.attrs.get("name") or f"{node.op}({node.shape[0]})"

    def _call(self, node: Node) -> str:
        inside = [self.text(x) for x in node.operands]
        if node.op == "concat" and node.attrs["axis"] == 0:
            return f"[{', '.join(inside)}]"
        if node.op == "slice" and node.attrs["axis"] == 0:
            whole, start, stop = node.operands[0], node.attrs["start"], node.attrs["stop"]
            return f"{self._operand(whole, CALL)}[{start}:{stop}]"
        inside += [f"{k}={_attr(v)}" for k, v in node.attrs.items()]
        return f"{node.op}({', '.join(inside)})"


def _attr(value: Any) -> str:
    if isinstance(value, Varies):
        return TO[value]
    return show_shape(value) if isinstance(value, tuple) else str(value)
