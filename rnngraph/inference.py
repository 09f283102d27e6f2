"""Sizes that arrays tell: every dimension of a declared shape is an equation for its size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .graph import Graph
from .runtime.arrays import Array
from .sizes import Dim, Size


def sizes_told(
    graph: Graph, arrays: Mapping[str, Array], known: Mapping[str, int]
) -> dict[str, int]:
    """Sizes that are known or follow from the shapes of arrays, given by the names of leaves.

    Shapes that contradict each other are left to the checks of the call, which name the argument.
    """
    sizes = dict(known)
    pending = list(_equations(graph, arrays))
    while True:
        found = dict(_solved(pending, sizes))
        if not found:
            return sizes
        sizes |= found


def _equations(graph: Graph, arrays: Mapping[str, Array]) -> Iterator[tuple[Size, int]]:
    for name, leaf in graph.leaves.items():
        if name not in arrays or not leaf.shape:
            continue
        shape = arrays[name].shape[-len(leaf.shape) :]
        for dim, length in zip(leaf.shape, shape, strict=False):
            if isinstance(dim, Size):
                yield dim, length


def _solved(
    equations: list[tuple[Size, int]], sizes: Mapping[str, int]
) -> Iterator[tuple[str, int]]:
    for dim, length in equations:
        left: Dim = dim.bind(sizes) - length
        open_sizes = left.symbols() if isinstance(left, Size) else ()
        if len(open_sizes) != 1:
            continue
        assert isinstance(left, Size)
        (name,) = open_sizes
        value = left.solve(name)
        if isinstance(value, int) and value >= 1:
            yield name, value
            return  # one at a time: the next equation may speak of the same size
