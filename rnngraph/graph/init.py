"""How a parameter begins: data, drawn by the run time.

    Init ::= kind, arguments       arguments are numbers, or functions of the bound sizes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Init:
    """An initialiser by its usual name, with its arguments (numbers once sizes are bound)."""

    kind: str
    args: tuple[Any, ...] = ()

    def __str__(self) -> str:
        if self.kind == "constant":
            return f"= {self.args[0]:g}"
        inside = ", ".join(f"{a:g}" if isinstance(a, float) else str(a) for a in self.args)
        return f"~ {self.kind}({inside})" if inside else f"~ {self.kind}"


ZERO = Init("constant", (0.0,))
