"""Copies where a window could not be read through strides and one index.

    before:  reshape(transpose(x))        after:  reshape(copy of transpose(x))
             E[i][j]                              (copy of E[i])[j]
             W @ full(1, [H])                     W @ copy of full(1, [H])
             expand(full(1, [H]), ...)            full(1, ...)

A value in memory that is read lies row by row in a buffer of its own; so what strides a chain of
windows has is known from the graph alone, before storage is laid out.
"""

from __future__ import annotations

from ..graph import Graph, Node
from ..passes.pin import WINDOWS
from ..rewrite import rebuild
from .grammar import Buffer, Extent, Role, View, contiguous
from .storage import WINDOW_RULES, reshaped_strides

WHOLE = ("product", "outer", "scatter")  # they read operands from memory


def align(graph: Graph) -> Graph:
    """The graph with a copy under every window that needs one (the graph itself if none does)."""
    views: dict[int, View] = {}
    copied: set[int] = set()
    for node in graph.reachable():
        copied |= {node.id for x in node.operands if x.op == "constant" and node.op in WHOLE}
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
    if source.op == "constant":
        return True
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
    first, *rest = operands
    if node.op in WINDOWS and node.op != "gather" and first.op == "constant":
        return new.constant(first.attrs["value"], node.shape)
    if node.op in WINDOWS:
        return new.apply(node.op, new.apply("stop_gradient", first), *rest, **node.attrs)
    filled = [new.apply("stop_gradient", x) if x.op == "constant" else x for x in operands]
    return new.apply(node.op, *filled, **node.attrs)
