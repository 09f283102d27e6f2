"""Verification of graphs: every property is derived again, none is trusted.

It runs after every pass in the tests and when debugging. A pass that breaks a rule is found at
the node that it broke, which the error shows as an equation.
"""

from __future__ import annotations

from collections.abc import Iterator

from .graph import Graph, Node, State, Varies
from .graph.graph import LEAF_VARIES
from .graph.printing import Printer
from .ops import OPS, ShapeError, show_shape

DECLARED = ("inputs", "contexts", "params")


class VerifyError(ValueError):
    """A graph that breaks a rule of its own grammar: a mistake in rnngraph, not in a cell."""


def verify(graph: Graph) -> Graph:
    """The graph itself, if it is well-formed; else VerifyError names every node at fault."""
    found = [*_nodes(graph), *_interface(graph)]
    if found:
        raise VerifyError(f"graph {graph.title} is not well-formed:\n  " + "\n  ".join(found))
    return graph


def _nodes(graph: Graph) -> Iterator[str]:
    for place, node in enumerate(graph.nodes):
        fault = _ownership(graph, place, node) or _derivation(graph, node)
        if fault:
            yield f"{equation(graph, node)}: {fault}"


def equation(graph: Graph, node: Node) -> str:
    """The node written as an equation, in a way that no fault can stop."""
    try:
        return f"%{node.id} = {Printer(graph).expression(node)[0]}"
    except Exception:  # the printer trusts what is being verified
        inside = ", ".join(f"%{x.id}" for x in node.operands)
        return f"%{node.id} = {node.op}({inside})"


def _ownership(graph: Graph, place: int, node: Node) -> str | None:
    if node.graph is not graph:
        return "belongs to another graph"
    if node.id != place:
        return f"is at place {place}"
    for x in node.operands:
        if x.graph is not graph:
            return f"operand %{x.id} belongs to graph {x.graph.title}"
        if x.id >= node.id or graph.nodes[x.id] is not x:
            return f"operand %{x.id} does not come before it"
    return None


def _derivation(graph: Graph, node: Node) -> str | None:
    row = OPS.get(node.op)
    if row is None:
        return f"there is no op '{node.op}'"
    if row.arity is not None and row.arity != len(node.operands):
        return f"'{node.op}' takes {row.arity} operands, not {len(node.operands)}"
    try:
        shape = row.shape(*(x.shape for x in node.operands), **node.attrs)
    except ShapeError as error:
        return error.message
    if shape != node.shape:
        return f"its shape is {show_shape(shape)}, not {show_shape(node.shape)}"
    varies = _varies(node)
    if varies is not node.varies:
        return f"it varies by {varies.name.lower()}, not by {node.varies.name.lower()}"
    dtype = _dtype(node)
    if dtype != node.dtype:
        return f"it is {dtype}, not {node.dtype}"
    if node.op in ("input", "context", "param", "noise", "state"):
        return _declared(graph, node)
    return None


def _varies(node: Node) -> Varies:
    if node.op in LEAF_VARIES:
        return LEAF_VARIES[node.op]
    least = max((x.varies for x in node.operands), default=Varies.ONCE)
    if node.op == "total":
        return Varies(min(least, node.attrs["to"]))
    return Varies(max(least, node.attrs["to"])) if node.op in ("spread", "noise") else least


def _dtype(node: Node) -> str:
    row = OPS[node.op]
    if row.kind == "leaf":
        return node.dtype if node.op in ("input", "context") else "real"
    return row.dtype([x.dtype for x in node.operands]) if row.dtype else "real"


def _declared(graph: Graph, node: Node) -> str | None:
    name = node.attrs["name"]
    if node.op == "noise":
        known = name in graph.noises and graph.noises[name].leaf is node
    elif node.op == "state":
        known = name in graph.states and graph.states[name].leaf is node
    else:
        known = getattr(graph, f"{node.op}s").get(name) is node
    return None if known else f"no {node.op} of that name is declared with it"


def _interface(graph: Graph) -> Iterator[str]:
    if not graph.outputs:
        yield "it has no output"
    names = [name for kind in DECLARED for name in getattr(graph, kind)]
    names += [*graph.noises, *graph.states]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"'{name}' is declared as two things"
    for state in graph.states.values():
        fault = _state(graph, state)
        if fault:
            yield f"state {state.name}: {fault}"
    named = {name: n.node for name, n in graph.names.items()}
    for kind, table in (("output", graph.outputs), ("named value", named)):
        for name, node in table.items():
            if not _owns(graph, node):
                yield f"{kind} {name} belongs to another graph"


def _owns(graph: Graph, node: Node) -> bool:
    return node.graph is graph and node.id < len(graph.nodes) and graph.nodes[node.id] is node


def _state(graph: Graph, state: State) -> str | None:
    following = state.next
    if following is None:
        return "has no next value"
    if not _owns(graph, following) or not _owns(graph, state.leaf):
        return "belongs to another graph"
    if following.shape != state.leaf.shape:
        return f"is {show_shape(state.leaf.shape)}, its next value {show_shape(following.shape)}"
    if following.varies is not Varies.STEP:
        return "has a next value that does not vary by step"
    if state.delay == 0:
        return "has no delay"
    if isinstance(state.init, str) and graph.params.get(state.init) is None:
        return f"begins as '{state.init}', which is no parameter"
    if isinstance(state.init, str) and graph.params[state.init].shape != state.leaf.shape:
        return f"begins as '{state.init}', which has another shape"
    return None
