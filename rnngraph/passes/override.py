"""Overriding: at chosen steps, rows and units a value is one that is given.

    before:  v = e
    after:   inputs mask(v), value(v) like v,  v = where(mask(v), value(v), e)

v is any named value that varies from step to step, a state (its next value) or a real input. What
reads v reads what is given: in the same step, in the next (as a state), outputs and traces too. A
mask of zeros changes no bit.
This is patching (the value comes from another run) and ablation (it is a mean, or zero) for any
cell, and one compiled program serves all units and steps, as rows of a batch. The gradient goes to
value(v) where the mask is 1, and to e elsewhere.

Names of one value (``h' = n``; equal equations) are overridden together. A state that takes over a
leaf (``xp' = x``, a delay line) is overridden on its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..graph import Graph, Node, Varies
from ..ops import OPS
from ..rewrite import begin, finish, translate

MASK, VALUE = "mask", "value"


@dataclass(frozen=True)
class _Override:
    """What takes the place of a value: ``mask`` is 1 where ``value`` does."""

    mask: Node
    value: Node

    def __call__(self, node: Node) -> Node:
        chosen = node.graph.apply("gt", self.mask, node.graph.constant(0.5))
        return node.graph.apply("where", chosen, self.value, node)


def override(graph: Graph, names: Iterable[str]) -> Graph:
    """The graph with inputs ``mask(v)`` and ``value(v)``, shaped like v, for each of the names.

    Raises ValueError for a name that is not in ``overridable(graph)``, or a graph that has such
    inputs already.
    """
    chosen = {name: _known(graph, name) for name in names}
    new, mapping = begin(graph)
    made = {name: _inputs(new, name, node) for name, node in chosen.items()}
    edges = {name for name, node in chosen.items() if _is_delay_line(graph, name, node)}
    by_node = defaultdict[int, list[_Override]](list)
    for name, node in chosen.items():
        if name not in edges:
            by_node[node.id].append(made[name])
    for leaf in set(by_node) & set(mapping):
        mapping[leaf] = _applied(mapping[leaf], by_node[leaf])
    translate(new, graph.roots(), mapping, lambda g, node, operands: _applied(
        g.apply(node.op, *operands, **node.attrs), by_node.get(node.id, [])))
    finish(graph, new, mapping)
    for name in edges:
        record = new.states[name]
        assert record.next is not None
        new.advance(name, made[name](record.next), record.label)
    return new


def overridable(graph: Graph) -> dict[str, Node]:
    """What can be overridden, by name: named values, next values of states, inputs."""
    found = {name: named.node for name, named in graph.names.items()}
    found |= {s.name: s.next for s in graph.states.values()
              if s.next is not None and s.name not in found}
    found |= {name: node for name, node in graph.inputs.items() if name not in found}
    return {name: node for name, node in found.items()
            if node.dtype == "real" and node.varies is Varies.STEP}


def _known(graph: Graph, name: str) -> Node:
    every = overridable(graph)
    if name in every:
        return every[name]
    there = {*graph.leaves, *graph.names}
    why = ("does not hold real numbers that vary from step to step" if name in there
           else "is not there")
    raise ValueError(f"'{name}' of cell {graph.title} {why}, so it cannot be overridden; what can "
                     f"is {', '.join(every)}")


def _inputs(new: Graph, name: str, node: Node) -> _Override:
    mask, value = (new.input(f"{mark}({name})", node.shape) for mark in (MASK, VALUE))
    return _Override(mask, value)


def _is_delay_line(graph: Graph, name: str, node: Node) -> bool:
    only_a_state = name in graph.states and name not in graph.names
    return only_a_state and OPS[node.op].kind == "leaf"


def _applied(node: Node, overrides: Iterable[_Override]) -> Node:
    for each in overrides:
        node = each(node)
    return node


def inputs_of(overrides: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Masks and values by the names of the inputs that take them."""
    return {f"{mark}({name})": array for name, pair in overrides.items()
            for mark, array in zip((MASK, VALUE), pair, strict=True)}
