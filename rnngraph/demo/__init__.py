"""The demo: a cell learns to carry one bit across words, and every gate can be seen doing it."""

from __future__ import annotations

from .demonstration import DemoResult, run

__all__ = ["DemoResult", "run"]
