"""An installed rnngraph has all of itself: cells, prelude, words; however it was installed.

Each way gets a clean environment and is used from another folder than the checkout.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
LEAVE = shutil.ignore_patterns(
    ".git", ".venv*", "*_cache", ".hypothesis", "__pycache__", "dist", "build", "rnngraph-*"
)
USE = """\
import numpy as np
import rnngraph as rg
from rnngraph import library
from rnngraph.tasks.agreement import Agreement

for name in library.names():
    rg.load(name)
lstm = rg.load("lstm").compile(I=3, H=5)
y, _ = lstm.run(lstm.init(), np.zeros((4, 2, 3), np.float32))
assert y.shape == (4, 2, 5) and not y.any()
Agreement(0)
print(rg.__file__, *library.names(), sep="\\n")
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that an install leaves nothing in the checkout and a cell can be added."""
    folder = tmp_path_factory.mktemp("packaging") / "checkout"
    shutil.copytree(ROOT, folder, ignore=LEAVE)
    return folder


def call(*command: str | Path, where: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(command, cwd=where, env=environment, text=True, check=False,
                          capture_output=True)  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def environment(folder: Path, *install: str | Path) -> Path:
    """A clean virtual environment with something installed: its folder of programs."""
    call(sys.executable, "-m", "venv", folder, where=folder.parent)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    call(programs / "python", "-m", "pip", "install", "-q", *install, where=folder.parent)
    return programs


def use(programs: Path, where: Path) -> tuple[Path, list[str]]:
    """Load every cell and compile one: where the package lies, and the names of its cells."""
    file, *names = call(programs / "python", "-c", USE, where=where).splitlines()
    assert "the cells of the library" in call(programs / "rnngraph", "--help", where=where)
    assert call(programs / "rnngraph", "list", "--names", where=where).split() == names
    return Path(file), names


def cells(checkout: Path) -> list[str]:
    return sorted(path.stem for path in (checkout / "cells").glob("*.cell"))


def test_wheel_from_the_sdist(checkout: Path, tmp_path: Path) -> None:
    builder = environment(tmp_path / "builder", "build")
    call(builder / "python", "-m", "build", "-o", tmp_path / "dist", where=checkout)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert list((tmp_path / "dist").glob("*.tar.gz"))
    file, names = use(environment(tmp_path / "venv", wheel), tmp_path)
    assert checkout not in file.parents
    assert names == cells(checkout)


def test_editable_install_sees_new_cells(checkout: Path, tmp_path: Path) -> None:
    programs = environment(tmp_path / "venv", "-e", checkout)
    new = checkout / "cells" / "brand_new.cell"
    shutil.copy(checkout / "cells" / "rnn.cell", new)
    try:
        file, names = use(programs, tmp_path)
    finally:
        new.unlink()
    assert checkout in file.parents
    assert "brand_new" in names
