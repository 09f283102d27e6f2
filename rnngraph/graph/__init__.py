"""The step graph: nodes, interning, printing and a networkx view."""

from __future__ import annotations

from .graph import Graph, Line, Named, Noise, State, spread
from .init import ZERO, Init
from .node import Node, Shape, Varies
from .printing import show
from .view import to_networkx

__all__ = [
    "ZERO",
    "Graph",
    "Init",
    "Line",
    "Named",
    "Node",
    "Noise",
    "Shape",
    "State",
    "Varies",
    "show",
    "spread",
    "to_networkx",
]
