"""What cells learned: read from the file that the learning tasks write, told on pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Learning:
    """Results by cell and task."""

    cells: dict[str, dict[str, Any]] = field(default_factory=dict)

    def told(self, cell: str) -> str:
        """What a cell learned, as Markdown; "" where it was not tried."""
        return ""


def read(path: Path) -> Learning:
    """What a file holds; nothing where there is no file."""
    return Learning()
