"""No kernel reads or writes outside its arrays: each lies against a page that may not be touched.

In processes of their own, so that a stray access is a failed test and not the end of the tests.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from compiled_cells import TARGETS

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs mmap and mprotect of Linux")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(HERE.parent), str(HERE), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, str(HERE / "guard_pages.py"), *arguments],
        capture_output=True, text=True, check=False, timeout=1800,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


@pytest.mark.parametrize("access", ["read", "write"])
def test_the_guards_hold(access):
    assert run(access).returncode < 0


@pytest.mark.parametrize("target", TARGETS)
def test_cells_by_turns(target):
    done = run(target)
    assert done.returncode == 0, f"{done.stdout[-200:]}\n{done.stderr[-2000:]}"
    assert "all within their arrays" in done.stdout
