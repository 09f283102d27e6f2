"""``rnngraph new``: the text of a cell to begin with."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..files import write_whole
from ..library import find, read
from ..source import CellError, Source
from ..syntax import parse
from .arguments import CELL_HELP

STARTER = Path(__file__).with_name("starter.cell")
EPILOG = """\
The new cell is a whole one: it checks, compiles and trains as it is. Its comments say what each
line means. With --like, the text is that of another cell.

examples:
  rnngraph new mine                    writes mine.cell
  rnngraph new cells/mine --like gru   the GRU under a new name, to be changed
  rnngraph check mine.cell
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``new``."""
    add = parser.add_argument
    add("name", metavar="NAME", help="the cell's name, with a folder before it if you like")
    add("--like", metavar="CELL", help=CELL_HELP.replace(", or - for standard input", ""))
    add("--force", action="store_true", help="overwrite a file that is there")


def run(args: Namespace) -> int:
    """Write the file, and say which."""
    path = Path(args.name)
    if path.suffix != ".cell":
        path = path.with_name(f"{path.name}.cell")
    check_name(path.stem)
    if path.is_dir() or (path.exists() and not args.force):
        hint = "choose another name" if path.is_dir() else "--force overwrites it"
        raise FileExistsError(f"'{path}' is there already; {hint}")
    text = renamed(find(args.like) if args.like else STARTER, path.stem)
    write_whole(path, text.replace(STARTER.name, str(path)).encode())
    print(path)
    return 0


def check_name(name: str) -> None:
    """Raise ValueError for what cannot be the name of a cell."""
    try:
        good = parse(Source(f"cell {name}")).name == name
    except CellError:
        good = False
    if not good:
        raise ValueError(
            f"'{name}' is no name for a cell: it has letters, digits and _, and no digit first"
        )


def renamed(path: Path, name: str) -> str:
    """The text of a cell's file under another name. Raises what reading and parsing it raise."""
    source = Source(read(path), str(path))
    start, end = parse(source).span
    return source.text[:start] + name + source.text[end:]
