"""What is drawn, before how: boxes and arrows with their meaning, no colours and no layout.

    Picture ::= title, doc, source, Box*, Arrow*
    Box     ::= key, kind, name, label, equation, shape, output, group, part
                kind is a key of ``theme.KINDS``; part is "forward" or "backward"
    Arrow   ::= tail, head, kind, note
                kind in {value, delay, reads}     a delay arrow does not take part in the layout;
                                                  "reads" is a backward value using a forward one
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .typeset import Run


@dataclass
class Box:
    """One box; ``name`` may be empty (an op), ``equation`` may be empty (a leaf)."""

    key: str
    kind: str
    name: list[Run] = field(default_factory=list)
    label: str = ""
    equation: list[Run] = field(default_factory=list)
    shape: str = ""
    output: bool = False
    group: str = ""
    part: str = "forward"
    glyph: str = ""  # a single sign, drawn as a small circle instead of a box


@dataclass(frozen=True)
class Arrow:
    """From the value to what depends on it; ``tail`` and ``head`` are keys of boxes."""

    tail: str
    head: str
    kind: str = "value"
    note: str = ""


@dataclass
class Picture:
    """Everything that a drawing shows.

    ``befores`` and ``nexts`` are the keys of previous and next values of states, state by state;
    ``mirrored`` says that the backward part runs against the direction of the forward part.
    """

    title: str
    doc: str
    source: str
    boxes: dict[str, Box] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)
    befores: list[str] = field(default_factory=list)
    nexts: list[str] = field(default_factory=list)
    mirrored: bool = False
