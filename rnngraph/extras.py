"""Packages that are not needed by all: what to say where one is missing."""

from __future__ import annotations

from importlib.util import find_spec


def need(package: str, extra: str, what: str) -> None:
    """Raise ImportError with what to do about it, if a package of an extra is not installed.

    what: what cannot be done without it, "the picture".
    """
    if find_spec(package) is None:
        raise ImportError(f"{what} needs {package}: pip install 'rnngraph[{extra}]'")
