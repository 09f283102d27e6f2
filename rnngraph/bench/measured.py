"""What was measured: figures by what they are of, kept in one file that partial runs add to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..files import write_whole
from .machine import Machine
from .rivals import OURS
from .rows import Row


@dataclass(frozen=True)
class Result:
    """A measured row: median seconds by contender, in how many rounds; how many times faster
    than the best peer we are; the machine's limit in seconds; and who was left out, and why."""

    group: str
    row: Row
    threads: int
    flops: int
    seconds: dict[str, float]
    rounds: int
    best_peer: str
    ratio: float
    limit: float
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells this result from others."""
        return f"{self.group} {self.row.title} {self.threads}"

    @property
    def gflops(self) -> dict[str, float]:
        """Billions of the products' operations per second, by contender."""
        return {name: self.flops / seconds / 1e9 for name, seconds in self.seconds.items()}

    @property
    def of_limit(self) -> float:
        """Our fraction of what the machine could do."""
        return self.limit / self.seconds[OURS]


@dataclass(frozen=True)
class Figures:
    """Something else that was measured: numbers by who did it, or by what was done."""

    group: str
    title: str
    values: dict[str, float]

    @property
    def key(self) -> str:
        """What tells these figures from others."""
        return f"{self.group} {self.title}"


@dataclass
class Measured:
    """All that runs of the benchmark found; ``about`` says when and with which versions."""

    machines: dict[int, Machine] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    figures: list[Figures] = field(default_factory=list)
    about: dict[str, str] = field(default_factory=dict)

    def add(self, found: Result | Figures) -> None:
        """Take in a result, in the place of one for the same thing."""
        listed: Any = self.results if isinstance(found, Result) else self.figures
        places = [i for i, other in enumerate(listed) if other.key == found.key]
        if places:
            listed[places[0]] = found
        else:
            listed.append(found)

    def has(self, key: str) -> bool:
        """True when something is known under the key."""
        return key in {x.key for x in self.results} | {x.key for x in self.figures}

    def of(self, group: str) -> list[Figures]:
        """The figures of a group."""
        return [x for x in self.figures if x.group == group]


def to_json(measured: Measured) -> str:
    """Everything measured, for programs."""
    return json.dumps(asdict(measured), indent=1) + "\n"


def from_json(text: str) -> Measured:
    """What ``to_json`` wrote."""
    given: dict[str, Any] = json.loads(text)
    machines = {int(threads): _machine(m) for threads, m in given["machines"].items()}
    results = [Result(**{**result, "row": Row(**result["row"])}) for result in given["results"]]
    return Measured(machines, results, [Figures(**x) for x in given["figures"]], given["about"])


def _machine(given: dict[str, Any]) -> Machine:
    bandwidths = {int(size): speed for size, speed in given["bandwidths"].items()}
    return Machine(given["name"], given["peak"], bandwidths, given["functions"])


class Store:
    """A file of what was measured; every addition is on disk when it is made."""

    def __init__(self, path: Path) -> None:
        """Raises ValueError where the file holds something else."""
        self.path = path
        try:
            self.measured = from_json(path.read_text(encoding="utf-8")) if path.is_file() \
                else Measured()  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} holds no results of this benchmark: {error!r}") from error

    def add(self, found: Iterable[Result | Figures]) -> None:
        """Keep results."""
        for one in found:
            self.measured.add(one)
            self.save()

    def save(self) -> None:
        """Write the file, whole or not at all."""
        write_whole(self.path, to_json(self.measured).encode())
