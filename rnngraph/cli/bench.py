"""``rnngraph bench``: how fast this machine runs cells."""

from __future__ import annotations

from ..bench import add_arguments
from ..bench import main as run

EPILOG = """\
examples:
  rnngraph bench
"""

__all__ = ["EPILOG", "add_arguments", "run"]
