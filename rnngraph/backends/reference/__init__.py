"""The NumPy reference backend: the oracle for every stage."""

from __future__ import annotations

from .interpreter import interpret
from .meaning import Result, evaluate

__all__ = ["Result", "evaluate", "interpret"]
