"""Drawings of step graphs: a graph in, a Graphviz drawing and pictures of it out."""

from __future__ import annotations

from .drawing import Diagram, diagram
from .render import FORMATS, RenderError, render
from .theme import KINDS, Paint, Theme

__all__ = ["FORMATS", "KINDS", "Diagram", "Paint", "RenderError", "Theme", "diagram", "render"]
