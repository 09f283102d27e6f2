"""The documentation holds: the code of pages runs and prints what it says, the op reference is the
op table, links lead somewhere.

A ```text block is what the ```python block before it prints; `pytest --bless` writes it anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnngraph.ops import OPS
from rnngraph.ops.documentation import COMMAND, document

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
RUN = ["tour.md", "inspect.md", "weights.md"]  # their blocks run, in order
STEP = re.compile(r"^```python\n(.*?)^```\n(?:\n?^```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)


def executed(text: str, printed: Callable[[str], str]) -> str:
    """The page with every ```text block as ``printed(code)`` has it; one name space for all."""

    def step(match: re.Match[str]) -> str:
        code, output = match.group(1), printed(match.group(1))
        return f"```python\n{code}```\n" + (f"```text\n{output}```\n" if output else "")

    return STEP.sub(step, text)


@pytest.mark.parametrize("page", RUN)
def test_a_page_prints_what_it_says(
    page: str, bless: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path, names = DOCS / page, dict[str, Any]()

    def printed(code: str) -> str:
        exec(compile(code, str(path), "exec"), names)
        lines = [line.rstrip() for line in capsys.readouterr().out.rstrip().splitlines()]
        return "".join(f"{line}\n" for line in lines)

    text = path.read_text(encoding="utf-8")
    made = executed(text, printed)
    if bless:
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8"), "if so it should be: pytest --bless"


def test_the_tour_has_its_ten_steps() -> None:
    text = (DOCS / "tour.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d+)\.", text, re.MULTILINE) == [str(n) for n in range(1, 11)]
    assert len(STEP.findall(text)) >= 10


def test_the_op_reference_is_the_op_table() -> None:
    written = (DOCS / "ops.md").read_text(encoding="utf-8")
    assert written == document(), f"docs/ops.md is stale; to write it anew: {COMMAND}"


@pytest.mark.parametrize("name", OPS)
def test_every_op_has_its_line(name: str) -> None:
    assert f"| `{name}` |" in (DOCS / "ops.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    missing = [k for k in links if "://" not in k and not (page.parent / k).exists()]
    assert not missing


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    missing = [page.name for page in PAGES if f"({page.name})" not in index]
    assert missing in ([], ["README.md"])


def test_modules_that_the_design_names_exist() -> None:
    text = (DOCS / "design.md").read_text(encoding="utf-8")
    named = re.findall(r"`(rnngraph/[\w/.]*)`", text)
    assert named
    assert [name for name in named if not (DOCS.parent / name).exists()] == []
