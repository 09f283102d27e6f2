"""Shapes that the text leaves out, found from how the parameters are used.

    Guess  ::= shape, dtype         shape is a tuple of sizes, or still open (None)

The same evaluator that builds the graph runs once before it on guesses.  An open size is a symbol
`?1`, so that equations between sizes are solved by the arithmetic of sizes; an open shape is
settled by its first use.  Mistakes found on the way are dropped here: building the graph finds
them again, with all shapes known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ops import OPS, ShapeError
from ..sizes import Dim, Size, SizeError
from ..syntax.tree import Expr, Index, Name, Slice
from .evaluate import Evaluator
from .faults import Fault, Unknown
from .scope import Scope

Shape = tuple[Dim, ...]


class Guess:
    """A value of which the shape may still be open; open shapes known to be equal are linked."""

    def __init__(self, guesses: Guesses, shape: Shape | None, dtype: str = "real") -> None:
        self.guesses = guesses
        self.dtype = dtype
        self._shape = shape
        self._same: Guess | None = None

    def root(self) -> Guess:
        """The guess that speaks for all that are linked to this one."""
        guess = self
        while guess._same is not None:
            guess = guess._same
        return guess

    @property
    def shape(self) -> Shape | None:
        """What is known of the shape by now."""
        root = self.root()
        if root._shape is None:
            return None
        return tuple(self.guesses.resolve(dim) for dim in root._shape)

    def settle(self, shape: Shape) -> None:
        """Close an open shape."""
        self.root()._shape = shape

    def link(self, other: Guess) -> None:
        """Make two open shapes one."""
        if self.root() is not other.root():
            self.root()._same = other.root()


class Guesses:
    """Builds guesses where a Graph builds nodes, and solves for what is open."""

    def __init__(self) -> None:
        self.solved: dict[str, Dim] = {}
        self.opened = 0

    def open_size(self) -> Size:
        """A size that is not known yet."""
        self.opened += 1
        return Size.symbol(f"?{self.opened}")

    def resolve(self, dim: Dim) -> Dim:
        """A size with everything put in that is solved."""
        while isinstance(dim, Size):
            known = {s: self.solved[s] for s in dim.symbols() if s in self.solved}
            if not known:
                return dim
            dim = dim.bind(known)
        return dim

    def unify(self, left: Dim, right: Dim) -> None:
        """Make two sizes equal, by solving for an open size in them; else ShapeError."""
        difference = self.resolve(left) - self.resolve(right)
        if difference == 0:
            return
        if isinstance(difference, Size):
            for name in sorted(s for s in difference.symbols() if s.startswith("?")):
                value = difference.solve(name)
                if value is not None:
                    self.solved[name] = value
                    return
        raise ShapeError("sizes do not match")

    def agree(self, left: Guess, right: Guess) -> None:
        """Make two shapes equal."""
        a, b = left.shape, right.shape
        if a is None and b is None:
            left.link(right)
        elif a is None or b is None:
            left.settle(b) if b is not None else right.settle(a or ())
        elif len(a) != len(b):
            raise ShapeError("shapes do not match")
        else:
            for x, y in zip(a, b, strict=True):
                self.unify(x, y)

    # --- what a Graph can do -----------------------------------------------------------

    def constant(self, value: float, shape: Shape = ()) -> Guess:
        """A number."""
        return Guess(self, tuple(shape))

    full = constant

    def eye(self, n: Dim) -> Guess:
        """The identity matrix."""
        return Guess(self, (n, n))

    def apply(self, op: str, *operands: Guess, **attrs: Any) -> Guess:
        """What is known of ``op(*operands)``."""
        row = OPS[op]
        dtype = row.dtype([x.dtype for x in operands]) if row.dtype else "real"
        if row.elementwise:
            return self._elementwise(operands, dtype)
        if any(x.shape is None for x in operands):
            raise Unknown("an open shape")
        rule = getattr(self, f"_{op}", None)
        try:
            if rule is not None:
                rule(*operands, **attrs)
        except ShapeError:
            raise ShapeError(f"sizes do not match in '{row.symbol or op}'") from None
        return Guess(self, row.shape(*(x.shape for x in operands), **attrs), dtype)

    def _elementwise(self, operands: Sequence[Guess], dtype: str) -> Guess:
        shapes = [x.shape for x in operands]
        known = [s for s in shapes if s is not None]
        if not known:
            for x in operands[1:]:
                operands[0].link(x)
            made = Guess(self, None, dtype)
            made.link(operands[0])
            return made
        full = max(known, key=len)
        vectors = [x for x, s in zip(operands, shapes, strict=True) if s is None]
        for x in vectors:
            x.settle(full)
        for shape in known:
            for a, b in zip(reversed(shape), reversed(full), strict=False):
                self.unify(a, b)
        return Guess(self, tuple(self.resolve(d) for d in full), dtype)

    def _matmul(self, a: Guess, b: Guess) -> None:
        if len(a.shape or ()) == 2 and len(b.shape or ()) in (1, 2):
            self.unify(a.shape[1], b.shape[0])  # type: ignore[index]

    def _concat(self, *parts: Guess, axis: int) -> None:
        first = parts[0].shape or ()
        for part in parts[1:]:
            for place, (a, b) in enumerate(zip(first, part.shape or (), strict=False)):
                if place != axis:
                    self.unify(a, b)

    def _expand(self, a: Guess, shape: Shape, axes: Sequence[int]) -> None:
        for axis, dim in zip(axes, a.shape or (), strict=False):
            self.unify(dim, shape[axis])

    def _reshape(self, a: Guess, shape: Shape) -> None:
        left: Dim = 1
        right: Dim = 1
        for dim in a.shape or ():
            left = left * dim
        for dim in shape:
            right = right * dim
        self.unify(left, right)


class Inference(Evaluator):
    """The evaluator on guesses: where a rank matters and is open, the usual one is taken."""

    build: Guesses
    strict = False

    def __init__(self, scope: Scope, build: Guesses) -> None:
        super().__init__(scope, build)
        self.awaited: dict[str, Guess] = {}
        self.stopped: list[Fault] = []

    def assume(self, node: Any, rank: int) -> Any:
        if node.shape is None:
            node.settle(tuple(self.build.open_size() for _ in range(rank)))
        return node

    def broadcast(self, op: str, parts: Sequence[Expr], nodes: list[Any]) -> list[Any]:
        return nodes

    def equate(self, left: Dim, right: Dim) -> None:
        self.build.unify(left, right)

    def guess_product(self, left: Any, right: Any) -> tuple[Any, Any]:
        """``W @ v``: what is open is a matrix on the left and a vector on the right."""
        if left.shape is None and right.shape is not None:
            left.settle((self.build.open_size(), right.shape[0]))
        left = self.assume(left, 2)
        if right.shape is None and len(left.shape) == 1:
            right.settle((left.shape[0], self.build.open_size()))
        right = self.assume(right, 1)
        if len(left.shape) == 1:
            self.build.unify(left.shape[0], right.shape[0])
        return left, right

    def index_base(self, e: Index) -> Any:
        """``E[token]``: an open shape that an integer input indexes is a matrix."""
        base = super().index_base(e)
        first = e.indices[0]
        if base.shape is None and isinstance(first, Name):
            value = self.evaluate(first)
            if isinstance(value, Guess) and value.dtype == "int":
                return self.assume(base, 2)
        if base.shape is None and all(isinstance(i, Slice) for i in e.indices):
            return self.assume(base, len(e.indices))
        return base

    def joined(self, parts: Sequence[Expr], axis: int) -> Any:
        try:
            return super().joined(parts, axis)
        except SizeError as error:
            raise ShapeError(str(error)) from None

    def delayed(self, name: str, steps: int, value: Any, part: Name) -> Any:
        """The value of earlier steps has the shape of the value."""
        if value is None:
            value = self.values.get(name) or self.awaited.setdefault(name, Guess(self.build, None))
        return value

    def define(self, name: str, value: Any) -> None:
        """A name's value; what ``prev`` gave before it was known has its shape."""
        self.values[name] = value
        awaited = self.awaited.get(name)
        if awaited is not None:
            self.build.agree(value if isinstance(value, Guess) else Guess(self.build, ()), awaited)

    def found(self) -> dict[str, Shape]:
        """The shapes that are known by now, by name."""
        shapes = {k: v.shape if isinstance(v, Guess) else () for k, v in self.values.items()}
        return {k: s for k, s in shapes.items() if s is not None and not any(map(is_open, s))}


def is_open(dim: Dim) -> bool:
    """Whether a size is still not known."""
    return isinstance(dim, Size) and any(s.startswith("?") for s in dim.symbols())
