"""How packages spell the arrays of layers and directions, and how we do.

    "cell"    NAME; of layers, cells.K.NAME               torchrecurrent, nn.LSTMCell
    "layers"  NAME_lK, backwards in time NAME_lK_reverse  nn.LSTM, nn.GRU, nn.RNN

Ours are NAME; of layers layerK.NAME; of both directions forward.NAME and backward.NAME.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

OURS = re.compile(r"(?:layer(\d+)\.)?(?:(forward|backward)\.)?(\w+)")
THEIRS = {
    "cell": re.compile(r"(?:cells\.(?P<layer>\d+)\.)?(?P<name>\w+)"),
    "layers": re.compile(r"(?P<name>\w+?)_l(?P<layer>\d+)(?P<reverse>_reverse)?"),
}


@dataclass(frozen=True)
class Place:
    """A layer (None: there is but one) and a direction ("" where there is but one)."""

    layer: int | None = None
    way: str = ""

    def ours(self, name: str) -> str:
        """Our name of a parameter or state here."""
        layer = "" if self.layer is None else f"layer{self.layer}."
        return layer + (f"{self.way}." if self.way else "") + name

    def theirs(self, name: str, spelling: str) -> str:
        """Their name of an array here."""
        if spelling == "layers":
            return f"{name}_l{self.layer or 0}" + ("_reverse" if self.way == "backward" else "")
        return name if self.layer is None else f"cells.{self.layer}.{name}"


def places(names: Iterable[str]) -> list[Place]:
    """Where parameters of ours with these names are."""
    matches = filter(None, map(OURS.fullmatch, names))
    found = {Place(None if m[1] is None else int(m[1]), m[2] or "") for m in matches}
    return sorted(found, key=lambda place: (place.layer or 0, place.way == "backward"))


def arrangement(names: Iterable[str], spelling: str) -> tuple[int, bool]:
    """How many layers arrays of theirs with these names have, and whether both directions."""
    matches = [m.groupdict() for m in map(THEIRS[spelling].fullmatch, names) if m]
    layers = {int(m["layer"] or 0) for m in matches}
    return 1 + max(layers, default=0), any(m.get("reverse") for m in matches)
