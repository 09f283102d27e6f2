"""A node's expression as mathematical text, shortened until it fits.

Elementwise product is ×, a matrix product is written side by side, sigmoid is σ; every other op
is called by its name, so a new row of the op table can be drawn without a change here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from ..graph import Node
from ..ops import OPS
from .typeset import Run, line_width, name_runs

DEPTH = 7  # of nesting; deeper expressions would not fit a box anyway
ELLIPSIS = [Run("…")]
# binding strength, as in the cell language; juxtaposition binds like a product
STRENGTH = {"or_": 1, "and_": 2, "lt": 4, "le": 4, "gt": 4, "ge": 4, "eq": 4, "ne": 4, "add": 5,
            "product": 5, "sub": 5, "total": 6, "mul": 6, "div": 6, "mod": 6, "matmul": 7,
            "outer": 7, "neg": 8, "pow": 9, "transpose": 9}  # fmt: skip
ATOM = 10
INFIX = {"add": " + ", "sub": " − ", "mul": " × ", "div": " / ", "mod": " mod ", "lt": " < ",
         "le": " ≤ ", "gt": " > ", "ge": " ≥ ", "eq": " = ", "ne": " ≠ ", "and_": " and ",
         "or_": " or "}  # fmt: skip
CALLED = {"sigmoid": "σ", "maximum": "max", "minimum": "min", "not_": "not ", "sqrt": "√"}
PLUMBING = ("spread", "expand")  # what the reader of an equation does not want to see


class Equations:
    """Writes nodes of one graph; ``names`` maps node ids to what they are called."""

    def __init__(self, names: Mapping[int, list[Run]]) -> None:
        self.names = names

    def fitted(self, node: Node, size: float, width: float) -> list[Run]:
        """The node's expression, with ellipses for what does not fit ``width`` points."""
        for depth in range(DEPTH, 0, -1):
            runs = self.expression(node, depth)
            if self.fits(runs, size, width):
                return runs
        runs = [Run(f"{CALLED.get(node.op, node.op)}(…)")]
        return runs if self.fits(runs, size, width) else ELLIPSIS

    @staticmethod
    def fits(runs: Sequence[Run], size: float, width: float) -> bool:
        """True when runs set in ``size`` are no wider than ``width``."""
        return line_width(runs, size) <= width

    def expression(self, node: Node, depth: int = DEPTH) -> list[Run]:
        """The node's own expression, even where it has a name."""
        return self._write(node, depth)[0]

    def operand(self, node: Node, depth: int, strength: int = 0) -> list[Run]:
        """A node inside an expression: its name, or its expression, in brackets if need be."""
        if node.id in self.names:
            return self.names[node.id]
        if node.op in PLUMBING:
            return self.operand(node.operands[0], depth, strength)
        if depth <= 0 and OPS[node.op].kind != "leaf":
            return ELLIPSIS
        runs, inner = self._write(node, depth)
        if ELLIPSIS[0] in runs and not any(run.style == "italic" for run in runs):
            return ELLIPSIS  # nothing but dots and signs
        return [Run("("), *runs, Run(")")] if inner < strength else runs

    def _write(self, node: Node, depth: int) -> tuple[list[Run], int]:
        if node.op == "constant" and node.attrs["value"] < 0:
            return leaf_runs(node), STRENGTH["neg"]
        if OPS[node.op].kind == "leaf":
            return leaf_runs(node), ATOM
        if node.op in PLUMBING:
            return self._plumbing(node, depth)
        special = SPECIAL.get(node.op)
        if special is not None:
            return special(self, node, depth - 1), STRENGTH.get(node.op, ATOM)
        if node.op in INFIX:
            return self._infix(node, depth - 1), STRENGTH[node.op]
        name = CALLED.get(node.op, node.op)
        return [Run(f"{name}("), *self._listed(node, depth - 1), Run(")")], ATOM

    def _plumbing(self, node: Node, depth: int) -> tuple[list[Run], int]:
        inside = node.operands[0]
        if inside.op == "iota":  # the place along an axis
            return [Run("ijkl"[node.attrs["axes"][0] % 4], "italic")], ATOM
        if inside.id in self.names:
            return self.names[inside.id], ATOM
        return self._write(inside, depth)

    def _infix(self, node: Node, depth: int) -> list[Run]:
        strength = STRENGTH[node.op]
        left, right = node.operands
        if node.op == "mul" and left is right:
            return [*self.operand(left, depth, ATOM), Run("2", "sup")]
        root = self._seen_through(right)
        if node.op == "mul" and root.op == "rsqrt" and root.id not in self.names:
            return self._over_root(left, root.operands[0], depth)
        tighter = strength if node.op in ("add", "mul") else strength + 1
        return [*self.operand(left, depth, strength), Run(INFIX[node.op]),
                *self.operand(right, depth, tighter)]  # fmt: skip

    def _seen_through(self, node: Node) -> Node:
        while node.op in PLUMBING and node.id not in self.names:
            node = node.operands[0]
        return node

    def _over_root(self, above: Node, below: Node, depth: int) -> list[Run]:
        root = [Run(" / √("), *self.operand(below, depth - 1), Run(")")]
        return [*self.operand(above, depth, STRENGTH["mul"]), *root]

    def _listed(self, node: Node, depth: int) -> list[Run]:
        runs: list[Run] = []
        for x in node.operands:
            runs += [Run(", ")] if runs else []
            runs += self.operand(x, depth)
        return runs

    def _concat(self, node: Node, depth: int) -> list[Run]:
        return [Run("["), *self._listed(node, depth), Run("]")]

    def _slice(self, node: Node, depth: int) -> list[Run]:
        inside = f"[{spelled(node.attrs['start'])}:{spelled(node.attrs['stop'])}]"
        place = ", " * node.attrs["axis"]
        return [*self.operand(node.operands[0], depth, ATOM), Run(inside.replace("[", "[" + place))]

    def _matmul(self, node: Node, depth: int) -> list[Run]:
        left, right = (self.operand(x, depth, 7 + i) for i, x in enumerate(node.operands))
        return [*left, Run(" "), *right]

    def _product(self, node: Node, depth: int) -> list[Run]:
        operands, runs = list(node.operands), []
        if node.attrs["start"]:
            runs += self.operand(operands.pop(0), depth, STRENGTH["add"])
        for left, right in zip(operands[::2], operands[1::2], strict=True):
            runs += [Run(" + ")] if runs else []
            runs += [*self.operand(left, depth, 7), Run(" "), *self.operand(right, depth, 8)]
        return runs

    def _outer(self, node: Node, depth: int) -> list[Run]:
        left, right = (self.operand(x, depth, ATOM) for x in node.operands)
        return [*left, Run(" "), *right, Run("T", "sup")]

    def _transpose(self, node: Node, depth: int) -> list[Run]:
        return [*self.operand(node.operands[0], depth, ATOM), Run("T", "sup")]

    def _neg(self, node: Node, depth: int) -> list[Run]:
        return [Run("−"), *self.operand(node.operands[0], depth, 8)]

    def _abs(self, node: Node, depth: int) -> list[Run]:
        return [Run("|"), *self.operand(node.operands[0], depth), Run("|")]

    def _pow(self, node: Node, depth: int) -> list[Run]:
        base, power = node.operands
        above = "".join(run.text for run in self.operand(power, depth))
        return [*self.operand(base, depth, ATOM), Run(above, "sup")]

    def _rsqrt(self, node: Node, depth: int) -> list[Run]:
        return [Run("1 / √("), *self.operand(node.operands[0], depth), Run(")")]

    def _gather(self, node: Node, depth: int) -> list[Run]:
        table, index = node.operands
        return [*self.operand(table, depth, ATOM), Run("["), *self.operand(index, depth), Run("]")]

    def _sum(self, node: Node, depth: int) -> list[Run]:
        inside = self._seen_through(node.operands[0])
        if inside.op == "constant" and inside.attrs["value"] == 1.0:
            return [Run(spelled(node.operands[0].shape[node.attrs["axis"]]))]  # how many there are
        return [Run("sum("), *self.operand(node.operands[0], depth), Run(")")]

    def _total(self, node: Node, depth: int) -> list[Run]:
        return [Run("Σ"), Run("t", "isub"), Run(" "), *self.operand(node.operands[0], depth, 6)]


SPECIAL: Mapping[str, Callable[[Equations, Node, int], list[Run]]] = {
    "concat": Equations._concat, "slice": Equations._slice, "matmul": Equations._matmul,
    "product": Equations._product,
    "outer": Equations._outer, "transpose": Equations._transpose, "neg": Equations._neg,
    "abs": Equations._abs, "pow": Equations._pow, "rsqrt": Equations._rsqrt,
    "gather": Equations._gather, "total": Equations._total, "sum": Equations._sum,
}  # fmt: skip


def leaf_runs(node: Node) -> list[Run]:
    """A leaf: its name, its number, or the matrix that it is."""
    if node.op == "constant":
        return number_runs(node.attrs["value"])
    if node.op == "eye":
        return [Run("I", "italic")]
    return name_runs(node.attrs["name"]) if "name" in node.attrs else [Run(node.op)]


def spelled(size: object) -> str:
    """A size as mathematics has it: 4H, not 4*H."""
    return str(size).replace("*", "")


def number_runs(value: float) -> list[Run]:
    """A number with a true minus sign and a power of ten."""
    digits, _, power = f"{value:g}".replace("-", "−").partition("e")
    if not power:
        return [Run(digits)]
    head = "10" if digits == "1" else f"{digits}·10"
    return [Run(head), Run(re.sub(r"^(−?)\+?0*", r"\1", power), "sup")]


HOLE = Run("·")  # an operand without a name
BARE = (Run(" − "), Run(" / "))  # what would read as a sign, or as nothing, without its dot


def compact(runs: Sequence[Run]) -> list[Run]:
    """An expression with its only dot left out where that says no less: ``σ(·)`` is σ."""
    text = list(runs)
    if text.count(HOLE) != 1 or len(text) == 1:
        return text
    first, last = text[0], text[-1]
    if len(text) == 3 and text[1] == HOLE and first.text.endswith("(") and last.text == ")":
        return [Run(first.text[:-1], first.style)]
    if text[-2:] == [Run(" "), HOLE]:
        return text[:-2]
    if first == HOLE and text[1] not in BARE:
        return [Run(text[1].text.lstrip(), text[1].style), *text[2:]]
    return text
