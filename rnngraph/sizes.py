"""Sizes: the dimensions of a shape, known or still symbolic.

    Dim  := int | Size
    Size := integer polynomial over symbols with `+ - * //`, never a constant

A shape is compared far more often than it is printed, so a `Size` is kept in one canonical form:
a sum of terms `coefficient * atom**power * ...`.  Two sizes are equal exactly if these sums are.
`//` is *exact* division: `heads * (H//heads)` is `H`, and a division that leaves a remainder is an
error once the symbols are bound, never a silent rounding.  Imports nothing of the project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from math import lcm
from typing import Union

__all__ = ["Dim", "Size", "SizeError", "count"]

# A monomial is ((atom, power), ...), sorted; an atom is a symbol, or a sum that divides.
Atom = Union[str, "Size"]
Monomial = tuple[tuple[Atom, int], ...]
Terms = dict[Monomial, Fraction]

# Far above any real shape; they bound the time and memory a hostile text can ask for.
MAX_TERMS = 64
MAX_DEGREE = 32
MAX_COEFFICIENT = 1 << 63


class SizeError(ValueError):
    """A size that does not exist: a division with a remainder, or an expression out of bounds."""


class Size:
    """A symbolic dimension, immutable and hashable; arithmetic on it gives a `Dim`."""

    __slots__ = ("_hash", "terms")

    terms: tuple[tuple[Monomial, Fraction], ...]

    def __init__(self, terms: Terms) -> None:
        ordered = tuple(sorted(terms.items(), key=_term_order))
        object.__setattr__(self, "terms", ordered)
        object.__setattr__(self, "_hash", hash(ordered))

    @staticmethod
    def symbol(name: str) -> Size:
        """The size that is the symbol `name`."""
        return Size({((name, 1),): Fraction(1)})

    def symbols(self) -> frozenset[str]:
        """The names of all symbols in it."""
        return frozenset(name for mono, _ in self.terms for name in _names(mono))

    def bind(self, values: Mapping[str, Dim]) -> Dim:
        """Replace symbols by their values; symbols without one stay.

        Raises SizeError if a division leaves a remainder.
        """
        total: Terms = {}
        for mono, coefficient in self.terms:
            total = _add(total, _substitute(mono, coefficient, values))
        return _dim(total)

    def solve(self, name: str) -> Dim | None:
        """The value of symbol ``name`` for which this size is 0, None if it is not linear in it."""
        lone = ((name, 1),)
        rest = {m: c for m, c in self.terms if m != lone}
        factor = dict(self.terms).get(lone)
        if factor is None or any(name in _names(m) for m in rest):
            return None
        return _dim({m: -c / factor for m, c in rest.items()})

    def __add__(self, other: Dim) -> Dim:
        return _apply(_add, self, other)

    def __sub__(self, other: Dim) -> Dim:
        return _apply(_subtract, self, other)

    def __mul__(self, other: Dim) -> Dim:
        return _apply(_multiply, self, other)

    def __floordiv__(self, other: Dim) -> Dim:
        return _apply(_divide, self, other)

    def __radd__(self, other: Dim) -> Dim:
        return _apply(_add, other, self)

    def __rsub__(self, other: Dim) -> Dim:
        return _apply(_subtract, other, self)

    def __rmul__(self, other: Dim) -> Dim:
        return _apply(_multiply, other, self)

    def __rfloordiv__(self, other: Dim) -> Dim:
        return _apply(_divide, other, self)

    def __neg__(self) -> Dim:
        return 0 - self

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Size) and self.terms == other.terms

    def __hash__(self) -> int:
        return int(self._hash)  # type: ignore[attr-defined]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Size is immutable")

    def __reduce__(self) -> tuple[type[Size], tuple[Terms]]:
        return Size, (dict(self.terms),)

    def __str__(self) -> str:
        return _spell(dict(self.terms))

    __repr__ = __str__


Dim = int | Size


def count(shape: tuple[Dim, ...]) -> Dim:
    """The number of elements of a shape."""
    total: Dim = 1
    for dim in shape:
        total = total * dim
    return total


def _apply(operation: Callable[[Terms, Terms], Terms], left: Dim, right: Dim) -> Dim:
    first, second = _terms(left), _terms(right)
    if first is None or second is None:
        return NotImplemented  # type: ignore[no-any-return]
    return _dim(operation(first, second))


def _terms(value: object) -> Terms | None:
    if isinstance(value, Size):
        return dict(value.terms)
    if isinstance(value, int) and not isinstance(value, bool):
        return {(): Fraction(value)} if value else {}
    return None


def _dim(terms: Terms) -> Dim:
    if not terms:
        return 0
    if set(terms) != {()}:
        return Size(terms)
    value = terms[()]
    if value.denominator != 1:
        raise SizeError(f"{value.numerator} does not divide by {value.denominator}")
    return value.numerator


def _add(left: Terms, right: Terms) -> Terms:
    total = dict(left)
    for mono, coefficient in right.items():
        total[mono] = total.get(mono, Fraction(0)) + coefficient
    return _bounded({m: c for m, c in total.items() if c})


def _subtract(left: Terms, right: Terms) -> Terms:
    return _add(left, {m: -c for m, c in right.items()})


def _multiply(left: Terms, right: Terms) -> Terms:
    total: Terms = {}
    for m, c in left.items():
        for n, d in right.items():
            mono = _join(m, n)
            total[mono] = total.get(mono, Fraction(0)) + c * d
    return _bounded({m: c for m, c in total.items() if c})


def _divide(left: Terms, right: Terms) -> Terms:
    if not right:
        raise SizeError("a size is divided by zero")
    if len(right) == 1:
        ((mono, coefficient),) = right.items()
        inverse = tuple((atom, -power) for atom, power in mono)
        return _multiply(left, {inverse: 1 / coefficient})
    ratio = _ratio(left, right)
    if ratio is not None:
        return {(): ratio} if ratio else {}
    return _multiply(left, {((Size(right), -1),): Fraction(1)})


def _ratio(left: Terms, right: Terms) -> Fraction | None:
    """The number k with left = k * right, if there is one."""
    if not left:
        return Fraction(0)
    if left.keys() != right.keys():
        return None
    ratios = {left[m] / right[m] for m in right}
    return ratios.pop() if len(ratios) == 1 else None


def _join(left: Monomial, right: Monomial) -> Monomial:
    powers = dict(left)
    for atom, power in right:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted(((a, p) for a, p in powers.items() if p), key=_atom_order))


def _bounded(terms: Terms) -> Terms:
    if len(terms) > MAX_TERMS:
        raise SizeError("a size has too many terms")
    for mono, coefficient in terms.items():
        if sum(abs(power) for _, power in mono) > MAX_DEGREE:
            raise SizeError("a size has too many factors")
        if max(abs(coefficient.numerator), coefficient.denominator) > MAX_COEFFICIENT:
            raise SizeError("a size is too large")
    return terms


def _substitute(mono: Monomial, coefficient: Fraction, values: Mapping[str, Dim]) -> Terms:
    result: Terms = {(): coefficient}
    for atom, power in mono:
        value = atom.bind(values) if isinstance(atom, Size) else values.get(atom, Size.symbol(atom))
        terms = _terms(value)
        if terms is None:
            raise SizeError(f"size {atom} is bound to {value!r}, which is no size")
        for _ in range(abs(power)):
            result = _multiply(result, terms) if power > 0 else _divide(result, terms)
    return result


def _names(mono: Monomial) -> Iterator[str]:
    for atom, _ in mono:
        if isinstance(atom, Size):
            yield from atom.symbols()
        else:
            yield atom


def _atom_order(factor: tuple[Atom, int]) -> tuple[str, int]:
    return str(factor[0]), factor[1]


def _term_order(term: tuple[Monomial, Fraction]) -> tuple[bool, list[tuple[str, int]]]:
    mono, _ = term
    return not mono, [_atom_order(factor) for factor in mono]  # the constant comes last


# --- spelling: H+I, 4*H, H//2, (H+I)//2, H//heads -----------------------------------------


def _spell(terms: Terms) -> str:
    groups: dict[Monomial, list[tuple[Monomial, Fraction]]] = {}
    whole: list[tuple[Monomial, Fraction]] = []
    for mono, coefficient in sorted(terms.items(), key=_term_order):
        below = tuple((a, -p) for a, p in mono if p < 0)
        above = tuple((a, p) for a, p in mono if p > 0)
        if not below and coefficient.denominator == 1:
            whole.append((above, coefficient))
        else:
            groups.setdefault(below, []).append((above, coefficient))
    parts = [_spell_term(m, int(c)) for m, c in whole]
    parts += [_spell_quotient(below, group) for below, group in groups.items()]
    parts.sort(key=lambda part: part.startswith("-"))
    return "".join(p if i == 0 or p.startswith("-") else "+" + p for i, p in enumerate(parts))


def _spell_quotient(below: Monomial, group: list[tuple[Monomial, Fraction]]) -> str:
    divisor = lcm(*(c.denominator for _, c in group))
    above = [_spell_term(m, int(c * divisor)) for m, c in group]
    above.sort(key=lambda part: part.startswith("-"))
    top = "".join(p if i == 0 or p.startswith("-") else "+" + p for i, p in enumerate(above))
    if len(above) > 1:
        top = f"({top})"
    factors = ([str(divisor)] if divisor != 1 else []) + _factors(below)
    bottom = "*".join(factors)
    return f"{top}//({bottom})" if len(factors) > 1 else f"{top}//{bottom}"


def _spell_term(mono: Monomial, coefficient: int) -> str:
    factors = _factors(mono)
    if not factors or abs(coefficient) != 1:
        factors = [str(abs(coefficient)), *factors]
    return ("-" if coefficient < 0 else "") + "*".join(factors)


def _factors(mono: Monomial) -> list[str]:
    names = [(f"({a})" if isinstance(a, Size) else a, p) for a, p in mono]
    return [name for name, power in names for _ in range(power)]
