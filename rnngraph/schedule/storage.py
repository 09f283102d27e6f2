"""Storage: buffers, how many time-steps each holds, and the windows through which they are seen."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from ..graph import Node, State, Varies
from ..passes.pin import WINDOWS
from .grammar import Buffer, Extent, Role, StatePlan, View, contiguous
from .materialise import Materialised, computed


class Storage:
    """``stores[node id]``: where its kernel puts a value; ``read(node)``: where readers find it."""

    def __init__(self, values: Materialised) -> None:
        self.values, self.graph, self.placement = values, values.graph, values.placement
        self.buffers: dict[str, Buffer] = {}
        self.states: dict[str, StatePlan] = {}
        self.stores: defaultdict[int, list[View]] = defaultdict(list)
        self.copies: list[tuple[Node, Node, View]] = []
        self.main: dict[int, View] = {}
        self.names = {node.id: name for name, node in self.graph.outputs.items()}
        self._lay_out_states()
        for node in reversed(self.placement.nodes):
            if node.id in values.memory and values.sites[node.id]:
                self._lay_out(node)

    def _buffer(self, buffer: Buffer) -> Buffer:
        return self.buffers.setdefault(buffer.name, buffer)

    def declare(self, buffer: Buffer) -> Buffer:
        """Enter a buffer of the scheduler's own, numbered where its name is taken."""
        name, number = buffer.name, 2
        while name in self.buffers:
            name, number = f"{buffer.name} {number}", number + 1
        return self._buffer(replace(buffer, name=name))

    # --- states ------------------------------------------------------------------------

    def _lay_out_states(self) -> None:
        live = {node.id for node in self.placement.nodes}
        for state in self.graph.states.values():
            following = state.next
            if following is None or following.id not in live:
                continue
            extent = Extent.SEQUENCE if self._needs_sequence(state, following) else Extent.RING
            name = f"state {state.name}"
            buffer = self._buffer(
                Buffer(name, state.leaf.shape, Varies.STEP, extent, Role.STATE)
            )
            self.states[state.name] = StatePlan(buffer, state.delay)
            shift = 1 if state.delay > 0 else 0
            view = View(buffer, buffer.shape, contiguous(buffer.shape), shift=shift)
            self.stores[following.id].append(view)
            self.main.setdefault(following.id, view)
            before = View(buffer, buffer.shape, contiguous(buffer.shape), shift=1 - shift)
            self.main[state.leaf.id] = before

    def _needs_sequence(self, state: State, following: Node) -> bool:
        home = self.placement.home.get(state.leaf.id)
        if home is None or home.kind != "loop" or home != self.placement.home[following.id]:
            return True
        sites = self.values.sites[state.leaf.id] | self.values.sites[following.id]
        kept = following.id in self.names
        return kept or any(site[0] != home for site in sites)

    # --- other values --------------------------------------------------------------------

    def _lay_out(self, node: Node) -> None:
        if node.id not in self.main and self._needs_own(node):
            buffer = self._buffer(self._own_buffer(node))
            view = View(buffer, node.shape, contiguous(node.shape))
            self.stores[node.id].append(view)
            self.main[node.id] = view
        if node.op == "concat":
            self._place_pieces(node)

    def _needs_own(self, node: Node) -> bool:
        """True unless the value is only ever a piece of joined values, and lies there."""
        if node.id in self.names:
            return True
        read = self.values.sites[node.id] - {self.values.own_site(node)}
        shared = node.op in ("total", "concat") and len(self.stores[node.id]) > 1
        return bool(read) or not self.stores[node.id] or shared

    def _own_buffer(self, node: Node) -> Buffer:
        result = node.id in self.names
        role = Role.RESULT if result else Role.WORK
        name = self.names.get(node.id, f"%{node.id}")
        if name in self.graph.leaves:
            name = f"output {name}"
        return Buffer(name, node.shape, node.varies, self._extent(node), role, _kept_as(node))

    def _extent(self, node: Node) -> Extent:
        if node.varies is not Varies.STEP:
            return Extent.ONE
        home = self.placement.home[node.id]
        kept = node.id in self.names
        elsewhere = any(site[0] != home for site in self.values.sites[node.id])
        return Extent.STEPS if kept or elsewhere or home.kind != "loop" else Extent.ONE

    def _place_pieces(self, whole: Node) -> None:
        axis, begin = whole.attrs["axis"], 0
        for piece in whole.operands:
            for view in self.stores[whole.id]:
                window = View(
                    view.buffer, piece.shape, view.strides,
                    view.offset + begin * view.strides[axis], view.shift,
                )  # fmt: skip
                if self.values.placed(whole, piece):
                    self.stores[piece.id].append(window)
                else:
                    self.copies.append((whole, piece, window))
            begin += piece.shape[axis]

    # --- reading -------------------------------------------------------------------------

    def read(self, node: Node) -> View:
        """The window through which a kernel reads a leaf, a value in memory, or a window on one."""
        if node.op in WINDOWS:
            return self._window(node)
        if node.id not in self.main:
            self.main[node.id] = self._leaf(node) if not computed(node) else self.stores[node.id][0]
        return self.main[node.id]

    def _leaf(self, node: Node) -> View:
        role = Role.IOTA if node.op == "iota" else Role.GIVEN
        name = node.attrs.get("name", f"iota {node.shape}")
        extent = Extent.STEPS if node.varies is Varies.STEP else Extent.ONE
        buffer = self._buffer(Buffer(name, node.shape, node.varies, extent, role, node.dtype))
        return View(buffer, node.shape, contiguous(node.shape))

    def _window(self, node: Node) -> View:
        source = node.operands[0]
        view = self.read(source)
        if node.op == "gather":
            index = self.read(node.operands[1])
            return View(view.buffer, node.shape, view.strides[1:], view.offset, view.shift,
                        index, view.strides[0])  # fmt: skip
        strides, offset = WINDOW_RULES[node.op](node, source, view)
        return View(view.buffer, node.shape, strides, offset, view.shift, view.index,
                    view.index_stride)  # fmt: skip


def _kept_as(node: Node) -> str:
    """Truth values are kept as reals, 0 or 1."""
    return "real" if node.dtype == "bool" else node.dtype


def _slice_rule(node: Node, source: Node, view: View) -> tuple[tuple[int, ...], int]:
    axis, start = node.attrs["axis"], node.attrs["start"]
    return view.strides, view.offset + start * view.strides[axis]


def _transpose_rule(node: Node, source: Node, view: View) -> tuple[tuple[int, ...], int]:
    *lead, down, along = view.strides
    return (*lead, along, down), view.offset


def _expand_rule(node: Node, source: Node, view: View) -> tuple[tuple[int, ...], int]:
    strides = [0] * len(node.shape)
    for axis, stride in zip(node.attrs["axes"], view.strides, strict=True):
        strides[axis] = stride
    return tuple(strides), view.offset


def _reshape_rule(node: Node, source: Node, view: View) -> tuple[tuple[int, ...], int]:
    """Row-major windows reshape as they are; others split or join only axes that lie in line."""
    strides = reshaped_strides(source.shape, view.strides, node.shape)
    if strides is None:
        raise NotImplementedError(
            f"reshape of {source!r} to {node.shape} would need a copy that is not made yet"
        )
    return strides, view.offset


def reshaped_strides(
    old: tuple[int, ...], strides: tuple[int, ...], new: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Strides of the same elements in another shape, or None where no strides can say it.

    From the last axis on, old axes that lie in line are joined and new ones split off, until both
    cover the same number of elements.
    """
    dims = [(d, s) for d, s in zip(old, strides, strict=True) if d != 1]
    out: list[int] = [0] * len(new)
    axes = [i for i, d in enumerate(new) if d != 1]
    while dims:
        size, stride = dims.pop()
        need = 1
        while need != size:
            if need < size:
                axis = axes.pop()
                out[axis] = stride * need
                need *= new[axis]
                continue
            more, outer_stride = dims.pop()
            if outer_stride != stride * size:
                return None
            size *= more
    return tuple(out)


WINDOW_RULES = {
    "slice": _slice_rule,
    "transpose": _transpose_rule,
    "expand": _expand_rule,
    "reshape": _reshape_rule,
}
