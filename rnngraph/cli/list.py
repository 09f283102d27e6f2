"""``rnngraph list``: the library, a line for every cell, with its family and its year."""

from __future__ import annotations

import shutil
import textwrap
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from ..catalogue import FAMILIES, Entry, entries
from .arguments import named_choices
from .terminal import bold, dim, note

EPILOG = f"""\
families:
{textwrap.fill(", ".join(FAMILIES), 96, initial_indent="  ", subsequent_indent="  ")}

examples:
  rnngraph list
  rnngraph list attention delta       cells that have both words in name, text or citation
  rnngraph list --family "state space"
  rnngraph list --year 2014-2016 --sort year
  rnngraph list --source              where each cell was published
  rnngraph show gru                   the equations of one
"""
NARROW, WIDE = 72, 160  # columns between which lines follow the terminal
SORTS: dict[str, Callable[[Entry], Any]] = {
    "name": lambda e: e.name,
    "family": lambda e: ([*FAMILIES].index(e.family), e.year, e.name),
    "year": lambda e: (e.year, e.name),
}


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``list``."""
    add = parser.add_argument
    add("words", nargs="*", metavar="WORD", help="only cells that have all of these words")
    add(
        "--family",
        type=lambda text: named_choices(text, FAMILIES, "family"),
        metavar="NAME",
        help="only cells of this family",
    )
    add(
        "--year",
        type=_years,
        default=(0, 9999),
        metavar="YEAR[-YEAR]",
        help="only cells published then, such as 2014 or 2014-2016",
    )
    add("--sort", choices=[*SORTS], help="one list by this, instead of one for each family")
    add("--source", action="store_true", help="say where each was published")
    add("--names", action="store_true", help="print bare names, for scripts")


def _years(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    last = last if dash else first
    if not (first.isdecimal() and last.isdecimal()) or int(first) > int(last):
        raise ArgumentTypeError(f"'{text}' is no year such as 2014, and no range such as 2014-2016")
    return int(first), int(last)


def run(args: Namespace) -> int:
    """Print what was asked for; 1 if the library has no such cell."""
    chosen = [entry for entry in entries() if _is_wanted(entry, args)]
    if args.sort:
        chosen.sort(key=SORTS[args.sort])
    if not chosen:
        note(f"no cell of the library is {_asked(args)}")
        return 1
    if args.names:
        print("\n".join(entry.name for entry in chosen))
    elif args.sort:
        print("\n".join(_lines(chosen, args.source, with_family=True)))
    else:
        print("\n\n".join("\n".join(block) for block in _by_family(chosen, args.source)))
    return 0


def _is_wanted(entry: Entry, args: Namespace) -> bool:
    first, last = args.year
    text = " ".join((entry.name, entry.title, entry.doc, entry.source)).casefold()
    return (
        args.family in (None, entry.family)
        and first <= entry.year <= last
        and all(word.casefold() in text for word in args.words)
    )


def _asked(args: Namespace) -> str:
    """The filters in words."""
    first, last = args.year
    told = [f"of the family '{args.family}'"] if args.family else []
    told += [f"of {first}" if first == last else f"of {first} to {last}"] if first else []
    told += [f"called or described by {' and '.join(map(repr, args.words))}"] if args.words else []
    return ", ".join(told)


def _by_family(chosen: Sequence[Entry], source: bool) -> Iterator[list[str]]:
    """For every family its name, what it is, and its cells from the oldest."""
    found = sorted(chosen, key=SORTS["family"])
    lines = iter(_lines(found, source))
    for family, members in groupby(found, key=lambda e: e.family):
        about = textwrap.shorten(FAMILIES[family], _columns() - len(family) - 2, placeholder=" …")
        heading = f"{bold(family)}  {dim(about)}"
        yield [heading, *(f"  {next(lines)}" for _ in members)]


def _columns() -> int:
    return min(max(shutil.get_terminal_size().columns, NARROW), WIDE)


def _lines(chosen: Sequence[Entry], source: bool, with_family: bool = False) -> list[str]:
    """What is said of every cell, in as many columns as the terminal has."""
    columns = _columns()
    names = max(len(e.name) for e in chosen)
    kinds = max(len(e.family) for e in chosen)
    made = []
    for entry in chosen:
        head = f"{entry.name.ljust(names)}  {entry.year}  "
        head += f"{entry.family.ljust(kinds)}  " if with_family else ""
        room = columns - len(head) - 2 * (not with_family)  # what is under a heading is indented
        line = head.replace(entry.name, bold(entry.name), 1)
        line += textwrap.shorten(entry.doc, room, placeholder=" …")
        rest = textwrap.wrap(entry.source, room) if source else []
        made.append("\n".join([line, *(" " * (columns - room) + dim(part) for part in rest)]))
    return made
