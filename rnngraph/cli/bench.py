"""``rnngraph bench``: how fast this machine runs cells."""

from __future__ import annotations

from ..bench import add_arguments
from ..bench import main as run

EPILOG = """\
Every contender must first give the same results. Times are of this machine; the tables relate them
to the best peer, and to the most that the machine could do.

examples:
  rnngraph bench                                    a quick choice, against installed peers
  rnngraph bench --cells lstm my.cell
  rnngraph bench --group vendors custom --threads 1 2 -o bench.md
  rnngraph bench --group all --threads 1 2 --store results.json --resume
  rnngraph bench --group --store results.json --write-docs docs
"""

__all__ = ["EPILOG", "add_arguments", "run"]
