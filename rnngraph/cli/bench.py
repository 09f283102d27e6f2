"""``rnngraph bench``: how fast this machine runs cells."""

from __future__ import annotations

from ..bench import add_arguments
from ..bench import main as run

EPILOG = """\
Every contender must first give the same results. Times are of this machine; the tables relate them
to the best peer, and to the most that the machine could do.

examples:
  rnngraph bench                                   against the peers that are installed
  rnngraph bench --cells lstm my.cell --rows full
  rnngraph bench --threads 1 2 4 -o bench.md
"""

__all__ = ["EPILOG", "add_arguments", "run"]
