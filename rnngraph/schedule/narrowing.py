"""Narrowing: products that run at every step read weights and operands in a narrow format.

    before:  kernel: start + R @ h
    after:   narrow: bf16 of h
             kernel: start + R @ (bf16 of h)     in bf16

An operand is converted once per step, before the first kernel that reads it. What is computed
just once for all steps stays as it is: nothing would be gained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ..graph import Varies
from .formats import FORMATS
from .grammar import (
    Buffer,
    Extent,
    Kernel,
    Narrow,
    Product,
    Reduction,
    Role,
    Term,
    Tile,
    View,
    contiguous,
    products,
)

NARROWED = {"loop": Extent.ONE, "batch": Extent.STEPS}


def narrowed(
    kernels: Iterable[Kernel], kind: str, precision: str, declare: Callable[[Buffer], Buffer]
) -> list[Kernel]:
    """The kernels of a phase of this kind with their products narrowed; ``declare`` enters new
    buffers, under another name where theirs is taken."""
    if kind not in NARROWED or precision not in FORMATS:
        return list(kernels)
    return _Phase(precision, NARROWED[kind], declare).rewrite(kernels)


class _Phase:
    def __init__(
        self, precision: str, extent: Extent, declare: Callable[[Buffer], Buffer]
    ) -> None:
        self.precision, self.extent, self.declare = precision, extent, declare
        self.format = FORMATS[precision]
        self.known: dict[View, Narrow] = {}
        self.made: list[Kernel] = []

    def rewrite(self, kernels: Iterable[Kernel]) -> list[Kernel]:
        for kernel in kernels:
            self.made.append(self._tile(kernel) if self._fits(kernel) else kernel)
        return self.made

    def _fits(self, kernel: Kernel) -> bool:
        """All products of a tile or none: they share its registers."""
        if not isinstance(kernel, Tile):
            return False
        found = products(kernel)
        return bool(found) and all(
            term.operand.buffer.dtype == term.weight.buffer.dtype == "real"
            and term.weight.shape[1] <= self.format.depth
            for product in found
            for term in product.terms
        )

    def _tile(self, kernel: Kernel) -> Tile:
        assert isinstance(kernel, Tile)
        return replace(kernel, accumulators=tuple(map(self._accumulator, kernel.accumulators)))

    def _accumulator(self, accumulator: Product | Reduction) -> Product | Reduction:
        if isinstance(accumulator, Reduction):
            return accumulator
        terms = tuple(map(self._term, accumulator.terms))
        return replace(accumulator, terms=terms, format=self.precision)

    def _term(self, term: Term) -> Term:
        if term.operand not in self.known:
            self.known[term.operand] = self._narrow(term.operand)
            self.made.append(self.known[term.operand])
        narrow = self.known[term.operand]
        return Term(term.weight, narrow.target, narrow.scale)

    def _narrow(self, source: View) -> Narrow:
        name = f"{self.precision} of {source.buffer.name}"
        target = self._buffer(name, (self.format.words(source.shape[0]),), self.precision)
        scale = self._buffer(f"scale of {name}", (), "real") if self.format.scaled else None
        return Narrow(name, Varies.STEP, source, target, scale)

    def _buffer(self, name: str, shape: tuple[int, ...], dtype: str) -> View:
        made = self.declare(Buffer(name, shape, Varies.STEP, self.extent, Role.WORK, dtype))
        return View(made, shape, contiguous(shape))
