"""Widths: the sizes of cells that are joined, solved so that what is given fits what reads it.

    Widths ::= for every cell, symbol -> Dim over qualified symbols      (``H of cell 1``)
    join   :  output shape of one cell = input shape of another          solves one symbol a dim
    solved :  the symbols that are left get plain names: shared by all cells, or one per cell
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .sizes import Dim, Size, SizeError

Shape = tuple[Dim, ...]


class Widths:
    """The size symbols of several cells, and what is known of them."""

    def __init__(self, names: Sequence[Sequence[str]], shared: bool) -> None:
        self.names, self.shared = names, shared
        self.known: list[dict[str, Dim]] = [
            {name: Size.symbol(f"{name} of cell {place}") for name in own}
            for place, own in enumerate(names)
        ]

    def join(self, below: int, given: Shape, above: int, reads: Shape) -> bool:
        """Make an output's shape fit an input's, if they can be equal; symbols of the input are
        solved first."""
        return len(given) == len(reads) and all(
            self._equate(self._dim(e, below), self._dim(d, above))
            for e, d in zip(given, reads, strict=True)
        )

    def _dim(self, dim: Dim, place: int) -> Dim:
        return dim.bind(self.known[place]) if isinstance(dim, Size) else dim

    def _equate(self, given: Dim, wanted: Dim) -> bool:
        difference = wanted - given
        if not isinstance(difference, Size):
            return difference == 0
        # what a cell reads follows from what is below it, not the other way round
        first = wanted.symbols() if isinstance(wanted, Size) else frozenset()
        for symbol in sorted(difference.symbols(), key=lambda s: (s not in first, s)):
            value = _solve(difference, symbol)
            if value is not None:
                self._substitute(symbol, value)
                return True
        return False

    def _substitute(self, symbol: str, value: Dim) -> None:
        for sizes in self.known:
            for name, dim in sizes.items():
                if isinstance(dim, Size):
                    sizes[name] = dim.bind({symbol: value})

    def solved(self) -> list[dict[str, Dim]]:
        """For every cell, its symbols in terms of the sizes of the whole."""
        left = [
            name
            for place, own in enumerate(self.names)
            for name in own
            if self._is_open(name, place)
        ]
        owners = Counter(left)
        plain: dict[str, Dim] = {}
        for place, own in enumerate(self.names):
            for name in own:
                alone = self.shared or owners[name] == 1
                plain[f"{name} of cell {place}"] = Size.symbol(name if alone else f"{name}{place}")
        return [
            {name: dim.bind(plain) if isinstance(dim, Size) else dim for name, dim in sizes.items()}
            for sizes in self.known
        ]

    def _is_open(self, name: str, place: int) -> bool:
        return self.known[place][name] == Size.symbol(f"{name} of cell {place}")


def _solve(difference: Size, symbol: str) -> Dim | None:
    try:
        value = difference.solve(symbol)
    except SizeError:
        return None
    return None if isinstance(value, int) and value < 1 else value
