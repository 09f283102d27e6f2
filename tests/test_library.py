"""The cells of the library as texts: complete, and the same for symbols as for numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnngraph.check import check
from rnngraph.graph import Graph
from rnngraph.rewrite import NAMED_LEAVES
from rnngraph.sizes import Size
from rnngraph.source import Source
from rnngraph.syntax import parse, print_cell

CELLS = sorted((Path(__file__).parent.parent / "cells").glob("*.cell"))


def variable(graph: Graph) -> set[int]:
    """Ids of the nodes that are more than numbers: what depends on a leaf."""
    found: set[int] = set()
    for node in graph.nodes:
        if node.op in NAMED_LEAVES or any(x.id in found for x in node.operands):
            found.add(node.id)
    return found


@pytest.mark.parametrize("path", CELLS, ids=lambda p: p.stem)
def test_library_cells(path: Path) -> None:
    tree = parse(Source(path.read_text(encoding="utf-8"), path.name))
    symbolic = check(tree)
    assert symbolic.doc and symbolic.source and symbolic.outputs
    names = {s for n in symbolic.leaves.values() for d in n.shape
             if isinstance(d, Size) for s in d.symbols()}
    bound = check(tree, {name: i + 2 for i, name in enumerate(sorted(names))})
    # two sizes may be one number; nothing else becomes one
    assert len(variable(bound)) == len(variable(symbolic))
    assert len(bound.nodes) <= len(symbolic.nodes)
    assert all(type(d) is int for n in bound.nodes for d in n.shape)
    assert len(symbolic.outputs) == 1 and set(symbolic.outputs) <= {"h", "y"}
    assert str(check(parse(Source(print_cell(tree, unicode=True))))) == str(symbolic)
    own = [s for name, s in symbolic.states.items() if not name.startswith("prev_")]
    assert all(s.label for s in own)
