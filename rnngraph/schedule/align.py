"""Copies where a window could not be read through strides and one index.

    before:  reshape(transpose(x))        after:  reshape(copy of transpose(x))
             E[i][j]                              (copy of E[i])[j]

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
    """The graph with a copy under every window that needs one (the graph itself if none does)."""
    views: dict[int, View] = {}
    copied: set[int] = set()
    for node in graph.reachable():
        if node.op not in WINDOWS:
            views[node.id] = _whole(node)
            continue
        source = node.operands[0]
        view = views[source.id]
        if _needs_copy(node, source, view):
            copied.add(node.id)
            view = _whole(source)
        views[node.id] = _window(node, source, view)
    return rebuild(graph, lambda *args: _copying(copied, *args)) if copied else graph


def _needs_copy(node: Node, source: Node, view: View) -> bool:
    if node.op == "gather":
        return view.index is not None
    return node.op == "reshape" and (
        reshaped_strides(source.shape, view.strides, node.shape) is None
    )


def _whole(node: Node) -> View:
    nowhere = Buffer("", node.shape, node.varies, Extent.ONE, Role.WORK)
    return View(nowhere, node.shape, contiguous(node.shape))


def _window(node: Node, source: Node, view: View) -> View:
    if node.op == "gather":
        return View(view.buffer, node.shape, view.strides[1:], index=_whole(node.operands[1]))
    strides, offset = WINDOW_RULES[node.op](node, source, view)
    return View(view.buffer, node.shape, strides, offset, index=view.index)


def _copying(
    copied: set[int], new: Graph, node: Node, operands: tuple[Node, ...]
) -> Node | None:
    if node.id not in copied:
        return None
    copy = new.apply("stop_gradient", operands[0])
    return new.apply(node.op, copy, *operands[1:], **node.attrs)
