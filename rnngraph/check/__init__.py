"""Tree to graph: names, arity, shapes, and every mistake with its place."""

from __future__ import annotations

from .elaborate import check
from .inner import call_cell

__all__ = ["call_cell", "check"]
