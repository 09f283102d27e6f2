"""The file of a cell that another one uses: beside the using file, or in the library."""

from __future__ import annotations

from pathlib import Path

from .. import library
from ..source import CellError, Source
from ..syntax import parse
from ..syntax.tree import Cell, Use
from .faults import Fault, did_you_mean


def used_cell(user: Cell, item: Use) -> Cell:
    """The tree of the cell that ``item`` names. Raises Fault where there is none, or none that
    can be read."""
    found = beside(user, item.cell)
    if found is None and item.cell not in library.names():
        text = f"there is no cell '{item.cell}'{did_you_mean(item.cell, library.names())}"
        note = "a cell that is used lies in the library, or in the folder of the using cell"
        raise Fault(text, item.span, notes=[note])
    try:
        found = found or library.find(item.cell)
        inside = found.parent == library.cells_folder()
        source = Source(library.read(found), found.name if inside else str(found))
        return parse(source)
    except (OSError, ValueError) as error:
        raise broken(item, error) from None


def beside(user: Cell, name: str) -> Path | None:
    """The file of that name in the folder of the using cell's file, if it has one."""
    own = Path(user.text.name)
    path = own.with_name(f"{name}.cell")
    return path if own.suffix == ".cell" and own.is_file() and path.is_file() else None


def broken(item: Use, error: Exception) -> Fault:
    """The report on a cell that cannot be used."""
    if not isinstance(error, CellError):
        return Fault(f"cell '{item.cell}' cannot be used", item.span, notes=[str(error)])
    first = error.diagnostics[0]
    note = f"{error.source.where(first.span)}: {first.message}"
    return Fault(f"cell '{item.cell}' has mistakes of its own", item.span, notes=[note])
