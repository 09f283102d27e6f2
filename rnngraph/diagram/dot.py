"""A picture as Graphviz text: colours, sizes and hints for the layout, and nothing else."""

from __future__ import annotations

import textwrap
from typing import Any

from .picture import Arrow, Box, Picture
from .ranks import levels, lines, recurrences
from .theme import FAINT, INK, SOFT, Theme
from .typeset import Line, Run, label, plain

WRAP = 84  # characters of the doc on one line
BROAD = 1000  # points: a drawing broader than that is turned upright
RANK_GAP, BOX_GAP = 36, 15
PARTS = {"forward": "forward", "backward": "backward, time reversed"}


def to_digraph(picture: Picture, theme: Theme) -> Any:
    """The ``graphviz.Digraph`` of a picture. Raises ImportError where graphviz is missing."""
    import graphviz

    dot = graphviz.Digraph(name=picture.title or "cell")
    direction = theme.direction if theme.direction != "auto" else _direction(picture, theme)
    dot.attr("graph", rankdir=direction, **graph_attributes(picture, theme))
    dot.attr("node", shape="box", style="rounded,filled", margin="0.09,0.045", height="0.3",
             width="0.3", fontname="Helvetica")  # fmt: skip
    dot.attr("edge", color=theme.edge, arrowsize="0.6", penwidth="0.9", fontname="Helvetica",
             fontsize="9", fontcolor=SOFT)  # fmt: skip
    frame_of = frames(picture)
    in_line = lines(picture)
    for frame in _declared(picture, frame_of, direction):
        _write_frame(dot, frame, frame_of, in_line, picture, theme, direction)
    for arrow in picture.arrows:
        if frame_of[arrow.tail] != frame_of[arrow.head]:
            dot.edge(*_ends(picture, arrow), **_edge(picture, arrow, theme))
    return dot


def _declared(picture: Picture, frame_of: dict[str, str], direction: str) -> list[str]:
    """Frames in the order from which dot puts forward above backward, and layers upwards."""
    found = list(dict.fromkeys(frame_of.values()))
    crossed = any(arrow.kind == "reads" for arrow in picture.arrows)
    return found[::-1] if direction == "LR" and not crossed else found


def quoted(key: str) -> str:
    """A key as a node's identifier: a colon would be read as a port."""
    return key.replace(":", "∶").replace("\\", "∖")


def graph_attributes(picture: Picture, theme: Theme) -> dict[str, str]:
    """Attributes of the whole drawing."""
    attributes = {
        "nodesep": "0.2", "ranksep": "0.5", "pad": "0.12", "bgcolor": "white",
        "outputorder": "edgesfirst", "fontname": "Helvetica",
    }  # fmt: skip
    if theme.title and (lines := _heading(picture, theme)):
        attributes |= {"label": label(lines, "left"), "labelloc": "t", "labeljust": "l"}
    return attributes


def _direction(picture: Picture, theme: Theme) -> str:
    """Left to right while that fits the page, else upwards from the inputs if that is narrower."""
    ranked = levels(picture, lines(picture))
    across = sum(max(_width(picture.boxes[k], theme) for k in keys) + RANK_GAP for keys in ranked)
    if across <= BROAD:
        return "LR"
    frame_of = frames(picture)
    upright = 0
    for frame in set(frame_of.values()):
        inside = [[k for k in keys if frame_of[k] == frame] for keys in ranked]
        upright += max(sum(_width(picture.boxes[k], theme) + BOX_GAP for k in ks) for ks in inside)
    return "LR" if across <= upright else "BT"


def _width(box: Box, theme: Theme) -> int:
    return 20 if box.glyph else 14 + max(line.width for line in _lines(box, theme))


def _heading(picture: Picture, theme: Theme) -> list[Line]:
    lines = [Line((Run(picture.title, "bold"),), theme.title_size, INK)] if picture.title else []
    for text in textwrap.wrap(picture.doc, WRAP):
        lines.append(Line((Run(text, "sans"),), theme.text_size, SOFT))
    for text in textwrap.wrap(picture.source, WRAP):
        lines.append(Line((Run(text, "sans"),), theme.text_size - 2, FAINT))
    if theme.legend:
        lines += _legend(picture, theme)
    return [*lines, Line((Run(" ", "sans"),), 6)] if lines else []


def _legend(picture: Picture, theme: Theme) -> list[Line]:
    """What the colours mean, for the kinds that occur; as many lines as it takes."""
    found = {box.kind for box in picture.boxes.values()}
    paints = [paint for kind, paint in theme.kinds.items() if kind in found]
    entries = [("■ ", paint.line, paint.legend) for paint in paints]
    if any(arrow.kind == "delay" for arrow in picture.arrows):
        entries.append(("– – ", theme.delay, "delay of one step"))
    lines: list[list[Run]] = [[]]
    for sign, colour, text in entries:
        if sum(len(run.text) for run in lines[-1]) + len(text) > WRAP:
            lines.append([])
        lines[-1] += [Run(sign, "sans", colour), Run(text + "   ", "sans")]
    return [Line(tuple(runs), theme.text_size - 2, SOFT) for runs in lines if runs]


# --- boxes -----------------------------------------------------------------------------------


def frames(picture: Picture) -> dict[str, str]:
    """The frame that each box stands in: its group, its part of a gradient, its recurrence.

    The empty name is no frame. A cell with one recurrence needs none.
    """
    boxes = picture.boxes
    if any(box.group for box in boxes.values()):
        return {key: box.group for key, box in boxes.items()}
    if any(box.part == "backward" for box in boxes.values()):
        return {key: PARTS[box.part] for key, box in boxes.items()}
    found = recurrences(picture)
    home = {key: f"recurrence {i}" for i, group in enumerate(found, 1) for key in group}
    return {key: home.get(key, "") if len(found) > 1 else "" for key in boxes}


def _write_frame(
    dot: Any,
    frame: str,
    frame_of: dict[str, str],
    in_line: list[list[str]],
    picture: Picture,
    theme: Theme,
    direction: str,
) -> None:
    inside = {key for key in picture.boxes if frame_of[key] == frame}
    if not frame:
        _write_inside(dot, inside, in_line, picture, theme)
        return
    with dot.subgraph(name=f"cluster_{frame}") as cluster:
        heading = label([Line((Run(frame, "sans"),), theme.label_size, SOFT)], "left")
        top = "b" if direction == "BT" else "t"  # an upright drawing has its frames upside down
        cluster.attr(label=heading, labeljust="l", labelloc=top, style="rounded,filled",
                     color=theme.cluster_line, fillcolor=theme.cluster_fill, penwidth="0.8",
                     margin="14")  # fmt: skip
        _write_inside(cluster, inside, in_line, picture, theme)


def _write_inside(
    dot: Any, inside: set[str], in_line: list[list[str]], picture: Picture, theme: Theme
) -> None:
    for box in picture.boxes.values():
        if box.key in inside:
            dot.node(quoted(box.key), **_node(box, theme))
    for line in in_line:
        # a line must lie within one frame: naming a box outside would take it out of its own
        if inside.issuperset(line):
            with dot.subgraph() as same:
                same.attr(rank="same")
                for key in line:
                    same.node(quoted(key))
    for arrow in picture.arrows:
        # an arrow that is written in a frame is routed within it
        if arrow.tail in inside and arrow.head in inside:
            dot.edge(*_ends(picture, arrow), **_edge(picture, arrow, theme))


def _node(box: Box, theme: Theme) -> dict[str, str]:
    paint = theme.kinds[box.kind]
    look = {"color": paint.line, "fillcolor": paint.fill, "penwidth": f"{paint.width:g}",
            "tooltip": tooltip(box)}  # fmt: skip
    if box.glyph:
        sign = label([Line((Run(box.glyph),), theme.name_size - 1, INK)])
        return look | {"label": sign, "shape": "circle", "margin": "0", "fixedsize": "true",
                       "width": "0.27", "height": "0.27"}  # fmt: skip
    if not box.name:
        look |= {"margin": "0.06,0.02", "height": "0.2"}
    if box.output and box.part == "forward":
        look["peripheries"] = "2"
    return look | {"label": label(_lines(box, theme))}


def _lines(box: Box, theme: Theme) -> list[Line]:
    first: list[Run] = list(box.name)
    if box.shape and first:
        first.append(Run(f"  {box.shape}", "note", SOFT))
    if box.label and first:
        first.append(Run(f"  {box.label}", "note", SOFT))
    if box.kind == "weight" and box.name and box.equation:
        return [Line((*box.name, Run(" = "), *box.equation), theme.equation_size, INK)]
    lines = [Line(tuple(first), theme.name_size, INK)] if first else []
    if box.equation:
        lines.append(Line(tuple(box.equation), theme.equation_size, SOFT if first else INK))
    return lines or [Line((Run(box.key),), theme.equation_size, INK)]


def tooltip(box: Box) -> str:
    """The box in one line of plain text, for those who point at it or cannot see it."""
    text = plain(box.name)
    if box.equation:
        text = f"{text} = {plain(box.equation)}" if text else plain(box.equation)
    return " ".join(filter(None, [text, box.shape, f"({box.label})" if box.label else ""]))


# --- arrows ----------------------------------------------------------------------------------


def _reversed(picture: Picture, arrow: Arrow) -> bool:
    """Whether the layout runs from the arrow's head to its tail.

    A delay leads from a next value, last in the layout, to a previous one, first in it. All of
    that is the other way round among the backward values of a gradient.
    """
    if arrow.kind == "reads":
        return False
    ends = (picture.boxes[arrow.tail], picture.boxes[arrow.head])
    against = picture.mirrored and all(box.part == "backward" for box in ends)
    return against != (arrow.kind == "delay")


def _ends(picture: Picture, arrow: Arrow) -> tuple[str, str]:
    tail, head = quoted(arrow.tail), quoted(arrow.head)
    return (head, tail) if _reversed(picture, arrow) else (tail, head)


def _edge(picture: Picture, arrow: Arrow, theme: Theme) -> dict[str, str]:
    look: dict[str, str] = {}
    if _reversed(picture, arrow):
        look["dir"] = "back"
    if arrow.kind == "delay":
        look |= {"style": "dashed", "color": theme.delay, "weight": "0", "penwidth": "1.2"}
        if arrow.tail in picture.befores or arrow.tail == arrow.head:
            look["constraint"] = "false"  # a delay line: both ends are previous values
    if arrow.kind == "reads":
        look |= {"color": theme.reads, "constraint": "false", "penwidth": "0.7"}
    if arrow.note and arrow.kind == "delay":
        return look | {"label": arrow.note}
    if arrow.note:
        sign = label([Line((Run(arrow.note),), theme.equation_size, INK)])
        white = sign.replace("<TABLE ", '<TABLE BGCOLOR="white" ', 1)  # it stands on the arrow
        look |= {"headlabel": white, "labeldistance": "1.7", "labelangle": "0"}
    return look
