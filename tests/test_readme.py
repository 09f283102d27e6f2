"""The README holds: its code runs, its output is what comes out, its set-up lines are two.

```sh       a set-up line, run by .ci/run (the tests' own one is this very run)
```console  $ rnngraph ..., and what it prints; ... stands for anything
```python   runs after the blocks before it; `expression  # value` must have that value
```text     what the block before it prints
"""

from __future__ import annotations

import ast
import re
import shlex
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from typing import Any

import pytest

import rnngraph as rg
from rnngraph.cli import main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_blocks_are_of_known_kinds() -> None:
    assert {kind for kind, _ in BLOCKS} <= {"sh", "console", "python", "text"}
    assert README.count("```") == 2 * len(BLOCKS)


def test_there_are_exactly_two_set_up_lines() -> None:
    demo, tests = [body.splitlines() for kind, body in BLOCKS if kind == "sh"]
    assert len(demo) == len(tests) == 1
    assert demo[0].endswith("rnngraph demo")
    assert "pytest" in tests[0]
    assert all(line.startswith("python3 -m venv ") for line in (demo[0], tests[0]))


def test_what_it_is_takes_three_sentences_and_a_picture() -> None:
    before = README.partition("\n## ")[0]
    text = before.partition("![")[0].partition("\n\n")[2]
    assert len(re.findall(r"\.(?:\s|$)", text)) == 3
    assert before.count("![") == 1


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert links
    assert not missing


def test_the_picture_is_what_is_drawn_today(bless: bool) -> None:
    picture = ROOT / "docs" / "images" / "lstm.svg"
    if bless:
        rg.load("lstm").diagram().render(picture)
    assert picture.read_text(encoding="utf-8") == rg.load("lstm").diagram().svg


def test_python_blocks_run_and_give_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, Any] = {}
    for (kind, body), (next_kind, after) in zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True):
        if kind == "python":
            run(body, namespace)
            assert capsys.readouterr().out == (after if next_kind == "text" else "")


def run(body: str, namespace: dict[str, Any]) -> None:
    """Run statements; an expression with a comment must have the value that the comment says."""
    lines = body.splitlines()
    for statement in ast.parse(body).body:
        assert statement.end_lineno is not None
        comment = lines[statement.end_lineno - 1].partition("  # ")[2]
        if isinstance(statement, ast.Expr) and comment:
            value = eval(compile(ast.Expression(statement.value), "README.md", "eval"), namespace)
            assert repr(value) == comment, ast.unparse(statement)
        else:
            module = ast.Module([statement], [])
            exec(compile(module, "README.md", "exec"), namespace)


@pytest.mark.parametrize("body", [body for kind, body in BLOCKS if kind == "console"])
def test_commands_print_what_they_say(body: str, capsys: pytest.CaptureFixture[str]) -> None:
    prompt, _, expected = body.partition("\n")
    command = shlex.split(prompt.removeprefix("$ "))
    assert command[0] == "rnngraph"
    assert main(command[1:]) == 0
    printed = capsys.readouterr().out
    assert OutputChecker().check_output(expected, printed, ELLIPSIS), printed
