"""Programs derived from a cell's: compiled once, and gone with the cell."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from weakref import WeakKeyDictionary

from ..compiled import Compiled
from ..graph import Graph

# values must not hold their key, or neither would ever be let go
_DERIVED: WeakKeyDictionary[Compiled, dict[Hashable, Compiled]] = WeakKeyDictionary()


def derived(
    compiled: Compiled, key: Hashable, make: Callable[[], Graph], dtype: str | None = None
) -> Compiled:
    """The compiled form of a graph made from a cell's, kept for the next call with that key.

    In ``dtype``, exact; without one as the cell is: in its precision, with its parallel scans.
    """
    kept = _DERIVED.setdefault(compiled, {})
    if (key, dtype) not in kept:
        kept[key, dtype] = Compiled(
            make(), dtype=dtype or compiled.dtype, target=compiled.target,
            threads=compiled.threads, precision=None if dtype else compiled.precision,
            parallel_scan=compiled.parallel_scan and not dtype,
        )  # fmt: skip
    return kept[key, dtype]
