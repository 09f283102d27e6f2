"""The library of cells: where the bundled ``*.cell`` files lie, and cells by name or path."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

MAX_BYTES = 4 << 20


def cells_folder() -> Path:
    """The folder of the bundled cells, in an installed package or in a checkout."""
    here = Path(__file__).resolve().parent
    checkouts = (up for up in here.parents[:2] if (up / "pyproject.toml").is_file())
    for folder in (here / "cells", *(up / "cells" for up in checkouts)):
        if folder.is_dir():
            return folder
    raise FileNotFoundError("rnngraph's bundled cells are missing; install rnngraph again")


def names() -> list[str]:
    """Names of the bundled cells, sorted."""
    return sorted(path.stem for path in cells_folder().glob("*.cell"))


def find(name: str | Path) -> Path:
    """The file of a cell: a bundled name, or a path.

    Raises FileNotFoundError that says what would have been found.
    """
    path = Path(name)
    if path.suffix == ".cell" or path.parent != Path() or path.is_file():
        if path.is_file():
            return path
        if path.is_dir():
            raise IsADirectoryError(f"'{path}' is a folder, not a cell")
        raise FileNotFoundError(f"there is no file '{path}'")
    bundled = cells_folder() / f"{path}.cell"
    if bundled.is_file():
        return bundled
    close = get_close_matches(str(path), names(), 1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    raise FileNotFoundError(
        f"no cell '{path}'{hint} The library has {', '.join(names())}; "
        "a cell of your own is named by its path, such as ./my.cell"
    )


def read(path: Path) -> str:
    """The text of a cell file. Raises ValueError for one that is not UTF-8 text of sane size."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"'{path}' has {size} bytes; a cell has at most {MAX_BYTES}")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"'{path}' is not UTF-8 text: {error}") from None
