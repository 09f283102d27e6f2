"""Entries kept on disk, private to the user: what was once made and is not made again.

    entry ::= header line (JSON: digest of name, about and content; about), then the content

An entry's name is a digest of everything that its content depends on. Its content is used only if
it has the digest that its header says; one that has not is made again, with a warning. Entries are
written to one side and moved into place, so writers do not disturb each other; the oldest go when
there are too many.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from .settings import settings

MAX_BYTES = 256 << 20
UNFINISHED = ".unfinished"
STALE = 3600  # seconds after which nobody writes an unfinished entry any more
PACKAGE = Path(__file__).resolve().parent


def name_of(parts: Iterable[str]) -> str:
    """The name of what depends on all these parts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def version_of(*rooms: str) -> str:
    """Changes whenever a file of these folders, or one of these files, of rnngraph does."""
    files = (p for room in rooms for p in
             ((PACKAGE / room).rglob("*") if (PACKAGE / room).is_dir() else [PACKAGE / room])
             if p.suffix in (".py", ".ll"))  # fmt: skip
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
    """Entries are read only from a folder that nobody else may write to."""
    if not hasattr(os, "getuid"):
        return True
    found = path.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def load(name: str) -> tuple[bytes, Any] | None:
    """``(content, about)`` of an entry; None if there is none, or none to be trusted."""
    place = folder()
    if place is None:
        return None
    path = place / name
    try:
        head, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    try:
        header = json.loads(head)
        if header["digest"] == _digest(name, header["about"], content):
            os.utime(path)
            return content, header["about"]
    except (ValueError, KeyError, TypeError, OSError):
        pass
    warnings.warn(f"the cached entry '{path}' is damaged; it is made again", stacklevel=2)
    return None


def store(name: str, content: bytes, about: Any = None) -> None:
    """Keep an entry; a folder that cannot be written to is no error."""
    place = folder()
    if place is None:
        return
    header = json.dumps({"digest": _digest(name, about, content), "about": about}).encode()
    try:
        with tempfile.NamedTemporaryFile(dir=place, suffix=UNFINISHED, delete=False) as file:
            file.write(header + b"\n" + content)
        os.replace(file.name, place / name)
        _bound(place, Path(name).suffix)
    except OSError:
        return


def _digest(name: str, about: Any, content: bytes) -> str:
    """Of an entry under its own name: what another one holds is as wrong as a damaged one."""
    named = json.dumps([name, about], sort_keys=True).encode()
    return hashlib.sha256(named + content).hexdigest()


def _bound(place: Path, suffix: str) -> None:
    """Let the entries of a kind go that were not used for the longest time, beyond MAX_BYTES."""
    for left in place.glob(f"*{UNFINISHED}"):  # by a writer that was stopped
        if time.time() - left.stat().st_mtime > STALE:
            left.unlink(missing_ok=True)
    entries = [(p.stat().st_mtime_ns, p.stat().st_size, p) for p in place.glob(f"*{suffix}")]
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size
