"""How strongly mathematics binds, from loosest to tightest, and the brackets where it must."""

from __future__ import annotations

# a minus sign may begin a product, which then binds no better than NEGATED
OR, AND, NOT, COMPARISON, SUM, NEGATED, PRODUCT, TIMES, POWER, ATOM = range(1, 11)
TALL = ("\\frac", "\\begin", "\\sum", "\\sqrt", "\\left")


def bracketed(text: str, signs: str = "()") -> str:
    """In brackets, as high as what they hold."""
    left, right = signs[0], signs[1]
    tall = any(sign in text for sign in TALL)
    return rf"\left{left}{text}\right{right}" if tall else f"{left}{text}{right}"
