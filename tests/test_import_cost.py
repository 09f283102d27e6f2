"""Importing rnngraph costs almost nothing: what is heavy is imported when first needed.

Held by what is imported, not by how long it takes, so that a slow machine does not fail.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numpy", "llvmlite", "networkx", "graphviz", "matplotlib", "rich", "safetensors", "torch",
         "pandas", "xarray")


def imported(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has imported after running the code."""
    program = f"{code}\nimport sys; print(*{{m.partition('.')[0] for m in sys.modules}})"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code, allowed",
    [
        ("import rnngraph", ()),
        ("import rnngraph; dir(rnngraph); rnngraph.__version__", ()),
        ("import rnngraph.cli; rnngraph.cli.main(['--help'])", ()),
        ("import rnngraph; rnngraph.load('lstm')", ("numpy",)),
        ("import rnngraph.cli; rnngraph.cli.main(['check', 'lstm'])", ("numpy",)),
        (
            "import rnngraph.cli; rnngraph.cli.main(['show', 'lstm', '--stage', 'graph'])",
            ("numpy",),
        ),
    ],
)
def test_nothing_heavy_is_imported(code: str, allowed: tuple[str, ...]) -> None:
    assert imported(code) & set(HEAVY) <= set(allowed)


def test_heavy_modules_would_be_seen() -> None:
    assert "numpy" in imported("import numpy")
