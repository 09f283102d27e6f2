"""Materialisation: which values lie in memory, and at which sites each value is computed.

    Site ::= (home, stage, space)            one kernel
           | (home, stage, "node", id)       the closure inside a reduction or a total

A value in memory is computed once, at its own site. An elementwise value that is not in memory
is computed again at every site that reads it; so kernels are known by what they store, and
their bodies follow.
"""

from __future__ import annotations

from collections import defaultdict
from math import prod
from typing import Any

from ..graph import Node
from ..ops import OPS, REDUCTIONS
from ..passes.pin import WINDOWS, base
from .placement import PLAIN, Placement
from .residuals import can_repeat, choose_saved

Site = tuple[Any, ...]
ACCUMULATED = ("product", *REDUCTIONS)
DIRECT = ("outer", "scatter")


class Materialised:
    """``memory``: ids of values in memory; ``sites``: where each value is needed."""

    def __init__(self, placement: Placement) -> None:
        self.placement, self.graph = placement, placement.graph
        self.memory = self._forced()
        self.saved = choose_saved(placement, self._free())
        self.sites: defaultdict[int, set[Site]] = defaultdict(set)
        self._spread_needs()

    # --- what must be in memory ----------------------------------------------------------

    def _forced(self) -> set[int]:
        forced = {node.id for node in self.graph.roots()}
        for node in self.placement.nodes:
            for place, x in enumerate(node.operands):
                if _reads_whole(node, place) or self._crosses_rate(x, node):
                    forced.add(base(x).id)
            if node.op == "total":
                forced.add(node.id)
                if node.operands[0].op in DIRECT:
                    forced |= {base(x).id for x in node.operands[0].operands}
                elif node.operands[0].op in ACCUMULATED:
                    forced.add(node.operands[0].id)
            if node.op == "concat":
                forced |= {node.id, *(x.id for x in node.operands if computed(x))}
        return {i for i in forced if self.graph.nodes[i].op not in (*PLAIN, "state", *DIRECT)}

    def _crosses_rate(self, x: Node, user: Node) -> bool:
        return x.varies < user.varies and x.op not in PLAIN

    def _free(self) -> set[int]:
        """Values that lie in memory for all time-steps whatever the backward run needs."""
        free = {node.id for node in self.graph.outputs.values()}
        late = [n for n in self.placement.nodes if self.placement.home[n.id].procedure == 1]
        read = {base(x).id for node in late for x in node.operands}
        for state in self.graph.states.values():
            if state.next is not None and (state.leaf.id in read or state.next.id in free):
                free |= {state.leaf.id, state.next.id}
        return free

    # --- where values are needed -----------------------------------------------------------

    def own_site(self, node: Node) -> Site:
        """The kernel that computes a node, where one does."""
        home, stage = self.placement.home[node.id], self.placement.stage[node.id]
        if node.op == "total":
            return (home, stage, "node", node.id)
        return (home, stage, node.shape)

    def _spread_needs(self) -> None:
        for node in self.graph.roots():
            self.sites[node.id].add(self.own_site(node))
        for node in reversed(self.placement.nodes):
            if self.sites[node.id]:
                self._visit(node)

    def _visit(self, node: Node) -> None:
        if OPS[node.op].kind == "leaf":
            return
        own = self.own_site(node)
        if self._must_store(node, own):
            self.memory.add(node.id)
        if node.op == "concat":
            self._visit_pieces(node)
        elif node.op in WINDOWS or node.op in DIRECT:
            self._need(node.operands, self.sites[node.id])
        elif node.id in self.memory:
            self._need(node.operands, {self._inner_site(node, own)})
        else:
            self._need(node.operands, {self._inner_site(node, s) for s in self.sites[node.id]})

    def _visit_pieces(self, node: Node) -> None:
        for x in node.operands:
            placed = self.placed(node, x)
            self.sites[x.id].add(self.own_site(x) if placed else self.copy_site(node, x))

    def placed(self, whole: Node, piece: Node) -> bool:
        """True for pieces that their own kernel stores into place; any other is copied there.

        A joined value in a loop may have memory for the current step alone, so that only the
        loop itself can store into it.
        """
        if not computed(piece) or piece.varies is not whole.varies:
            return False
        home, around = self.placement.home[piece.id], self.placement.home[whole.id]
        return around.kind != "loop" or home == around

    def copy_site(self, whole: Node, piece: Node) -> Site:
        """The kernel that copies a piece into its place in a joined value."""
        return (*self.own_site(whole)[:2], piece.shape)

    def _need(self, operands: tuple[Node, ...], sites: set[Site]) -> None:
        for x in operands:
            self.sites[x.id] |= sites

    def _inner_site(self, node: Node, site: Site) -> Site:
        if node.op in REDUCTIONS:
            return (*self.own_site(node)[:2], "node", node.id)
        return site

    def _inside_one_sum(self, node: Node, own: Site) -> bool:
        """True for work that only one reduction or total of the same phase needs: it is done
        there, element by element, and never lies in memory."""
        if len(self.sites[node.id]) != 1:
            return False
        (site,) = self.sites[node.id]
        return bool(site[0] == own[0] and site[2] == "node")

    def _must_store(self, node: Node, own: Site) -> bool:
        if node.id in self.memory or node.op in (*WINDOWS, *DIRECT):
            return False
        elsewhere = self.sites[node.id] - {own}
        if not elsewhere:
            return False
        if not OPS[node.op].elementwise:
            return True
        if self._inside_one_sum(node, own):
            return False
        if self.placement.home[node.id].procedure == 0 and can_repeat(node):
            behind = {s for s in elsewhere if s[0].procedure == 1}
            if behind and behind == elsewhere:
                return node.id in self.saved
            if node.id in self.saved:
                return True
        return not self._cheap_to_repeat(node)

    def _cheap_to_repeat(self, node: Node) -> bool:
        """Cheap work on leaves and saved values, or on windows of values smaller than itself (an
        outer product): every reader may as well do it for itself."""
        sources = [x for x in node.operands if x.op != "constant"]
        kept = {x.id for x in sources if x.op in PLAIN or x.id in self.saved}
        if OPS[node.op].cost > 2 or any(x.id not in kept and x.op not in WINDOWS for x in sources):
            return False
        plain = len(kept) == len({x.id for x in sources})
        return plain or sum(prod(base(x).shape) for x in sources) < prod(node.shape)


def computed(node: Node) -> bool:
    """True for values that some kernel computes, false for leaves and windows."""
    return OPS[node.op].kind != "leaf" and node.op not in WINDOWS


def _reads_whole(node: Node, place: int) -> bool:
    return node.op == "product" or node.op in WINDOWS or (node.op == "scatter" and place == 1)
