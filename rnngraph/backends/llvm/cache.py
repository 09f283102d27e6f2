"""Machine code kept on disk (``rnngraph.entries``).

An entry's name tells everything its code depends on: the lowered graph with its sizes, what is
given late, the precision, the processor with its features, the versions of LLVM's binding and of
rnngraph's own code.
"""

from __future__ import annotations

from collections.abc import Iterable

import llvmlite

from ... import entries
from ...graph import Graph
from .target import Target

SUFFIX = ".code"
ROOMS = ("ops", "schedule", "backends")  # whose code decides about machine code


def key_of(graph: Graph, late: Iterable[str], real: str, target: Target) -> str:
    """The name of the entry for a lowered graph."""
    parts = [*fingerprint(graph), *late, real, target.cpu, target.features, target.triple,
             llvmlite.__version__, entries.version_of(*ROOMS)]  # fmt: skip
    return entries.name_of(parts) + SUFFIX


def fingerprint(graph: Graph) -> list[str]:
    """Every node and the interface, to the last digit."""
    lines = [
        f"{n.id} {n.op} {[x.id for x in n.operands]} {sorted(n.attrs.items())!r} "
        f"{n.shape} {n.dtype}"
        for n in graph.reachable()
    ]
    lines += [f"state {s.name} {s.leaf.id} {s.next and s.next.id} {s.delay}"
              for s in graph.states.values()]  # fmt: skip
    return lines + [f"output {name} {node.id}" for name, node in graph.outputs.items()]
