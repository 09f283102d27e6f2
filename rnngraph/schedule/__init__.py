"""The schedule: decides everything; see ``grammar`` for what it says."""

from __future__ import annotations

from .build import schedule
from .schedule import Schedule

__all__ = ["Schedule", "schedule"]
