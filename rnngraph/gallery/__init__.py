"""The gallery: a page for every cell of the library, and an index of them.

Pages are Markdown, with equations that GitHub, GitLab and editors typeset and a drawing beside
each; all of it is derived from the cell, but for speed and learning, which are read from files.
"""

from __future__ import annotations

from .folder import SUFFIXES, Gallery, left_over, write

__all__ = ["SUFFIXES", "Gallery", "left_over", "write"]
