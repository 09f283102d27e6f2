"""What is found of a character model, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..inspect import Saturation
from .brackets import Closings
from .errors import Onion
from .features import Follower


@dataclass(frozen=True)
class Examination:
    """What was found, on the text that was held out for the test."""

    title: str
    nats: float
    ngrams: list[float]
    saturation: Mapping[str, Saturation]
    followers: list[Follower]
    onion: Onion
    closings: list[Closings]
