"""Expressions to values: the checker walks the tree and builds the graph as it goes.

    Value ::= Static                  a number known before anything runs
            | Node                    a value of the graph (of Guesses while shapes are inferred)
            | (Value, ...)            what split gives

The rules of shapes live in the rows of the op table; here their refusals become carets.  A
prelude function that fails blames the call, since its own text is none of the reader's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..ops import OPS, ShapeError
from ..sizes import Dim, Size, SizeError
from ..source import Note, Span
from ..syntax.tree import (
    Binary,
    Call,
    Expr,
    Index,
    Join,
    Name,
    Number,
    Slice,
    Transpose,
    Unary,
)
from . import functions, heads
from .faults import Exhausted, Fault, Unknown, did_you_mean, what_is
from .indexing import index
from .scope import Scope
from .statics import ROW_OF, bounded, fold_binary, fold_function, is_static

MAX_STEPS = 200_000
MAX_DEPTH = 120

Value = Any
NOT_FUNCTIONS = frozenset({"spread"})  # rows that only passes make
ELEMENTWISE = frozenset(
    op.name for op in OPS.values() if op.elementwise and not op.symbol
) - NOT_FUNCTIONS  # fmt: skip
_ARTICLE = {"real": "a real value", "int": "an integer", "bool": "a truth value"}


class Evaluator:
    """Evaluates the expressions of one cell into ``build``, a Graph or a set of Guesses.

    ``strict``: sizes that differ are a mistake (while shapes are inferred they may be open).
    """

    strict = True
    prefix = ""  # before the names of a cell inside another one

    def __init__(self, scope: Scope, build: Any) -> None:
        self.scope = scope
        self.build = build
        self.values: dict[str, Value] = {}
        self.locals: dict[str, Value] = {}
        self.origins: dict[str, Name] = {}  # parameters that stand for a name of the cell
        self.calls: list[str] = []
        self.called: set[str] = set()  # cells that are used
        self.steps = 0
        self.depth = 0

    # --- expressions -------------------------------------------------------------------

    def evaluate(self, e: Expr) -> Value:
        """The value of an expression; raises Fault or Unknown."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Exhausted(f"the cell needs more than {MAX_STEPS} steps to write out", e.span)
        if self.depth > MAX_DEPTH:
            raise Fault(f"calls and brackets are nested more than {MAX_DEPTH} deep", e.span)
        self.depth += 1
        try:
            return _HANDLERS[type(e)](self, e)
        finally:
            self.depth -= 1

    def number(self, e: Number) -> Value:
        return e.value

    def reference(self, e: Name) -> Value:
        if not e.primed and e.id in self.locals:
            return self.locals[e.id]
        key = str(e)
        if key in self.values:
            return self.values[key]
        if key in self.scope.consts:
            return self.scope.consts[key]
        if key in self.scope.sizes:
            return self.scope.sizes[key]
        raise Unknown(key)

    def unary(self, e: Unary) -> Value:
        value = self.evaluate(e.operand)
        if e.op == "-" and is_static(value):
            return fold_binary("-", 0, value, e.span) if value != 0 else 0
        return self.elementwise("neg" if e.op == "-" else "not_", [e.operand], [value], e.span)

    def binary(self, e: Binary) -> Value:
        if e.op == "@":
            return self.product(e)
        left, right = self.evaluate(e.left), self.evaluate(e.right)
        if is_static(left) and is_static(right):
            known = fold_binary(e.op, left, right, e.span)
            if known is not None:
                return known
        if e.op == "//":
            note = "write / to divide real values, floor(a / b) to round down"
            raise Fault("'//' divides sizes and whole numbers only", e.op_span, notes=[note])
        return self.elementwise(ROW_OF[e.op], [e.left, e.right], [left, right], e.span)

    def transpose(self, e: Transpose) -> Value:
        return self.apply("transpose", [e.value], [self.ranked(e.value, 2)])

    def join(self, e: Join) -> Value:
        if not e.parts:
            raise Fault("there is nothing to join between '[' and ']'", e.span)
        return self.joined(e.parts, 0)

    def joined(self, parts: Sequence[Expr], axis: int) -> Value:
        """The parts one after the other along an axis; a scalar counts as a vector of one."""
        values = [self.ranked(part, 1) for part in parts]
        for place, value in enumerate(values):
            if value.shape == ():
                values[place] = self.build.apply("reshape", value, shape=(1,))
        return self.apply("concat", parts, values, axis=axis)

    def slice(self, e: Slice) -> Value:
        raise Fault("a range is only an index, as in z[0:H]", e.span)

    # --- nodes -------------------------------------------------------------------------

    def node(self, value: Value, e: Expr) -> Any:
        """A value as a node of the graph."""
        if isinstance(value, tuple):
            note = "give each part a name: a, b = split(...)"
            raise Fault("this gives several values", e.span, notes=[note])
        if isinstance(value, Size):
            ones = self.build.full(1.0, (value,))  # a size as a number: the sum of so many ones
            return self.build.apply("sum", ones, axis=0)
        return self.build.constant(float(value)) if is_static(value) else value

    def typed(self, value: Value, e: Expr, dtype: str = "real") -> Any:
        """A value as a node of the given dtype."""
        node = self.node(value, e)
        if node.dtype == dtype:
            return node
        hints = {
            ("bool", "real"): "write where(p, 1, 0) to make a number of a truth value",
            ("int", "real"): "an integer is only an index, as in E[token]",
            ("real", "bool"): "compare the value, as in v > 0",
        }
        hint = hints.get((node.dtype, dtype))
        text = f"expected {_ARTICLE[dtype]}, this is {_ARTICLE[node.dtype]}"
        raise Fault(text, e.span, notes=[hint] if hint else [])

    def ranked(self, e: Expr, rank: int) -> Any:
        """The real node of an expression; if its shape is still open, it gets ``rank`` axes."""
        return self.assume(self.typed(self.evaluate(e), e), rank)

    def origin(self, e: Expr) -> Name | None:
        """The name of the cell that an expression is, also through functions' parameters."""
        if not isinstance(e, Name) or e.primed:
            return None
        return self.origins.get(e.id) if e.id in self.locals else e

    def delayed(self, name: str, steps: int, value: Any, part: Name) -> Any:
        """What ``name``, now ``value`` (None: a gate that may come later), was some steps
        earlier; known where states can be made."""
        raise Unknown(name)

    def assume(self, node: Any, rank: int) -> Any:
        """Only the inference of shapes has something to assume."""
        return node

    def elementwise(
        self, op: str, parts: Sequence[Expr], values: Sequence[Value], span: Span
    ) -> Value:
        """An elementwise op, with operands repeated along leading axes where that is clear."""
        if all(is_static(v) for v in values):
            known = fold_function(op, list(values), span)
            if known is not None:
                return known
        logical = op in ("and_", "or_", "not_")
        wanted = ["bool" if logical or (op == "where" and i == 0) else "real" for i in range(3)]
        nodes = [self.typed(v, e, d) for v, e, d in zip(values, parts, wanted, strict=False)]
        return self.apply(op, parts, self.broadcast(op, parts, nodes))

    def broadcast(self, op: str, parts: Sequence[Expr], nodes: list[Any]) -> list[Any]:
        """A vector goes with a matrix along the last axis: [H] with [K, H]."""
        full = max((node.shape for node in nodes), key=len)
        rank = len(full)
        plain = [node for node in nodes if not _repeats_scalar(node)]
        if any(node.shape == full for node in plain):  # a scalar needs no repeating beside it
            nodes = [node.operands[0] if _repeats_scalar(node) else node for node in nodes]
        for place, node in enumerate(nodes):
            shape = node.shape
            if shape and len(shape) < rank and full[rank - len(shape) :] == shape:
                axes = tuple(range(rank - len(shape), rank))
                nodes[place] = self.build.apply("expand", node, shape=full, axes=axes)
        return nodes

    def product(self, e: Binary) -> Value:
        """``@``: matrix or vector with matrix or vector."""
        parts = [e.left, e.right]
        left, right = (self.node(self.evaluate(part), part) for part in parts)
        for node, part in ((left, e.left), (right, e.right)):
            if node.shape == ():
                note = "write * to multiply by a scalar"
                raise Fault("'@' multiplies matrices and vectors", part.span,
                            [(part.span, "this is a scalar")], [note])  # fmt: skip
        left, right = self.guess_product(left, right)
        if max(len(left.shape), len(right.shape)) > 2:
            return heads.product(self, parts, left, right)
        if len(left.shape) != 1:
            return self.apply("matmul", parts, [left, right])
        if len(right.shape) == 1:
            if left.shape != right.shape:
                raise self.mismatch("sizes do not match in '@'", parts, [left, right])
            return self.build.apply("sum", self.apply("mul", parts, [left, right]), axis=0)
        if len(right.shape) == 2 and left.shape[0] != right.shape[0]:
            raise self.mismatch("sizes do not match in '@'", parts, [left, right])
        turned = self.apply("transpose", [e.right], [right])
        return self.apply("matmul", [e.right, e.left], [turned, left])

    def equate(self, left: Dim, right: Dim) -> None:
        """Only the inference of shapes has something to solve."""

    def guess_product(self, left: Any, right: Any) -> tuple[Any, Any]:
        """Only the inference of shapes has something to guess."""
        return left, right

    def apply(self, op: str, parts: Sequence[Expr], values: Sequence[Value], **attrs: Any) -> Any:
        """A node of the graph; a refusal of the op's row becomes a report on the parts."""
        nodes = [self.node(v, e) for v, e in zip(values, parts, strict=True)]
        if not OPS[op].elementwise:
            nodes = [self.typed(v, e) for v, e in zip(nodes, parts, strict=True)]
        try:
            made = self.build.apply(op, *nodes, **attrs)
            if made.shape is not None:
                bounded(made.shape, parts[0].span.to(parts[-1].span))
            return made
        except ShapeError as error:
            blamed = [i for i in error.operands if i < len(nodes)] or list(range(len(nodes)))
            message = error.message
            if len(blamed) > 1 or ", this is" in message:
                message = message.split(": [")[0].split(", this is")[0]
            raise self.mismatch(
                message, [parts[i] for i in blamed], [nodes[i] for i in blamed]
            ) from None
        except SizeError as error:
            raise Fault(str(error), parts[0].span.to(parts[-1].span)) from None

    def mismatch(self, message: str, parts: Sequence[Expr], nodes: Sequence[Any]) -> Fault:
        """A report on operands whose shapes do not fit, with their shapes as labels."""
        labels = [(part.span, what_is(node)) for part, node in zip(parts, nodes, strict=True)]
        notes = [note for part in parts for note in self.declaration(part)]
        return Fault(message, parts[-1].span, dict.fromkeys(labels), dict.fromkeys(notes))

    def declaration(self, e: Expr) -> list[Note]:
        """The note that says where a name comes from."""
        if not isinstance(e, Name) or e.id in self.locals:
            return []
        if e.id in self.scope.declared and not e.primed:
            return [(f"'{e.id}' is declared here", self.scope.declared[e.id].span)]
        place = self.scope.places.get(str(e))
        return [(f"'{e}' is defined here", place)] if place else []

    # --- indices -----------------------------------------------------------------------

    def index_base(self, e: Index) -> Any:
        """The indexed value."""
        return self.typed(self.evaluate(e.value), e.value)

    # --- calls -------------------------------------------------------------------------

    def call(self, e: Call) -> Value:
        name = e.function.id
        if name in self.scope.used:
            return type(self).use(self, e)
        if name in self.scope.functions:
            return functions.expanded(self, e, self.scope.functions[name])
        if name in self.builtins:
            return self.builtins[name](self, e)
        if name in self.scope.prelude:
            return functions.of_prelude(self, e, self.scope.prelude[name])
        if name in ELEMENTWISE:
            self.counted(e, OPS[name].arity or 1)
            values = [self.evaluate(a) for a in e.arguments]
            return self.elementwise(name, e.arguments, values, e.span)
        raise Unknown(name)

    builtins: ClassVar[dict[str, Callable[[Evaluator, Call], Value]]] = {}
    use: ClassVar[Callable[[Evaluator, Call], Value]]  # how a used cell is called

    def counted(
        self, e: Call, low: int, high: int | None = None, named: Sequence[str] = ()
    ) -> None:
        """Check how many values a call gives, and the names of its named ones."""
        high = low if high is None else high
        given = len(e.arguments)
        if not low <= given <= high:
            wanted = (
                f"{low}" if low == high else f"{low} to {high}" if high < 99 else f"at least {low}"
            )
            plural = "value" if wanted == "1" else "values"
            verb = "is" if given == 1 else "are"
            text = f"'{e.function.id}' takes {wanted} {plural}, {given} {verb} given"
            raise Fault(text, e.span)
        for keyword in e.keywords:
            if keyword.name not in named:
                guess = did_you_mean(keyword.name, named)
                text = f"'{e.function.id}' has no argument named '{keyword.name}'{guess}"
                raise Fault(text, keyword.span)


def _repeats_scalar(node: Any) -> bool:
    return bool(node.op == "expand") and node.operands[0].shape == ()


_HANDLERS: dict[type, Callable[[Evaluator, Any], Value]] = {
    Number: Evaluator.number, Name: Evaluator.reference, Unary: Evaluator.unary,
    Binary: Evaluator.binary, Call: Evaluator.call, Index: index,
    Slice: Evaluator.slice, Join: Evaluator.join, Transpose: Evaluator.transpose,
}  # fmt: skip
