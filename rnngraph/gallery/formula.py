"""Sizes as a reader writes them: ``4*H*H+4*H*I+4*H`` is ``4H² + 4HI + 4H``."""

from __future__ import annotations

from fractions import Fraction

from ..sizes import Dim, Monomial, Size

DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def formula(dim: Dim) -> str:
    """A size with powers, products side by side, the highest powers first."""
    if isinstance(dim, int):
        return f"{dim:,}"
    if not all(_is_plain(mono, coefficient) for mono, coefficient in dim.terms):
        return str(dim)
    terms = sorted(dim.terms, key=lambda term: _order(term[0]))
    text = " + ".join(_term(mono, int(coefficient)) for mono, coefficient in terms)
    return text.replace("+ -", "− ")


def _is_plain(mono: Monomial, coefficient: Fraction) -> bool:
    return coefficient.denominator == 1 and all(
        isinstance(atom, str) and len(atom) == 1 and power > 0 for atom, power in mono
    )


def _order(mono: Monomial) -> tuple[int, int, str]:
    powers = [power for _, power in mono]
    return -sum(powers), -max(powers, default=0), str(mono)


def _term(mono: Monomial, coefficient: int) -> str:
    letters = "".join(f"{atom}{_power(power)}" for atom, power in mono)
    return letters if coefficient == 1 and letters else f"{coefficient}{letters}"


def _power(power: int) -> str:
    return "" if power == 1 else str(power).translate(DIGITS)


def at(dim: Dim, size: int) -> int:
    """The number that a size is where all symbols have one value."""
    if isinstance(dim, int):
        return dim
    value = dim.bind(dict.fromkeys(dim.symbols(), size))
    assert not isinstance(value, Size)
    return value
