"""Calling the command line in tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from rnngraph.cli import main

LOOKUP = "cell T\ninput token: int\nstate h[H]\nparam E[9, H]\nh' = tanh(h + E[token])\n"
X = np.random.default_rng(0).normal(size=(5, 2, 3)).astype(np.float32)


class Answer(NamedTuple):
    """What a call answered: its exit code, and what went to standard output and error."""

    code: int
    out: str
    err: str


Call = Callable[..., Answer]


@pytest.fixture
def call(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Call:
    """Call the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def answer(*words: str) -> Answer:
        code = main(words)
        return Answer(code, *capfd.readouterr())

    return answer
