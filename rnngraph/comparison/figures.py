"""What a cell costs, in numbers: parameters, operations, products that wait for each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ..cell import Cell
from ..compile import Request, value_at

DEFAULT_SIZE = 64  # of what no size is given for


@dataclass(frozen=True)
class Figures:
    """At ``sizes``: numbers that are learned and carried; operations of the matrix products and
    elementwise results of a step and row; ``depth``, the products of a step that follow each
    other from state to state."""

    sizes: dict[str, int]
    parameters: int
    carried: int
    products: int
    elements: int
    depth: int


def figures(cell: Cell, sizes: Mapping[str, int]) -> Figures:
    """The figures of a cell at the sizes that it has; those not given are 64.

    Raises CellError or ValueError for sizes that the cell cannot have.
    """
    from ..bench.work import depth, work_of

    chosen = {name: sizes.get(name, DEFAULT_SIZE) for name in cell.sizes}
    graph = cell.bind(None, **chosen).graph
    simplified = value_at(graph, Request(tuple(graph.outputs)), "simplified")
    work = work_of(simplified)
    return Figures(
        chosen,
        sum(prod(leaf.shape) for leaf in graph.params.values()),
        sum(prod(state.leaf.shape) for state in graph.states.values()),
        work.flops,
        sum(work.elements.values()),
        depth(simplified),
    )
