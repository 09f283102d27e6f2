"""Hints for the layout, taken from the shape of the picture and from nothing else.

The strongly connected components of the arrows, delays included, are the recurrences of the
graph: a layer of a stack is one. Previous values of one recurrence stand in line, and so do its
next values where no path leaves their line and returns to it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .picture import Picture


def recurrences(picture: Picture) -> list[set[str]]:
    """Keys of the boxes of each recurrence, in order of the picture's boxes."""
    import networkx

    place = {key: i for i, key in enumerate(picture.boxes)}
    found = networkx.strongly_connected_components(_view(picture, delays=True))
    return sorted((set(c) for c in found if len(c) > 1), key=lambda c: min(place[k] for k in c))


def lines(picture: Picture) -> list[list[str]]:
    """Disjoint sets of keys of boxes that share a rank, each of at least two."""
    home = {key: i for i, group in enumerate(recurrences(picture)) for key in group}
    befores: dict[int, list[str]] = defaultdict(list)
    nexts: dict[int, list[str]] = defaultdict(list)
    for before, following in zip(picture.befores, picture.nexts, strict=True):
        if before in home and picture.boxes[before].part == "forward":
            befores[home[before]].append(before)
            nexts[home[before]].append(following)
    view = _view(picture, delays=False)
    found = [list(dict.fromkeys(line)) for line in befores.values()]
    for keys in nexts.values():
        candidates = [k for k in dict.fromkeys(keys) if not any(k in line for line in found)]
        if len(candidates) > 1:
            found += _compatible(candidates, view)
    return [line for line in found if len(line) > 1]


def _view(picture: Picture, delays: bool) -> Any:
    import networkx

    view = networkx.DiGraph()
    view.add_nodes_from(picture.boxes)
    view.add_edges_from((a.tail, a.head) for a in picture.arrows if delays or a.kind != "delay")
    return view


def _compatible(keys: list[str], view: Any) -> list[list[str]]:
    found: list[list[str]] = []
    for key in keys:
        home = next((s for s in found if not _leaves_and_returns([*s, key], view)), None)
        if home is None:
            found.append([key])
        else:
            home.append(key)
    return found


def _leaves_and_returns(line: list[str], view: Any) -> bool:
    """True when some path leaves the line and comes back to it."""
    import networkx

    after = set().union(*(networkx.descendants(view, key) for key in line))
    before = set().union(*(networkx.ancestors(view, key) for key in line))
    return bool((after & before) - set(line))


def levels(picture: Picture, in_line: list[list[str]]) -> list[list[str]]:
    """Boxes by the length of the longest path that leads to them, lines kept in one level."""
    import networkx

    line_of = {key: line[0] for line in in_line for key in line}
    level: dict[str, int] = {}
    view = networkx.DiGraph()
    view.add_nodes_from(line_of.get(key, key) for key in picture.boxes)
    ends = [(line_of.get(a.tail, a.tail), line_of.get(a.head, a.head)) for a in picture.arrows
            if a.kind == "value"]  # fmt: skip
    view.add_edges_from((tail, head) for tail, head in ends if tail != head)
    for number, keys in enumerate(networkx.topological_generations(view)):
        level |= dict.fromkeys(keys, number)
    found: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for key in picture.boxes:
        found[level[line_of.get(key, key)]].append(key)
    return found
