"""Equations of a cell as LaTeX: a syntax tree and its graph in, text for a formula out.

What is written is understood by LaTeX with amsmath, by MathJax and by KaTeX.
"""

from __future__ import annotations

from .items import definitions, equations
from .symbols import symbol, text

__all__ = ["definitions", "equations", "symbol", "text"]
