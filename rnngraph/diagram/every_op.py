"""The picture of all ops: what a cell computes, op by op, as compact as that can be.

Weights and numbers are written inside the op that uses them, chains of ops with one operand are
one box, sums and products are circles with as many operands as they have. The rest is one box
an op.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..graph import Graph, Node, Varies
from ..ops import OPS
from .equation import DEPTH, HOLE, PLUMBING, Equations, compact
from .gates import add_delays, arrow, begin, start_box
from .picture import Arrow, Picture
from .roles import Roles
from .theme import Theme, kind_of
from .typeset import Run

GLYPHS = {"add": "+", "sub": "−", "mul": "×", "div": "÷"}
ASSOCIATIVE = ("add", "mul")
SIGNED = {"sub": "−", "div": "÷"}  # what is written at the second operand
VALUES = ("input", "context", "noise", "state")


def ops_picture(graph: Graph, groups: Mapping[int, str], theme: Theme) -> Picture:
    """Boxes for inputs, states and ops."""
    return Chains(Roles(graph), groups, theme).picture()


class Chains:
    """Which nodes are drawn, and which are written inside another one's box."""

    def __init__(self, roles: Roles, groups: Mapping[int, str], theme: Theme) -> None:
        self.roles, self.groups, self.theme = roles, groups, theme
        self.boxed = {n.id: n for n in roles.nodes if self._is_drawn(n)}
        self.users = self._count_users()
        self.inside: dict[int, int] = {}  # node id -> id of the only user that swallows it
        for node in reversed(roles.nodes):
            if node.id in self.boxed:
                self._swallow_operands(node)

    # --- which boxes -------------------------------------------------------------------

    def _is_drawn(self, node: Node) -> bool:
        if self._fixed(node) or node.op in VALUES:
            return True
        return node.op not in PLUMBING and not self._is_text(node)

    def _fixed(self, node: Node) -> bool:
        """Boxes of their own whatever they compute."""
        roles = self.roles
        named = node.id in roles.names and node.op != "param"
        return named or node.id in roles.nexts or node.id in roles.outputs

    @staticmethod
    def _is_text(node: Node) -> bool:
        """Weights, numbers and transposed weights are written, not drawn."""
        if node.varies is not Varies.ONCE:
            return False
        if not node.operands:
            return True
        one_leaf = len(node.operands) == 1 and not node.operands[0].operands
        return one_leaf and (OPS[node.op].cost == 0 or node.operands[0].op == "constant")

    def operands(self, node: Node) -> list[Node]:
        """The drawn values that a node uses, plumbing looked through, repetitions kept."""
        found = []
        for x in node.operands:
            while x.id not in self.boxed and x.op in PLUMBING:
                x = x.operands[0]
            if x.id in self.boxed:
                found.append(x)
        return found

    def _count_users(self) -> dict[int, int]:
        count = dict.fromkeys(self.boxed, 0)
        for node in self.boxed.values():
            for x in self.operands(node):
                count[x.id] += 1
        return count

    def _swallow_operands(self, user: Node) -> None:
        for x in self.operands(user):
            alone = self.users[x.id] == 1 and not self._fixed(x) and x.op not in VALUES
            alone = alone and self.groups.get(x.id) == self.groups.get(user.id)
            if alone and (self._same_sign(x, user) or self._same_chain(x, user)):
                self.inside[x.id] = user.id

    def _same_sign(self, x: Node, user: Node) -> bool:
        both = self._is_glyph(x) and self._is_glyph(user)
        return both and x.op == user.op and x.op in ASSOCIATIVE

    def _same_chain(self, x: Node, user: Node) -> bool:
        if len(self.operands(user)) != 1 or self._is_glyph(x):
            return False
        once = self.operands(user)[0] is x and len(self.operands(x)) > 0
        return once and _class(x) == _class(user)

    def _is_glyph(self, node: Node) -> bool:
        return node.op in GLYPHS and len({x.id for x in self.operands(node)}) == 2

    # --- the picture -------------------------------------------------------------------

    def picture(self) -> Picture:
        """Boxes and arrows of all that is drawn."""
        picture = begin(self.roles)
        roots = [n for n in self.boxed.values() if n.id not in self.inside]
        names = {i: [HOLE] for i in self.boxed if i not in self.inside} | self.roles.names
        equations = Equations(names)
        for node in roots:
            box = start_box(self.roles, node, self.groups)
            box.kind = self._kind(node)
            box.glyph = GLYPHS[node.op] if self._is_glyph(node) and not box.name else ""
            box.equation = self._text(node, equations)
            picture.boxes[box.key] = box
        for node in roots:
            picture.arrows += self._arrows_into(node)
        add_delays(self.roles, picture)
        return picture

    def _kind(self, node: Node) -> str:
        kind = self.roles.kind(node)
        if self._fixed(node) or not node.operands or kind == "cotangent":
            return kind
        if self._is_glyph(node) or _class(node) == "activation":
            return kind_of(node.op)
        return "weight" if self._has_weight(node) else "value"

    def _has_weight(self, node: Node) -> bool:
        members = [node, *(x for x in self.operands(node) if x.id in self.inside)]
        used = [x for member in members for x in member.operands]
        return any(x.varies is Varies.ONCE and x.op != "constant" for x in used)

    def _text(self, node: Node, equations: Equations) -> list[Run]:
        if not node.operands:
            return []
        if self._is_glyph(node):
            return [Run(GLYPHS[node.op])]
        size, width = self.theme.equation_size, self.theme.equation_width
        for depth in range(DEPTH, 0, -1):
            runs = compact(equations.expression(node, depth))
            if equations.fits(runs, size, width):
                return runs
        return equations.fitted(node, size, width)

    def _arrows_into(self, root: Node) -> list[Arrow]:
        arrows: dict[Arrow, None] = {}
        stack = [root]
        while stack:
            node = stack.pop()
            for place, x in enumerate(self.operands(node)):
                if x.id in self.inside and self.inside[x.id] == node.id:
                    stack.append(x)
                    continue
                plain = arrow(self.roles, x, root)
                signed = place == 1 and self._is_glyph(node)
                note = SIGNED.get(node.op, "") if signed else ""
                arrows[Arrow(plain.tail, plain.head, plain.kind, note)] = None
        return list(arrows)


def _class(node: Node) -> str:
    """Chains are of one class, so that an activation keeps a box and a colour of its own."""
    if kind_of(node.op) in ("sigmoid", "tanh", "activation"):
        return "activation"
    row = OPS[node.op]
    return "move" if row.kind == "structural" and row.cost == 0 else "linear"
