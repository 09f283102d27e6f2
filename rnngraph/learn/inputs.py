"""What a cell reads, brought down to one real vector: the same way for every cell.

gap, delta, mask, time, mean     their values of a regular series (``passes.regular``)
several real inputs left         each is a learned projection of the one vector
"""

from __future__ import annotations

from collections.abc import Mapping

from ..cell import Cell, parse
from ..graph import Graph, Node
from ..ops import show_shape
from ..passes.regular import regular
from ..passes.wire import wire

HEAD = """\
cell Projections
"A view of the input for each of those that the cell has."
input {x}[{E}]
"""
VECTOR = """\
param W_{x}_{name}[{shape}, {E}] ~ normal(1/sqrt({E}))
output {x}_{name} = W_{x}_{name} @ {x}
"""
SCALAR = """\
param W_{x}_{name}[{E}] ~ normal(1/sqrt({E}))
output {x}_{name} = sum(W_{x}_{name} * {x})
"""


def with_one_input(cell: Cell) -> Cell:
    """The cell for regular series, with one input wherever all that are left are real vectors or
    numbers; others stay as they are. Sizes stay open."""
    made = Cell(
        regular(cell.graph),
        elaborate=lambda sizes, consts: regular(cell.elaborate(sizes, consts)),
        consts=cell.consts,
        implied=cell.implied,
    )
    inputs = made.graph.inputs
    fit = all(leaf.dtype == "real" and len(leaf.shape) < 2 for leaf in inputs.values())
    return _projected(made) if len(inputs) > 1 and fit else made


def _projected(cell: Cell) -> Cell:
    taken = {*cell.graph.leaves, *cell.graph.names, *cell.graph.outputs}
    names = {"x": _free("x", taken), "E": _free("E", set(cell.sizes))}
    inputs = cell.graph.inputs
    views = [_view(name, leaf, names) for name, leaf in inputs.items()]
    front = parse(HEAD.format(**names) + "".join(views))
    wires = {name: f"{names['x']}_{name}" for name in inputs}

    def joined(sizes: Mapping[str, int] | None, consts: Mapping[str, float]) -> Graph:
        mine, theirs = (
            None if sizes is None else {n: v for n, v in sizes.items() if n in part.sizes}
            for part in (front, cell)
        )
        own = cell.elaborate(theirs, consts)
        return wire([front.elaborate(mine), own], wires, title=own.title, doc=own.doc,
                    source=own.source, family=own.family, outputs=list(own.outputs))  # fmt: skip

    return Cell(joined(None, {}), elaborate=joined, consts=cell.consts, implied=cell.implied)


def _view(name: str, leaf: Node, names: Mapping[str, str]) -> str:
    text = VECTOR if leaf.shape else SCALAR
    return text.format(name=name, shape=show_shape(leaf.shape)[1:-1], **names)


def _free(name: str, taken: set[str]) -> str:
    while any(one == name or one.startswith(f"{name}_") for one in taken):
        name += name[0]
    return name
