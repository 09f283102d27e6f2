"""The cell language as text: from source to tree (parse) and back (print_cell)."""

from __future__ import annotations

from .parser import parse
from .printer import print_cell, print_expression
from .tree import Cell

__all__ = ["Cell", "parse", "print_cell", "print_expression"]
