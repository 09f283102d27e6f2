"""THE op table: one row per op with all its meanings together (see ``row`` for the grammar)."""

from __future__ import annotations

from . import elementwise, structural
from .row import Op, ShapeError, show_shape, table

OPS = table(elementwise.ROWS, structural.ROWS)
REDUCTIONS = ("sum", "max", "min")  # along one axis: what they read is larger than what they give

__all__ = ["OPS", "REDUCTIONS", "Op", "ShapeError", "show_shape"]
