"""What stands above the picture, made from the numbers alone (nothing is canned)."""

from __future__ import annotations

from collections.abc import Iterable

from .carrier import Carrier

CARRIES = 0.1  # loss of accuracy from which on one unit may be said to carry the number


def headline(carrier: Carrier) -> str:
    """The title of the picture."""
    if carrier.lost < CARRIES:
        return f"No unit alone carries the number of the subject; unit {carrier.unit} does most"
    return f"Unit {carrier.unit} carries the number of the subject"


def ablation(carrier: Carrier) -> str:
    """What holding the unit halfway does."""
    unit = f"unit {carrier.unit} of {_joined(carrier.units.shapes)}"
    whole, without = percent(carrier.accuracy), percent(float(carrier.without[carrier.unit]))
    if carrier.lost < CARRIES:
        still = f"still {whole}" if without == whole else f"{without}, not {whole}"
        return (f"No unit alone carries the number: with {unit}, the most important one, held "
                "halfway between its values for singular and plural, accuracy on sentences with "
                f"one attractor is {still}.")
    text = (f"With {unit} held halfway between its values for singular and plural, accuracy on "
            f"sentences with one attractor falls from {whole} to {without}")
    if carrier.units.count == 1:
        return f"{text}."
    return f"{text}; with any other unit held so it is {percent(carrier.others)} (median)."


def percent(share: float) -> str:
    """A share of 1 in words."""
    return f"{100 * share:.1f} %"


def _joined(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
