"""Contextual decomposition: every value as the sum of what a phrase gives it and the rest.

    before:  s' = f * s + u * g,  y = W @ s'
    after:   the same, an input PHRASE, states beta(s) and gamma(s), and outputs beta(y), gamma(y)
             and delta(y), whose sum is y

beta is what the steps of the phrase give, by themselves and with constants; gamma is all that other
steps have a part in; delta is of constants alone. Murdoch, Liu & Yu 2018, Beyond word importance:
contextual decomposition to extract interactions from LSTMs, for the ops of any cell:

    linear ops      part by part
    products        beta * beta and beta * delta are beta, what meets gamma is gamma
    other ops       the mean over both orders of adding beta and gamma to delta (Shapley values)
    s'              delta goes to beta in a step of the phrase, else to gamma

A word is of its own step. What a truth value decides, and values that are kept ``whole``, have no
parts: they multiply like constants.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..graph import Graph, Node, spread
from ..recurrence import MOVES, PRODUCTS, SUMS
from ..rewrite import begin, finish, translate

PHRASE = "in phrase"
BETA, GAMMA, DELTA = "beta({})", "gamma({})", "delta({})"
LINEAR = {*SUMS, *MOVES, "total"}
LINEAR_IN = {"where": (1, 2), "gather": (0,), "scatter": (0,)}


@dataclass(frozen=True)
class _Parts:
    """A value's beta, gamma and delta; None is zero."""

    beta: Node | None = None
    gamma: Node | None = None
    delta: Node | None = None

    @property
    def constant(self) -> bool:
        return self.beta is None and self.gamma is None


def decompose(graph: Graph, whole: Collection[str] = ()) -> Graph:
    """The decomposed graph; PHRASE is 1 at the steps of the phrase, else 0.

    Raises ValueError for a name in ``whole`` that the graph lacks.
    """
    unknown = [name for name in whole if name not in graph.names]
    if unknown:
        raise ValueError(f"cell {graph.title} names no value '{unknown[0]}'")
    new, mapping = begin(graph)
    translate(new, graph.roots(), mapping)
    finish(graph, new, mapping)
    split = _Split(new, {new.names[name].node.id for name in whole})
    for node in new.reachable():
        if node.dtype == "real":
            split.parts[node.id] = split.of(node)
    split.close()
    return new


class _Split:
    def __init__(self, new: Graph, whole: set[int]) -> None:
        self.new, self.whole = new, whole
        self.parts: dict[int, _Parts] = {}
        self.outputs, self.states = dict(new.outputs), list(new.states.values())
        self.nexts = {s.next.id for s in self.states if s.next is not None}
        self.words = _words(new)
        self.phrase = new.apply("gt", new.input(PHRASE), new.constant(0.5))
        for state in self.states:
            leaf = state.leaf
            halves = [new.state(mark.format(state.name), leaf.shape, init, state.delay)
                      for mark, init in ((BETA, 0.0), (GAMMA, state.init))]  # fmt: skip
            self.parts[leaf.id] = _Parts(*halves)

    def of(self, node: Node) -> _Parts:
        """The parts of a node, those of its operands being known."""
        found = self.parts.get(node.id) or self._parts(node)
        if node.id in self.whole:
            found = _Parts(delta=node)
        return self._settled(found) if node.id in self.nexts and node.op != "state" else found

    def _parts(self, node: Node) -> _Parts:
        if node.op == "input":
            return self._settled(_Parts(delta=node))
        if node.op == "context":
            return _Parts(gamma=node)
        given = [self.parts.get(x.id, _Parts(delta=x)) for x in node.operands]
        if all(x.constant for x in given):
            alone = _Parts(delta=node)
            return self._settled(alone) if self._is_word(node) else alone
        if node.op in LINEAR:
            return self._linear(node, given, range(len(given)))
        if node.op in LINEAR_IN or (node.op == "div" and given[1].constant):
            return self._linear(node, given, LINEAR_IN.get(node.op, (0,)))
        return self._product(node, *given) if node.op in PRODUCTS else self._orders(node, given)

    def _is_word(self, node: Node) -> bool:
        return any(x.id in self.words for x in node.operands)

    def _settled(self, parts: _Parts) -> _Parts:
        """delta as a part of the step it is in."""
        if parts.delta is None:
            return parts
        zero = self.new.constant(0.0)
        inside = self.new.apply("where", self.phrase, parts.delta, zero)
        outside = self.new.apply("where", self.phrase, zero, parts.delta)
        return _Parts(_sum(parts.beta, inside), _sum(parts.gamma, outside))

    def _linear(self, node: Node, given: list[_Parts], places: Collection[int]) -> _Parts:
        def part(kind: str) -> Node | None:
            chosen = [getattr(x, kind) for x in given]
            if all(chosen[i] is None for i in places):
                return None
            return self._apply(node, [
                _or_zero(chosen[i], x) if i in places else x for i, x in enumerate(node.operands)
            ])  # fmt: skip

        return _Parts(part("beta"), part("gamma"), part("delta"))

    def _product(self, node: Node, a: _Parts, b: _Parts) -> _Parts:
        def times(x: Node | None, y: Node | None) -> Node | None:
            return None if x is None or y is None else self._apply(node, [x, y])

        own = _sum(a.beta, a.delta)
        beta = _sum(times(a.beta, _sum(b.beta, b.delta)), times(a.delta, b.beta))
        every = _sum(_sum(b.beta, b.delta), b.gamma)
        gamma = _sum(times(a.gamma, every), times(own, b.gamma))
        return _Parts(beta, gamma, times(a.delta, b.delta))

    def _orders(self, node: Node, given: list[_Parts]) -> _Parts:
        def at(*kinds: str) -> Node:
            operands = []
            for parts, x in zip(given, node.operands, strict=True):
                total = None
                for kind in kinds:
                    total = _sum(total, getattr(parts, kind))
                operands.append(_or_zero(total, x))
            return self._apply(node, operands)

        none, every = at("delta"), at("delta", "beta", "gamma")
        first, second = at("delta", "beta"), at("delta", "gamma")
        beta = 0.5 * ((first - none) + (every - second))
        gamma = 0.5 * ((second - none) + (every - first))
        # equal expressions are one node: no operand has a beta where the first is none
        return _Parts(None if first is none else beta, None if second is none else gamma, none)

    def _apply(self, node: Node, operands: list[Node]) -> Node:
        if node.op == "total":  # which counts what it sums
            operands = [spread(operands[0], node.operands[0].varies)]
        return self.new.apply(node.op, *operands, **node.attrs)

    def close(self) -> None:
        """Advance the parts of states, and make those of outputs outputs."""
        for state in self.states:
            if state.next is not None:
                parts = self.parts[state.next.id]
                for mark, part in ((BETA, parts.beta), (GAMMA, parts.gamma)):
                    self.new.advance(mark.format(state.name), _or_zero(part, state.next))
        for name, node in self.outputs.items():
            parts = self.parts.get(node.id, _Parts(delta=node))
            for mark, part in ((BETA, parts.beta), (GAMMA, parts.gamma), (DELTA, parts.delta)):
                self.new.output(mark.format(name), _or_zero(part, node))


def _words(graph: Graph) -> set[int]:
    """Ids of integers and truth values that are made of integer inputs alone."""
    found = {leaf.id for leaf in graph.inputs.values() if leaf.dtype == "int"}
    for node in graph.reachable():
        if node.dtype != "real" and any(x.id in found for x in node.operands):
            found.add(node.id)
    return found


def _sum(a: Node | None, b: Node | None) -> Node | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _or_zero(part: Node | None, like: Node) -> Node:
    """The part of a value, zeros where it has none."""
    return like.graph.full(0.0, like.shape) if part is None else part
