"""The op reference, written from the op table: ``python -m rnngraph.ops.documentation FILE``.

Shapes are shown by asking every row's own shape rule about shapes of letters, so that the page
cannot say anything else than what the rule does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import OPS
from .row import Op, show_shape

COMMAND = "python -m rnngraph.ops.documentation docs/ops.md"

HEAD = f"""\
# Ops

Written from the op table, `rnngraph/ops/`, by `{COMMAND}`.

A row of the table says everything about an op: its shape rule, its meaning in NumPy, its
derivative and, where it is elementwise, its meaning in vector instructions. Shapes are those of one
time-step of one row of the batch. *Spelling* is how printed graphs write an op; what a cell may
say is in [language.md](language.md) and comes down to these. *Gradient*: "yes" where it passes,
"zero" where it is zero almost everywhere, "-" for leaves and for what only lowering makes. *Cost*
estimates vector instructions per element.
"""
COLUMNS = ("op", "spelling", "shape", "meaning", "gradient", "cost")

GROUPS = {
    "leaf": "## Leaves\n\nWhat a step is given.",
    "elementwise": "## Elementwise ops\n\nEvery element of the result needs just the same element "
    "of each operand, so they fuse into\nthe kernel that makes their operands. A scalar operand "
    "goes with any shape.",
    "structural": "## Structural ops\n\nProducts, sums, and the same elements in another order.",
}


class Letter(str):
    """A size by name, with just the arithmetic that shape rules do."""

    def __add__(self, other: Any) -> Letter:
        return Letter(f"{self}+{other}")

    def __radd__(self, other: int) -> Letter:
        return self if other == 0 else Letter(f"{other}+{self}")

    def __sub__(self, other: Any) -> Letter:
        return Letter(f"{self}-{other}")

    def __mul__(self, other: Any) -> Letter:
        return Letter("*".join(sorted([*self.split("*"), *other.split("*")])))

    def __rmul__(self, other: Any) -> Letter:
        return self


K, M, N, START, STOP = map(Letter, ("K", "M", "N", "start", "stop"))

# operands and attributes on which a row's shape rule is shown
EXAMPLES: dict[str, tuple[Sequence[tuple[Letter, ...]], dict[str, Any]]] = {
    "eye": ((), {"n": N}),
    "iota": ((), {"n": N}),
    "spread": (((N,),), {"to": "step"}),
    "matmul": (((M, K), (K, N)), {}),
    "product": (((M, K), (K,), (M, N), (N,)), {"start": False}),
    "outer": (((M,), (N,)), {}),
    "transpose": (((M, N),), {}),
    "reshape": (((M, N),), {"shape": (N, M)}),
    "expand": (((N,),), {"shape": (M, N), "axes": (1,)}),
    "slice": (((N,),), {"axis": 0, "start": START, "stop": STOP}),
    "concat": (((M,), (N,)), {"axis": 0}),
    "sum": (((M, N),), {"axis": 0}),
    "max": (((M, N),), {"axis": 0}),
    "min": (((M, N),), {"axis": 0}),
    "gather": (((M, N), ()), {}),
    "scatter": (((N,), ()), {"size": M}),
    "total": (((N,),), {"to": "once"}),
}


def document() -> str:
    """The page."""
    return "\n".join([HEAD, *(_group(kind, head) for kind, head in GROUPS.items())])


def _group(kind: str, head: str) -> str:
    rows = [_cells(op) for op in OPS.values() if op.kind == kind]
    lines = [f"| {' | '.join(cells)} |" for cells in (COLUMNS, ["---"] * len(COLUMNS), *rows)]
    return f"{head}\n\n" + "\n".join(lines) + "\n"


def _cells(op: Op) -> list[str]:
    return [f"`{op.name}`", f"`{_spelling(op)}`", f"`{_shape(op)}`", op.doc, _gradient(op),
            str(op.cost)]  # fmt: skip


def _operands(op: Op) -> list[str]:
    if op.kind == "leaf":
        return []
    return {None: ["a", "b", "..."], 1: ["x"], 2: ["a", "b"], 3: ["p", "a", "b"]}[op.arity]


def _spelling(op: Op) -> str:
    operands = _operands(op)
    if op.symbol and len(operands) == 1:
        return f"{op.symbol}{' ' if op.symbol.isalpha() else ''}x"
    if op.symbol:
        return f"a {op.symbol} b"
    attrs = [f"{name}=" for name in EXAMPLES.get(op.name, ((), {}))[1]]
    return f"{op.name}({', '.join([*operands, *attrs])})" if operands or attrs else op.name


def _shape(op: Op) -> str:
    """``operands -> result``, or the result alone where there are none."""
    if op.kind == "leaf" and op.name not in EXAMPLES:
        return "as declared"
    same = [(N,)] * (op.arity or 0)
    shapes, attrs = EXAMPLES.get(op.name, (same, {}))
    result = show_shape(op.shape(*shapes, **attrs))
    return f"{', '.join(map(show_shape, shapes))} → {result}" if shapes else result


def _gradient(op: Op) -> str:
    if op.kind == "leaf" or (op.kind == "structural" and op.vjp is None):
        return "-"
    return "yes" if op.vjp is not None or any(op.derivative) else "zero"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
