"""Lowering to the scheduler's vocabulary: elementwise work, products, reductions and totals.

    matmul of a weight and a vector     -> product          (addends of one sum share a product)
    any other matmul                    -> sum(a * b) over an expanded index
    outer, unless a total sums it       -> expand(a) * expand(b)
    scatter, unless a total sums it     -> where(iota == index, value, 0)
    eye                                 -> where(iota == iota, 1, 0)

The terms of a product are ordered with those from outside its loop first, so that hoisting
them out of the loop does not change the order of additions, and so not a bit of the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..components import Loops, find_loops
from ..graph import Graph, Node, Varies
from ..rewrite import begin, finish, rebuild, translate


def lower(graph: Graph, observed: Iterable[str] = ()) -> Graph:
    """The graph in the scheduler's vocabulary; sizes must be bound.

    Outputs ``observed`` are only looked at: they do not change by a bit how the rest is computed.
    """
    contracted = rebuild(graph, _contract)
    return form_products(contracted, observed)


def _contract(new: Graph, node: Node, operands: tuple[Node, ...]) -> Node | None:
    if node.op == "matmul" and not _is_product(node):
        return _contraction(new, *operands)
    if node.op == "outer":
        return _spread_outer(new, *operands)
    if node.op == "scatter":
        value, index = operands
        return _spread_scatter(new, value, index, size=node.attrs["size"])
    if node.op == "eye":
        return _spread_eye(new, node.attrs["n"])
    if node.op == "total" and _summed_directly(node):
        inner = _original(new, node.operands[0], operands[0])
        return new.apply("total", inner, **node.attrs)
    return None


def _is_product(node: Node) -> bool:
    a, b = node.operands
    return a.varies is Varies.ONCE and len(b.shape) == 1


def _summed_directly(node: Node) -> bool:
    """True for a total over all rows that has a kernel of its own: a matrix product or a
    scattered sum."""
    operand = node.operands[0]
    if node.attrs["to"] is not Varies.ONCE or operand.varies is not Varies.STEP:
        return False
    if operand.op == "scatter":
        return True
    return operand.op == "outer" and all(x.varies is Varies.STEP for x in operand.operands)


def _original(new: Graph, node: Node, lowered: Node) -> Node:
    """``outer`` or ``scatter`` itself, taken back from what it was lowered to."""
    if node.op == "outer":
        a, b = (x.operands[0] for x in lowered.operands)
        return new.apply("outer", a, b)
    hit, value, _ = lowered.operands
    index = hit.operands[1].operands[0]
    inner = value.operands[0] if value.op == "expand" else value
    return new.apply("scatter", inner, index, **node.attrs)


def _contraction(new: Graph, a: Node, b: Node) -> Node:
    """``a @ b`` as a sum over an expanded index; a transposed left side is read as it lies."""
    if a.op == "transpose" and len(b.shape) == 1:
        matrix = a.operands[0]
        wide = new.apply("expand", b, shape=matrix.shape, axes=(0,))
        return new.apply("sum", matrix * wide, axis=0)
    if len(b.shape) == 1:
        wide = new.apply("expand", b, shape=a.shape, axes=(1,))
        return new.apply("sum", a * wide, axis=1)
    shape = (a.shape[0], a.shape[1], b.shape[1])
    left = new.apply("expand", a, shape=shape, axes=(0, 1))
    right = new.apply("expand", b, shape=shape, axes=(1, 2))
    return new.apply("sum", left * right, axis=1)


def _spread_outer(new: Graph, a: Node, b: Node) -> Node:
    shape = (*a.shape, *b.shape)
    left = new.apply("expand", a, shape=shape, axes=(0,))
    return left * new.apply("expand", b, shape=shape, axes=(1,))


def _spread_scatter(new: Graph, value: Node, index: Node, size: int) -> Node:
    shape = (size, *value.shape)
    places = new.apply("expand", new.apply("iota", n=size), shape=shape, axes=(0,))
    hit = new.apply("eq", places, new.apply("expand", index, shape=shape, axes=()))
    axes = tuple(range(1, len(shape)))
    wide = new.apply("expand", value, shape=shape, axes=axes)
    return new.apply("where", hit, wide, new.constant(0.0))


def _spread_eye(new: Graph, n: int) -> Node:
    places = new.apply("iota", n=n)
    down, along = (new.apply("expand", places, shape=(n, n), axes=(axis,)) for axis in (0, 1))
    return new.apply("where", new.apply("eq", down, along), new.constant(1.0), new.constant(0.0))


def form_products(graph: Graph, observed: Iterable[str] = ()) -> Graph:
    """Every matmul becomes a product; the matmuls of one sum become one."""
    loops = find_loops(graph, graph.roots())
    results = [node for name, node in graph.outputs.items() if name not in set(observed)]
    results += [state.next for state in graph.states.values() if state.next is not None]
    uses = Counter(x.id for node in graph.reachable(results) for x in node.operands)
    uses.update(node.id for node in results)
    sums = _Sums(graph, loops, uses)
    new, mapping = begin(graph)
    translate(new, graph.roots(), mapping, sums.rule(mapping))
    finish(graph, new, mapping)
    return new


class _Sums:
    """Finds the sums whose addends hold matmuls that nothing else uses."""

    def __init__(self, graph: Graph, loops: Loops, uses: Counter[int]) -> None:
        self.loops, self.uses = loops, uses
        adds = [node for node in graph.reachable() if node.op == "add"]
        self.inner = {
            x.id for node in adds for x in node.operands if x.op == "add" and self._alone(x, node)
        }

    def _alone(self, x: Node, user: Node) -> bool:
        return self.uses[x.id] == 1 and x.shape == user.shape

    def rule(self, mapping: dict[int, Node]):  # type: ignore[no-untyped-def]
        """The rewrite rule that forms products at the root of each sum."""

        def apply(new: Graph, node: Node, operands: tuple[Node, ...]) -> Node | None:
            if node.op == "matmul":
                return new.apply("product", *operands, start=False)
            if node.op != "add" or node.id in self.inner:
                return None
            addends = list(self._addends(node))
            terms = [x for x in addends if x.op == "matmul" and self._alone(x, node)]
            if not terms:
                return None
            rest = [x for x in addends if x not in terms]
            return self._product(new, node, terms, rest, mapping)

        return apply

    def _addends(self, root: Node) -> Iterable[Node]:
        stack = list(reversed(root.operands))
        while stack:
            node = stack.pop()
            if node.id in self.inner:
                stack.extend(reversed(node.operands))
            else:
                yield node

    def _product(
        self,
        new: Graph,
        node: Node,
        terms: list[Node],
        rest: list[Node],
        mapping: dict[int, Node],
    ) -> Node:
        terms = sorted(
            terms, key=lambda x: (self.loops.same(x.operands[1], node), x.operands[1].id)
        )
        pairs = [mapping[x.id] for term in terms for x in term.operands]
        total = new.apply("product", *pairs, start=False)
        for x in rest:
            total = total + mapping[x.id]
        return total
