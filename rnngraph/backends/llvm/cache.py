"""Machine code kept on disk, private to the user.

    entry ::= header line (JSON: digest of name and rest, layout), then the object code

An entry's name is a digest of everything its code depends on: the lowered graph with its sizes,
what is given late, the precision, the processor with its features, the versions of LLVM's
binding and of rnngraph's own code. Code is loaded only if it has the digest its header says; an
entry that has not is made again, with a warning. Entries are written to one side and moved into
place, so writers do not disturb each other; the oldest go when there are too many.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import llvmlite

from ...graph import Graph
from ...settings import settings
from .target import Target

MAX_BYTES = 256 << 20
SUFFIX, UNFINISHED = ".rnngraph", ".unfinished"
STALE = 3600  # seconds after which nobody writes an unfinished entry any more
PACKAGE = Path(__file__).resolve().parents[2]


def key_of(graph: Graph, late: Iterable[str], real: str, target: Target) -> str:
    """The name of the entry for a lowered graph."""
    parts = [*fingerprint(graph), *late, real, target.cpu, target.features, target.triple,
             llvmlite.__version__, _code_version()]  # fmt: skip
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def fingerprint(graph: Graph) -> list[str]:
    """Every node and the interface, to the last digit."""
    lines = [
        f"{n.id} {n.op} {[x.id for x in n.operands]} {sorted(n.attrs.items())!r} "
        f"{n.shape} {n.dtype}"
        for n in graph.reachable()
    ]
    lines += [f"state {s.name} {s.leaf.id} {s.next and s.next.id} {s.delay}"
              for s in graph.states.values()]  # fmt: skip
    return lines + [f"output {name} {node.id}" for name, node in graph.outputs.items()]


@lru_cache(maxsize=1)
def _code_version() -> str:
    """Changes whenever a file that decides about machine code changes."""
    files = (p for name in ("ops", "schedule", "backends") for p in (PACKAGE / name).rglob("*.py"))
    # installers set the time of a change (mtime) as they like, but not the system's own (ctime)
    found = ((p, p.stat()) for p in files)
    stamps = sorted((str(p), s.st_mtime_ns, s.st_ctime_ns, s.st_size) for p, s in found)
    return hashlib.sha256(repr(stamps).encode()).hexdigest()


def folder() -> Path | None:
    """The folder of the entries, made if need be; None where there is none to be had.

    RNNGRAPH_CACHE names another one, or is "off".
    """
    if settings.cache == "off":
        return None
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    chosen = Path(settings.cache) if settings.cache else Path(base) / "rnngraph"
    try:
        chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
        return chosen if _private(chosen) else None
    except (OSError, RuntimeError):
        return None


def _private(path: Path) -> bool:
    """Code is read only from a folder that nobody else may write to."""
    if not hasattr(os, "getuid"):
        return True
    found = path.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def load(key: str) -> tuple[bytes, dict[str, object]] | None:
    """``(object code, layout)`` of an entry; None if there is none, or none to be trusted."""
    place = folder()
    if place is None:
        return None
    path = place / f"{key}{SUFFIX}"
    try:
        head, _, code = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    try:
        header = json.loads(head)
        if header["digest"] == _digest(key, header["layout"], code):
            os.utime(path)
            return code, header["layout"]
    except (ValueError, KeyError, TypeError, OSError):
        pass
    warnings.warn(f"the cached code in '{path}' is damaged; it is made again", stacklevel=2)
    return None


def store(key: str, code: bytes, layout: dict[str, object]) -> None:
    """Keep an entry; a folder that cannot be written to is no error."""
    place = folder()
    if place is None:
        return
    header = json.dumps({"digest": _digest(key, layout, code), "layout": layout}).encode()
    try:
        with tempfile.NamedTemporaryFile(dir=place, suffix=UNFINISHED, delete=False) as file:
            file.write(header + b"\n" + code)
        os.replace(file.name, place / f"{key}{SUFFIX}")
        _bound(place)
    except OSError:
        return


def _digest(key: str, layout: object, code: bytes) -> str:
    """Of an entry under its own name: the code of another one is as wrong as a damaged one."""
    named = json.dumps([key, layout], sort_keys=True).encode()
    return hashlib.sha256(named + code).hexdigest()


def _bound(place: Path) -> None:
    """Let the entries go that were not used for the longest time, beyond MAX_BYTES."""
    for left in place.glob(f"*{UNFINISHED}"):  # by a writer that was stopped
        if time.time() - left.stat().st_mtime > STALE:
            left.unlink(missing_ok=True)
    entries = [(p.stat().st_mtime_ns, p.stat().st_size, p) for p in place.glob(f"*{SUFFIX}")]
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size
