"""A cell as an array framework's user would write it, derived from its step graph.

    Program ::= values in order, each with its phase
    phase   ::= ONCE                        of parameters alone
              | even number                 for all time-steps at once
              | odd number, loop            step by step

What a good user does by hand is done here for every cell: what depends on inputs only leaves the
loop, together with the biases; matrices that multiply the same vector are stacked into one
product; layer normalisation, interpolation and multiply-add are written as the one call that a
framework has for them. Nothing else is rearranged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...components import find_loops
from ...graph import Graph, Node, State, Varies
from ...rewrite import rebuild
from .idioms import Idiom, interpolation, normalised

ONCE = (-2, -1)
Phase = tuple[int, int]


class NoProgram(ValueError):
    """A cell that the derivation does not cover."""


@dataclass(eq=False)
class Value:
    """``op`` of the op table, or affine, lerp, addcmul, layer_norm; ``shape``: of one row."""

    number: int
    op: str
    operands: tuple[Value, ...]
    attrs: dict[str, Any]
    shape: tuple[Any, ...]
    phase: Phase


@dataclass
class Program:
    """``states`` by phase of their loop; ``nexts`` and ``starts`` by a state's name."""

    values: list[Value] = field(default_factory=list)
    outputs: dict[str, Value] = field(default_factory=dict)
    states: dict[Phase, list[State]] = field(default_factory=dict)
    nexts: dict[str, Value] = field(default_factory=dict)
    directions: dict[Phase, int] = field(default_factory=dict)

    @property
    def parameters(self) -> list[Value]:
        """Values of parameters alone that the steps use, in order."""
        later = [x for value in self.values if value.phase != ONCE for x in value.operands]
        used = [*later, *self.outputs.values(), *self.nexts.values()]
        found = {x.number: x for x in used if x.phase == ONCE and x.op != "constant"}
        return [found[number] for number in sorted(found)]


def derive(graph: Graph) -> Program:
    """The program of a graph with bound sizes. Raises NoProgram."""
    if graph.contexts:
        raise NoProgram(f"{graph.title} has inputs given once per sequence")
    learned = [s.name for s in graph.states.values() if isinstance(s.init, str)]
    if learned:
        raise NoProgram(f"the first value of {learned[0]} is learned")
    return _Derivation(rebuild(graph, _over_pieces)).program


def _over_pieces(new: Graph, node: Node, operands: tuple[Node, ...]) -> Node | None:
    """``W @ [h, x]`` as a sum of products with the pieces."""
    if node.op != "matmul" or operands[1].op != "concat" or len(operands[1].shape) != 1:
        return None
    weight, joined = operands
    start, terms = 0, []
    for piece in joined.operands:
        stop = start + piece.shape[0]
        columns = new.apply("slice", weight, axis=1, start=start, stop=stop)
        terms.append(new.apply("matmul", columns, piece))
        start = stop
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _is_product(node: Node) -> bool:
    weight, vector = node.operands if node.op == "matmul" else (node, node)
    return node.op == "matmul" and weight.varies is Varies.ONCE and len(vector.shape) == 1


class _Derivation:
    def __init__(self, graph: Graph) -> None:
        self.graph, self.program = graph, Program()
        nodes = graph.live(graph.outputs.values())
        self.loops = find_loops(graph, graph.outputs.values())
        self.levels: dict[int, int] = {}
        self.loop_levels: dict[int, int] = {}
        self.members: dict[int, list[Node]] = {}
        for node in nodes:
            if node.id in self.loops.of:
                self.members.setdefault(self.loops.of[node.id], []).append(node)
        self._check_states(nodes)
        self.uses = Counter(x.id for node in nodes for x in node.operands)
        self.uses.update(node.id for node in self._results(nodes))
        self.inner = self._inner_sums(nodes)
        self.made: dict[int, Value] = {}
        self.bundles: dict[Any, list[_Sum]] = {}
        self.sums = {n.id: self._sum(n) for n in nodes if self._roots_a_sum(n)}
        for node in nodes:
            if node.id not in self.inner and self._wanted(node):
                self.value(node)
        self._close(nodes)

    # --- what is where -------------------------------------------------------------------

    def _check_states(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            if node.op == "state" and node.id not in self.loops.of:
                raise NoProgram(f"{node.attrs['name']} only delays a value")

    def _results(self, nodes: Sequence[Node]) -> list[Node]:
        states = [self.graph.state_of(node) for node in nodes if node.op == "state"]
        return [*self.graph.outputs.values(), *(s.next for s in states if s.next is not None)]

    def level(self, node: Node) -> int:
        """Even: for all steps at once; odd: in a loop; never before what it needs."""
        if node.varies is Varies.ONCE:
            return -1
        if node.id not in self.levels:
            loop = self.loops.of.get(node.id)
            found = max((_even(self.level(x)) for x in node.operands), default=0)
            self.levels[node.id] = found if loop is None else self._loop_level(loop)
        return self.levels[node.id]

    def _loop_level(self, loop: int) -> int:
        if loop not in self.loop_levels:
            outside = [x for node in self.members[loop] for x in node.operands
                       if self.loops.of.get(x.id) != loop]  # fmt: skip
            self.loop_levels[loop] = 1 + max((_even(self.level(x)) for x in outside), default=0)
        return self.loop_levels[loop]

    def phase(self, node: Node) -> Phase:
        return (self.level(node), self.loops.of.get(node.id, -1))

    # --- sums ------------------------------------------------------------------------------

    def _inner_sums(self, nodes: Sequence[Node]) -> set[int]:
        """Adds and products that are only addends of a larger sum."""
        inner = set()
        for node in nodes:
            if node.op != "add" or interpolation(node):
                continue
            for x in node.operands:
                alone = self.uses[x.id] == 1 and x.shape == node.shape
                summed = (x.op == "add" and not interpolation(x)) or _is_product(x)
                if alone and summed and x.varies is not Varies.ONCE:
                    inner.add(x.id)
        return inner

    def _roots_a_sum(self, node: Node) -> bool:
        if node.id in self.inner or node.varies is Varies.ONCE or interpolation(node):
            return False
        return node.op == "add" or _is_product(node)

    def _addends(self, root: Node) -> list[Node]:
        if root.op != "add":
            return [root]
        found: list[Node] = []
        for x in root.operands:
            found += self._addends(x) if x.id in self.inner and x.op == "add" else [x]
        return found

    def _sum(self, root: Node) -> _Sum:
        return self._sum_of(self._addends(root), self.phase(root), root.shape)

    def _sum_of(self, addends: list[Node], phase: Phase, shape: Any) -> _Sum:
        """Addends from before the loop are a sum of their own, biases with them."""
        once = [x for x in addends if x.varies is Varies.ONCE]
        steps = [x for x in addends if x.varies is not Varies.ONCE]
        before = [x for x in steps if phase[0] % 2 and self.phase(x) != phase]
        here = [x for x in steps if x not in before]
        carry = None
        if before:
            level = max(_even(self.level(x)) for x in before)
            carry, once = self._sum_of([*before, *once], (level, -1), shape), []
        products = [x for x in here if _is_product(x) and (x.id in self.inner or len(addends) == 1)]
        rest = [x for x in here if x not in products]
        made = _Sum(phase, shape, products, rest, once, carry)
        if products:
            key = (phase, tuple(x.operands[1].id for x in products))
            self.bundles.setdefault(key, []).append(made)
            made.bundle = self.bundles[key]
        return made

    # --- values ------------------------------------------------------------------------------

    def make(
        self, op: str, operands: Sequence[Value], shape: Any, phase: Phase, **attrs: Any
    ) -> Value:
        made = Value(len(self.program.values), op, tuple(operands), attrs, tuple(shape), phase)
        self.program.values.append(made)
        return made

    def _wanted(self, node: Node) -> bool:
        return node.op == "state" or node in self._results([node])

    def value(self, node: Node) -> Value:
        if node.id not in self.made:
            self.made[node.id] = self._make(node)
        return self.made[node.id]

    def _make(self, node: Node) -> Value:
        if node.id in self.sums:
            return self._add_up(self.sums[node.id])
        phase = ONCE if node.varies is Varies.ONCE else self.phase(node)
        idiom = interpolation(node) or normalised(node)
        if idiom is not None and phase != ONCE:
            return self._idiom(idiom, node, phase)
        operands = [self.value(x) for x in node.operands]
        made = self.make(node.op, operands, node.shape, phase)
        made.attrs = dict(node.attrs)
        return made

    def _idiom(self, idiom: Idiom, node: Node, phase: Phase) -> Value:
        operands = [self.value(x) for x in idiom.operands]
        return self.make(idiom.op, operands, node.shape, phase, **idiom.attrs)

    def _add_up(self, made: _Sum) -> Value:
        total, pending = None, [self.value(x) for x in made.once]
        if made.bundle is not None:
            total, pending = self._part(made), []
        if made.carry is not None and not _all_carry(made.bundle):
            pending = [self._add_up(made.carry)]
        parts = [self._product(x) for x in made.rest]
        plain = [part[0] for part in parts if len(part) == 1]
        for x in [*pending, *plain]:
            total = x if total is None else self._combine("add", (total, x), made)
        for factors in [part for part in parts if len(part) == 2]:
            total = self._add_product(total, factors, made)
        assert total is not None
        return total

    def _combine(self, op: str, operands: Sequence[Value], made: _Sum, **attrs: Any) -> Value:
        phase = ONCE if all(x.phase == ONCE for x in operands) else made.phase
        return self.make(op, operands, made.shape, phase, **attrs)

    def _add_product(
        self, total: Value | None, factors: Sequence[Value], made: _Sum
    ) -> Value:
        if total is None:
            return self._combine("mul", factors, made)
        norm, gain = sorted(factors, key=lambda x: x.op != "layer_norm")
        if norm.op == "layer_norm" and len(norm.operands) == 1 and gain.phase == ONCE:
            biased = total.phase == ONCE
            operands = (norm.operands[0], gain, *((total,) if biased else ()))
            scaled = self._combine("layer_norm", operands, made, **norm.attrs)
            return scaled if biased else self._combine("add", (total, scaled), made)
        if {x.shape for x in (total, *factors)} == {made.shape} and total.phase != ONCE:
            return self._combine("addcmul", (total, *factors), made)
        return self._combine("add", (total, self._combine("mul", factors, made)), made)

    def _product(self, node: Node) -> tuple[Value, ...]:
        """The factors of a node that is multiplied here only, else its value."""
        alone = node.op == "mul" and self.uses[node.id] == 1 and normalised(node) is None
        if alone and len({x.shape for x in node.operands}) == 1:
            return tuple(self.value(x) for x in node.operands)
        return (self.value(node),)

    # --- products that multiply the same vectors ------------------------------------------------

    def _part(self, made: _Sum) -> Value:
        if made.part is None:
            assert made.bundle is not None
            self._stack(made.bundle)
        assert made.part is not None
        return made.part

    def _stack(self, bundle: list[_Sum]) -> None:
        terms: list[Value] = []
        for k, product in enumerate(bundle[0].products):
            weights = [self.value(one.products[k].operands[0]) for one in bundle]
            terms += [self.value(product.operands[1]), self._joined(weights, ONCE)]
        operands, starts = list(terms), ""
        if _all_carry(bundle):
            operands.append(self._joined([self._add_up(one.carry) for one in bundle if one.carry]))
            starts = "carry"
        elif any(one.once for one in bundle):
            operands.append(self._joined([self._bias(one) for one in bundle], ONCE))
            starts = "bias"
        width = sum(one.shape[0] for one in bundle)
        whole = self.make("affine", operands, (width,), bundle[0].phase, starts=starts)
        stop = 0
        for one in bundle:
            start, stop = stop, stop + one.shape[0]
            one.part = whole if len(bundle) == 1 else self._window(whole, start, stop)

    def _window(self, whole: Value, start: int, stop: int) -> Value:
        return self.make("slice", (whole,), (stop - start,), whole.phase,
                         axis=0, start=start, stop=stop)  # fmt: skip

    def _bias(self, one: _Sum) -> Value:
        if not one.once:
            return self.make("constant", (), one.shape, ONCE, value=0.0)
        total = self.value(one.once[0])
        for x in one.once[1:]:
            total = self.make("add", (total, self.value(x)), one.shape, ONCE)
        return total

    def _joined(self, parts: list[Value], phase: Phase | None = None) -> Value:
        """Parts one after the other: as they are where they lie so already."""
        if len(parts) == 1:
            return parts[0]
        whole = parts[0].operands[0] if parts[0].op == "slice" else None
        if whole is not None and whole.op == "affine" and _covers(parts, whole):
            return whole
        length = sum(x.shape[0] for x in parts)
        at = phase or (max(x.phase[0] for x in parts), -1)
        return self.make("concat", parts, (length, *parts[0].shape[1:]), at, axis=0)

    def _close(self, nodes: Iterable[Node]) -> None:
        program = self.program
        program.outputs = {name: self.value(node) for name, node in self.graph.outputs.items()}
        for node in nodes:
            if node.op == "state":
                state = self.graph.state_of(node)
                assert state.next is not None
                phase = self.phase(node)
                program.states.setdefault(phase, []).append(state)
                program.directions[phase] = state.delay
                program.nexts[state.name] = self.value(state.next)


@dataclass(eq=False)
class _Sum:
    """``products`` of matrices and vectors, the ``rest``, what is known ``once``, and the
    ``carry`` of what was summed before the loop; ``part`` is the products' share of a stack."""

    phase: Phase
    shape: tuple[Any, ...]
    products: list[Node]
    rest: list[Node]
    once: list[Node]
    carry: _Sum | None
    bundle: list[_Sum] | None = None
    part: Value | None = None


def _even(level: int) -> int:
    return level + level % 2


def _all_carry(bundle: list[_Sum] | None) -> bool:
    return bundle is not None and all(one.carry is not None for one in bundle)


def _covers(parts: list[Value], whole: Value) -> bool:
    stop = 0
    for x in parts:
        if x.op != "slice" or x.operands[0] is not whole or x.attrs["start"] != stop:
            return False
        stop = x.attrs["stop"]
    return bool(stop == whole.shape[0])
