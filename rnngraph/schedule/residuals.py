"""What the forward run saves for the backward run: a minimum cut.

Every forward value that the backward run needs is either saved or computed again from saved
values. Elementwise work may be done again, products and reductions may not. The cheapest set to
save, in bytes per step and row, is a minimum cut between what cannot be computed again and what
is needed (as in Jain et al. 2020, Checkmate, and AOTAutograd's partitioner, for this special case).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

from ..graph import Node, Varies
from ..ops import OPS
from ..passes.pin import base
from .placement import PLAIN, Placement

Vertex = tuple[int, str]
SOURCE, SINK = (-1, "source"), (-1, "sink")


def choose_saved(placement: Placement, free: set[int]) -> set[int]:
    """Ids of the forward nodes to save. ``free`` are in memory for the whole sequence anyway."""
    network = _network(_needed(placement), free)
    if SOURCE not in network or SINK not in network:
        return set()
    import networkx

    # networkx returns the cut nearest to the target: of equally cheap sets, the one that leaves
    # the backward run the least work to repeat
    _, (before, after) = networkx.minimum_cut(network, SOURCE, SINK)
    return {number for number, side in before if side == "in" and (number, "out") in after}


def _needed(placement: Placement) -> list[Node]:
    """Forward nodes that a backward node reads, windows too, without plain leaves."""
    found: dict[int, Node] = {}
    for node in placement.nodes:
        if placement.home[node.id].procedure == 1:
            for x in node.operands:
                if placement.home[x.id].procedure == 0 and x.op not in PLAIN:
                    found[x.id] = x
    return list(found.values())


def can_repeat(node: Node) -> bool:
    """True for nodes that the backward run may compute again."""
    return OPS[node.op].elementwise and node.varies is Varies.STEP


def _network(needed: Iterable[Node], free: set[int]) -> Any:
    """The flow network: cutting a node's own edge, at its size in elements, is saving it."""
    import networkx

    network = networkx.DiGraph()
    stack: list[Node] = []
    seen: set[int] = set()

    def read(x: Node, reader: Vertex) -> None:
        source = base(x)
        if not _given(source, free):
            network.add_edge((source.id, "out"), reader)
            stack.append(source)
            if source is not x:  # a window is on memory: what it shows must be saved itself
                network.add_edge(SOURCE, (source.id, "in"))

    for node in needed:
        read(node, SINK)
    while stack:
        node = stack.pop()
        if node.id in seen:
            continue
        seen.add(node.id)
        network.add_edge((node.id, "in"), (node.id, "out"), capacity=prod(node.shape))
        if not can_repeat(node):
            network.add_edge(SOURCE, (node.id, "in"))
            continue
        for x in node.operands:
            read(x, (node.id, "in"))
    return network


def _given(node: Node, free: set[int]) -> bool:
    """True for values that need no saving: leaves, parameters' work, and what is kept anyway."""
    return node.op in PLAIN or node.varies is not Varies.STEP or node.id in free
