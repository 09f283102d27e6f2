"""Widths of the typefaces that diagrams are set in.

Graphviz guesses a width of zero-to-three spaces for every character outside ASCII when it has no
font at hand, and then boxes are too wide and text is off centre. So the layout is given widths
from here: those of Times, Times Italic and Helvetica, which Liberation, Arimo, Tinos, Nimbus and
Arial share. Unit: a thousandth of the type size. Imports nothing of the project.
"""

from __future__ import annotations

import unicodedata

FIRST, LAST = 32, 126  # printable ASCII, in order

SERIF = """
250 333 408 500 500 833 778 180 333 333 500 564 250 333 250 278 500 500 500 500 500 500 500 500 500
500 278 278 564 564 564 444 921 722 667 667 722 611 556 722 722 333 389 722 611 889 722 722 556 722
667 556 611 722 722 944 722 722 611 333 278 333 469 500 333 444 500 444 500 444 333 500 500 278 278
500 278 778 500 500 500 500 333 389 278 500 500 722 500 500 444 480 200 480 541"""
ITALIC = """
250 333 420 500 500 833 778 214 333 333 500 675 250 333 250 278 500 500 500 500 500 500 500 500 500
500 333 333 675 675 675 500 920 611 611 667 722 611 611 722 722 333 444 667 556 833 667 722 611 722
611 500 556 722 611 833 611 556 556 389 278 389 422 500 333 500 500 444 500 444 278 500 500 278 278
444 278 722 500 500 500 500 389 389 278 500 444 667 444 444 389 400 275 400 541"""
SANS = """
278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556
556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778
722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222
500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"""

# what a cell's text may hold outside ASCII: Greek, and the operators that equations are set with
GREEK = "αβγδεζηθικλμνξοπρσςτυφχψωΓΔΘΛΞΠΣΦΨΩ"
SERIF_GREEK = """
524 509 442 471 420 414 523 479 269 504 485 536 452 446 500 505 499 539 396 402 495 577 444 626 658
578 643 722 725 643 722 582 731 738 743"""
ITALIC_GREEK = """
525 498 394 465 394 405 496 491 278 480 433 502 444 428 500 501 480 493 406 358 459 553 440 621 706
569 587 722 604 639 722 594 761 703 723"""
SYMBOLS = {"■": 604, "–": 556, "×": 564, "·": 333, "−": 564, "…": 1000, "∂": 494, "√": 549,
           "∞": 713, "≤": 549, "≥": 549, "≠": 549, "±": 549, "Σ": 582, "‖": 281,
           "→": 1000, "←": 1000}  # fmt: skip
WIDE = 1000  # CJK and whatever else is not known: rather too much room than too little
LATIN = 600


def _table(ascii_widths: str, greek_widths: str) -> dict[str, int]:
    letters = "".join(chr(c) for c in range(FIRST, LAST + 1)) + GREEK
    widths = [int(w) for w in (ascii_widths + greek_widths).split()]
    return SYMBOLS | dict(zip(letters, widths, strict=True))


FACES = {
    "serif": _table(SERIF, SERIF_GREEK),
    "italic": _table(ITALIC, ITALIC_GREEK),
    "sans": _table(SANS, SERIF_GREEK),
}
BOLD = 1.2  # Helvetica Bold against Helvetica, with room for the bold that renderers make up


def text_width(text: str, face: str, size: float) -> float:
    """The width of a text set in ``face`` ("serif", "italic", "sans" or "bold") at ``size``."""
    widths = FACES["sans" if face == "bold" else face]
    units = sum(widths[c] if c in widths else _unknown(c) for c in text)
    return units * size / 1000 * (BOLD if face == "bold" else 1)


def _unknown(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    if unicodedata.east_asian_width(character) in "WF":
        return WIDE
    plain = unicodedata.normalize("NFKD", character)[0]
    return SYMBOLS.get(plain, LATIN if ord(character) < 0x250 else WIDE)
