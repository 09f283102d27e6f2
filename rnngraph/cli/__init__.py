"""The command line: one module per command, and a table of them in ``program.py``."""

from __future__ import annotations

from .program import COMMANDS, main

__all__ = ["COMMANDS", "main"]
