"""Environment switches, read once.

RNNGRAPH_DEBUG   0 (default) nothing; 1 verify schedules too (graphs always are), show tracebacks
RNNGRAPH_CACHE   folder of the schedules and machine code that are kept (default: rnngraph in the
                 user's cache); "off"
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What the environment asks for."""

    debug: int = 0
    cache: str = ""

    @property
    def verifies(self) -> bool:
        """True when schedules are verified as well as graphs."""
        return self.debug >= 1


def _read() -> Settings:
    text = os.environ.get("RNNGRAPH_DEBUG", "0")
    cache = os.environ.get("RNNGRAPH_CACHE", "")
    return Settings(int(text) if text.isdigit() else 0, cache)


settings = _read()
