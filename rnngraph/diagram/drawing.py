"""``diagram(graph)``: the face of this package, and the object that it returns.

A Diagram is text until somebody asks for more: graphviz is imported on the first drawing, a
renderer is started on the first picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

from ..files import write_whole
from ..graph import Graph
from .dot import to_digraph
from .every_op import ops_picture
from .gates import gates_picture
from .picture import Picture
from .render import FORMATS, render
from .theme import Theme

Drawer = Callable[[Graph, Mapping[int, str], Theme], Picture]
DETAILS: Mapping[str, Drawer] = {"gates": gates_picture, "ops": ops_picture}


def diagram(
    graph: Graph,
    detail: str = "gates",
    groups: Mapping[int, str] | None = None,
    theme: Theme | None = None,
) -> Diagram:
    """Draw a graph: a cell, its gradient, or any other step graph.

    ``detail`` is "gates" (inputs, states, named values, outputs) or "ops" (every op). ``groups``
    maps node ids to the label of the frame they are drawn in, such as "loop" or "kernel 3".
    Raises ValueError for an unknown detail.
    """
    if detail not in DETAILS:
        raise ValueError(f"detail '{detail}' is not one of {', '.join(DETAILS)}")
    theme = theme or Theme()
    return Diagram(DETAILS[detail](graph, groups or {}, theme), theme)


class Diagram:
    """A drawing: DOT text, a ``graphviz.Digraph``, or a picture in a file."""

    def __init__(self, picture: Picture, theme: Theme) -> None:
        self.picture = picture
        self.theme = theme

    @cached_property
    def digraph(self) -> Any:
        """The ``graphviz.Digraph``, to be changed or rendered with that package."""
        return to_digraph(self.picture, self.theme)

    @property
    def source(self) -> str:
        """The drawing as DOT text."""
        return str(self.digraph.source)

    @property
    def svg(self) -> str:
        """The drawing as SVG text. Raises RenderError where there is no renderer."""
        return self.rendered("svg").decode()

    def rendered(self, format: str = "svg") -> bytes:
        """The drawing as "svg", "png" or "pdf". Raises ValueError, RenderError."""
        return render(self.source, format, self.theme.dpi)

    def render(self, path: str | PathLike[str], format: str | None = None) -> Path:
        """Write the drawing to a file, whole or not at all, and return the file's path.

        Without ``format`` the path's suffix decides, svg where it has none; a suffix that is
        missing is added. Raises ValueError for an unknown format, RenderError where the picture
        cannot be made, OSError where the file cannot be written.
        """
        target = Path(path)
        suffix = target.suffix[1:].lower()
        if format is None:
            format = suffix or "svg"
        data = self.rendered(format)
        if suffix != format:
            target = target.with_name(f"{target.name}.{format}")
        write_whole(target, data)
        return target

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        boxes, arrows = len(self.picture.boxes), len(self.picture.arrows)
        return f"<Diagram of {self.picture.title}: {boxes} boxes, {arrows} arrows>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """For notebooks: the picture where it can be made, else text; never an error."""
        data, metadata = {"text/plain": repr(self)}, {}
        try:
            data["image/svg+xml"] = self.svg
            metadata["image/svg+xml"] = {"isolated": True}
        except Exception as error:  # a traceback is worse than no picture
            data["text/plain"] = f"{self!r}\n({error})"
        return data, metadata


__all__ = ["FORMATS", "Diagram", "diagram"]
