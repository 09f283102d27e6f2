"""Every wrong cell of tests/bad is answered with the report that is stored beside it.

``pytest tests/test_bad_cells.py --bless`` writes the reports anew; read the diff before you commit
it.  A cell may begin its body with ``# sizes: H=4, I=3`` or ``# consts: dt=0.5``.
"""

import re
import time
from pathlib import Path

import pytest

from rnngraph.check import check
from rnngraph.source import CellError, Source
from rnngraph.syntax import parse

FOLDER = Path(__file__).parent / "bad"
CELLS = sorted(FOLDER.glob("*.cell"))


def given(text, what):
    """The numbers of a line such as ``# sizes: H=4, I=3``; None if there is none."""
    match = re.search(rf"^# {what}: (.*)$", text, re.MULTILINE)
    if not match:
        return None
    pairs = (pair.split("=") for pair in match[1].split(", "))
    return {name: float(v) if "." in v else int(v) for name, v in pairs}


def answer(path):
    text = path.read_text(encoding="utf-8")
    with pytest.raises(CellError) as caught:
        check(
            parse(Source(text, path.name), partial=True),
            given(text, "sizes"),
            given(text, "consts"),
        )
    return str(caught.value) + "\n"


@pytest.mark.parametrize("path", CELLS, ids=lambda p: p.stem)
def test_answer(path, bless):
    start = time.perf_counter()
    found = answer(path)
    assert time.perf_counter() - start < 20
    stored = path.with_suffix(".txt")
    if bless:
        stored.write_text(found, encoding="utf-8")
    assert stored.exists(), f"no expectation for {path.name}; run pytest --bless"
    assert found == stored.read_text(encoding="utf-8")


def test_there_are_enough_and_none_is_left_over():
    assert len(CELLS) >= 60
    names = {path.stem for path in CELLS}
    assert {path.stem for path in FOLDER.glob("*.txt")} <= names
