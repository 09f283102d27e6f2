"""What a cell has to compute, counted on its graph: the yardstick for every contender.

The multiply-adds of the products are counted, two operations each, as everybody counts them for
an LSTM: 2 * 4H * (I+H) for every time-step and row, three times that with gradients. The rest is
counted too, by op, since a machine's limit for a cell includes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from ..components import find_loops
from ..graph import Graph, Node, Varies
from ..ops import OPS, REDUCTIONS

BYTES = 4


@dataclass(frozen=True)
class Work:
    """Per time-step and row, but for the weights.

    ``flops`` of all products, ``loop_flops`` of those that the recurrence keeps in loops, whose
    weights ``loop_weights`` (bytes) pass by once per time-step; ``loop_memory``, those of the loop
    that has the most, which it reads again and again; elements of elementwise results by op;
    ``traffic``, the bytes of inputs and outputs.
    """

    flops: int
    loop_flops: int
    loop_weights: int
    loop_memory: int
    elements: dict[str, int]
    traffic: int


def work_of(graph: Graph) -> Work:
    """The work of one time-step and row of a simplified graph whose sizes are bound."""
    loops = find_loops(graph, graph.roots()).of
    nodes = graph.live(graph.roots())
    products = [node for node in nodes if product_flops(node)]
    looped = [node for node in products if node.id in loops]
    weights: Counter[int] = Counter()
    for node in looped:
        weights[loops[node.id]] += BYTES * prod(node.operands[0].shape)
    elements: Counter[str] = Counter()
    for node in nodes:
        if OPS[node.op].elementwise and node.varies is Varies.STEP:
            elements[node.op] += prod(node.shape)
    return Work(
        flops=sum(map(product_flops, products)),
        loop_flops=sum(map(product_flops, looped)),
        loop_weights=sum(weights.values()),
        loop_memory=max(weights.values(), default=0),
        elements=dict(elements),
        traffic=BYTES * _numbers([*graph.inputs.values(), *graph.outputs.values()]),
    )


def product_flops(node: Node) -> int:
    """Two per multiply-add of a matrix product per step, or of one over time-steps and rows."""
    if node.op == "matmul" and node.varies is Varies.STEP:
        left, right = node.operands
        return 2 * prod(left.shape) * prod(right.shape[1:])
    if node.op == "total" and node.operands[0].op == "outer":
        return 2 * prod(node.shape)
    return 0


def depth(graph: Graph) -> int:
    """The most matrix products on a way from previous states to next states."""
    found: dict[int, int] = {}
    for node in graph.reachable():
        behind = [found[x.id] for x in node.operands if x.id in found]
        if node.op == "state" or behind:
            found[node.id] = max(behind, default=0) + (node.op == "matmul")
    nexts = [s.next.id for s in graph.states.values() if s.next is not None]
    return max((found.get(i, 0) for i in nexts), default=0)


def reduces(graph: Graph) -> bool:
    """Whether a recurrence has sums, or the like, over the elements of a vector: a norm, say."""
    loops = find_loops(graph, graph.roots()).of
    return any(node.id in loops and node.op in REDUCTIONS for node in graph.live(graph.roots()))


def _numbers(nodes: Iterable[Node]) -> int:
    return sum(prod(node.shape) for node in nodes if node.varies is Varies.STEP)
