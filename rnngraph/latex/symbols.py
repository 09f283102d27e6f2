r"""Names, numbers and words as LaTeX.

    W_f -> W_{f}     w_tau -> w_{\tau}     gap -> \mathrm{gap}     c̃ -> \tilde{c}     h₁ -> h_{1}

The first part of a name is its letter, what follows an underscore its subscripts. Letters beyond
the Latin and Greek ones are set as text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
    "omega",
)  # fmt: skip
# capitals that look like Latin ones have no command of their own
CAPITALS = ("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi",
            "Omega")  # fmt: skip
OTHER_LETTERS = {"omicron": "o", "final sigma": r"\varsigma", "lamda": r"\lambda"}
ACCENTS = {"\u0300": "grave", "\u0301": "acute", "\u0302": "hat", "\u0303": "tilde",
           "\u0304": "bar", "\u0306": "breve", "\u0307": "dot", "\u0308": "ddot",
           "\u030c": "check", "\u20d7": "vec"}  # fmt: skip
ESCAPES = str.maketrans({c: "\\" + c for c in "{}%#&_$"})
# what text cannot have is set as mathematics between pieces of it
SIGNS = {"\\": r"\backslash", "~": r"\sim", "^": r"\wedge"}
BLANK = r"\,"
WITH_DIGITS = re.compile(r"([^\W\d_]+)(\d+)")


def symbol(name: str, *subscripts: str) -> str:
    """A name as mathematics, with further subscripts (LaTeX) behind its own."""
    first, *rest = (part for part in _plain(name).split("_") if part)
    numbered = WITH_DIGITS.fullmatch(first)
    if numbered:
        first, rest = numbered[1], [numbered[2], *rest]
    below = [*map(_word, rest), *subscripts]
    return _word(first) + (f"_{{{','.join(below)}}}" if below else "")


def operator(name: str) -> str:
    """A name as that of a function: upright, its parts side by side.

    (GitHub allows no operatorname.)
    """
    parts = [part for part in _plain(name).split("_") if part]
    return rf"\mathrm{{{BLANK.join(map(_upright, parts))}}}"


def number(value: int | float) -> str:
    """A number, with a power of ten where Python writes an exponent."""
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \times {power}"


def text(words: str) -> str:
    """Words inside a formula."""
    pieces = re.split(r"([\\~^])", words)
    return "".join(SIGNS.get(piece) or rf"\text{{{piece.translate(ESCAPES)}}}"
                   for piece in pieces if piece)  # fmt: skip


def axis(places: Sequence[str]) -> str:
    """The subscript that names axes."""
    return rf"\text{{{'axis' if len(places) == 1 else 'axes'} }}{','.join(places)}"


def _plain(name: str) -> str:
    """Subscript digits on the line, behind an underscore."""
    return re.sub("[₀-₉]+", lambda found: f"_{unicodedata.normalize('NFKC', found[0])}", name)


def _word(part: str) -> str:
    if part in GREEK or part in CAPITALS:
        return "\\" + part
    letters = _letters(part)
    if len(letters) == 1 or part.isdecimal():
        return "".join(letters)
    return rf"\mathrm{{{''.join(letters)}}}"


def _upright(part: str) -> str:
    return part if part.isascii() else "".join(_letters(part))


def _letters(part: str) -> list[str]:
    """Every letter with its accents."""
    found: list[str] = []
    for character in unicodedata.normalize("NFD", part):
        if character in ACCENTS and found:
            found[-1] = rf"\{ACCENTS[character]}{{{found[-1]}}}"
        elif not unicodedata.combining(character):
            found.append(_letter(character))
    return found


def _letter(character: str) -> str:
    if character.isascii():
        return character
    named = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (.+)", unicodedata.name(character, ""))
    if not named:
        return rf"\text{{{character}}}"
    small = OTHER_LETTERS.get(named[2].lower(), named[2].lower())
    if named[1] == "SMALL":
        return "\\" + small if small in GREEK else small
    capital = small.lstrip("\\").capitalize()
    return "\\" + capital if capital in CAPITALS else rf"\mathrm{{{character}}}"
