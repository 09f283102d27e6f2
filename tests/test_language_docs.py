"""The language reference: every cell in it is read, checked and printed again."""

import re
from pathlib import Path

import pytest

from rnngraph.check import check
from rnngraph.check.elaborate import BUILTIN_NAMES, prelude
from rnngraph.source import Source
from rnngraph.syntax import parse, print_cell

TEXT = (Path(__file__).parent.parent / "docs" / "language.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```cell\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SIZES = {"H": 6, "I": 5, "V": 7, "D": 4, "K": 3}


@pytest.mark.parametrize("text", BLOCKS, ids=lambda t: t.split()[1])
def test_block(text):
    tree = parse(Source(text))
    graph = check(tree)
    used = {s for leaf in graph.leaves.values() for d in leaf.shape for s in _symbols(d)}
    assert check(tree, {name: SIZES[name] for name in used}).outputs
    assert parse(Source(print_cell(tree))) == tree


def _symbols(dim):
    return () if isinstance(dim, int) else dim.symbols()


def test_there_are_blocks():
    assert len(BLOCKS) >= 8


@pytest.mark.parametrize("name", sorted({*BUILTIN_NAMES, *prelude()}))
def test_every_function_is_described(name):
    internal = {"centred", "largest", "shifted", "standardised", "maximum", "minimum"}
    assert name in internal or re.search(rf"\b{name}\b", TEXT)
