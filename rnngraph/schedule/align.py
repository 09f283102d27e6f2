"""Copies where a reshape could not be read through strides.

    before:  reshape(transpose(x))        after:  reshape(copy of transpose(x))

A value in memory that is read lies row by row in a buffer of its own; so what strides a chain of
windows has is known from the graph alone, before storage is laid out.
"""

from __future__ import annotations

from ..graph import Graph, Node
from ..passes.pin import WINDOWS
from ..rewrite import rebuild
from .grammar import Buffer, Extent, Role, View, contiguous
from .storage import WINDOW_RULES, reshaped_strides


def align(graph: Graph) -> Graph:
    """The graph with a copy under every reshape that needs one (the graph itself if none does)."""
    views: dict[int, View] = {}
    copied: set[int] = set()
    for node in graph.reachable():
        if node.op not in WINDOWS:
            views[node.id] = _view(node, contiguous(node.shape), 0)
            continue
        source = node.operands[0]
        view = views[source.id]
        if node.op == "gather":
            views[node.id] = _view(node, view.strides[1:], view.offset)
            continue
        if node.op == "reshape" and reshaped_strides(source.shape, view.strides, node.shape) is None:
            copied.add(node.id)
            view = _view(source, contiguous(source.shape), 0)
        views[node.id] = _view(node, *WINDOW_RULES[node.op](node, source, view))
    return rebuild(graph, lambda *args: _copying(copied, *args)) if copied else graph


def _view(node: Node, strides: tuple[int, ...], offset: int) -> View:
    nowhere = Buffer("", node.shape, node.varies, Extent.ONE, Role.WORK)
    return View(nowhere, node.shape, strides, offset)


def _copying(
    copied: set[int], new: Graph, node: Node, operands: tuple[Node, ...]
) -> Node | None:
    if node.id not in copied:
        return None
    return new.apply("reshape", new.apply("stop_gradient", operands[0]), **node.attrs)
