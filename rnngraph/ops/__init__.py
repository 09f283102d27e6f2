"""THE op table: one row per op with all its meanings together (see ``row`` for the grammar)."""

from __future__ import annotations

from . import elementwise, structural
from .row import Op, ShapeError, show_shape, table

OPS = table(elementwise.ROWS, structural.ROWS)

__all__ = ["OPS", "Op", "ShapeError", "show_shape"]
