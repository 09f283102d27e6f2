"""The cell language as text: from source to tree (parse) and back (print_cell)."""

from __future__ import annotations

from .parser import parse
from .printer import print_cell, print_expression
from .tree import Cell, Const

__all__ = ["Cell", "Const", "parse", "print_cell", "print_expression"]
