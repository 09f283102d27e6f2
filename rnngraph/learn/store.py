"""The store: what cells learnt, in one JSON file that grows as trials end.

File ::= {cell: {problem: the fields of a Trial, machine, date}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from ..files import write_whole
from .trial import Budget, Trial

Found = dict[str, dict[str, dict[str, Any]]]


class Store:
    """A file of trials; every addition is on disk when it is made. Without a path: in memory."""

    def __init__(self, path: Path | None) -> None:
        """Raises ValueError where the file holds something else."""
        self.path = path
        self.found: Found = {}
        if path is None or not path.is_file():
            return
        try:
            self.found = json.loads(path.read_text(encoding="utf-8"))
            for problems in self.found.values():
                for record in problems.values():
                    record["status"], record["budget"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} holds no results of 'rnngraph learn': {error!r}") from error

    def has(self, cell: str, problem: str, budget: Budget) -> bool:
        """Whether a trial with this very budget is there."""
        record = self.found.get(cell, {}).get(problem)
        return record is not None and record["budget"] == budget.told

    def add(self, cell: str, problem: str, found: Trial, machine: str) -> None:
        """Keep a trial, in the place of an older one."""
        record = {**asdict(found), "machine": machine, "date": date.today().isoformat()}
        self.found.setdefault(cell, {})[problem] = record
        if self.path is not None:
            write_whole(self.path, to_json(self.found).encode())


def to_json(found: Mapping[str, Any]) -> str:
    """Cells by name, one trial a line."""
    cells = []
    for cell, problems in sorted(found.items()):
        lines = [f"  {json.dumps(name)}: {json.dumps(record, allow_nan=False)}"
                 for name, record in sorted(problems.items())]  # fmt: skip
        cells.append(f" {json.dumps(cell)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(cells) + "\n}\n"
