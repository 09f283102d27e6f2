"""Mathematical text for labels: names with true subscripts, set from cells of known width.

    Line ::= Run*, size, colour
    Run  ::= text, style, colour     the line's colour where it has none
                                     style in {italic, roman, sub, isub, sup, sans, note, bold}

A Graphviz label knows neither subscripts that every renderer draws nor the width of a Greek
letter, so each run becomes a table cell of its own fixed width: the same picture from every
renderer.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .metrics import text_width

FACE = {"italic": "italic", "roman": "serif", "sub": "serif", "isub": "italic", "sup": "serif",
        "sans": "sans", "note": "sans",
        "bold": "bold"}  # fmt: skip
FONT = {"serif": "Times", "italic": "Times-Italic", "sans": "Helvetica", "bold": "Helvetica-Bold"}
SCRIPT = 0.7  # size of a subscript against its base
LOWERED = ("sub", "isub")
SMALL = (*LOWERED, "sup", "note")

_LETTERS = ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi "
            "rho sigma tau upsilon phi chi psi omega")  # fmt: skip
GREEK = dict(zip(_LETTERS.split(), "αβγδεζηθικλμνξοπρστυφχψω", strict=True))
GREEK |= {k.capitalize(): v.upper() for k, v in GREEK.items()}

LOWERABLE = "0123456789+−aehijklmnoprstuvxβγρφχ"
SUBSCRIPTS = str.maketrans(LOWERABLE, "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ")
SUPERSCRIPTS = str.maketrans("0123456789−T", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ")
DERIVED = re.compile(r"^(\w+)\((.+)\)$")  # d(h), dout(y): names that passes make
MARKS = {"d": "δ"}


@dataclass(frozen=True)
class Run:
    """A piece of text in one style."""

    text: str
    style: str = "roman"
    colour: str = ""


@dataclass(frozen=True)
class Line:
    """A line of runs at one base size, in one colour."""

    runs: tuple[Run, ...]
    size: float
    colour: str = "#222222"

    @property
    def width(self) -> int:
        """Points, rounded up as the table's cells are."""
        return sum(w for _, w in measured(self.runs, self.size))


def plain(runs: Iterable[Run]) -> str:
    """The runs as one string, with Unicode subscripts where all of a subscript exists."""
    out = ""
    for style, text in _by_level(runs):
        if style == "base":
            out += text
            continue
        table, mark = (SUBSCRIPTS, "_") if style == "low" else (SUPERSCRIPTS, "^")
        small = text.translate(table)
        out += small if not (set(small) - {","}) & set(text) else mark + text
    return out


def _by_level(runs: Iterable[Run]) -> list[tuple[str, str]]:
    levels: list[tuple[str, str]] = []
    for run in runs:
        level = "low" if run.style in LOWERED else "high" if run.style == "sup" else "base"
        if levels and levels[-1][0] == level:
            levels[-1] = (level, levels[-1][1] + run.text)
        else:
            levels.append((level, run.text))
    return levels


# --- names ---------------------------------------------------------------------------------


PARTS = {"forward": "→", "backward": "←"}


def name_runs(name: str, time: str = "") -> list[Run]:
    """A name as it is printed in a paper: ``W_f`` with a subscript, ``alpha`` as its letter.

    ``time`` is "t", "t−1", ... for a value of one step. Names that passes derive are set as the
    field writes them: ``d(h)`` as δh, ``dout(y)`` as ∂L/∂y. What stands before a dot is the part
    of a larger cell that a value belongs to, and becomes a superscript in brackets.
    """
    derived = DERIVED.match(name)
    if derived:
        return _derived_runs(derived[1], derived[2], time)
    layer, _, name = name.rpartition(".")
    base, _, sub = name.partition("_")
    if not base:
        base, sub = name, ""
    digits = re.match(r"^(\D)(\d+)$", base)
    if digits:
        base, sub = digits[1], f"{digits[2]},{sub}" if sub else digits[2]
    runs = [_base_run(base)]
    for part in filter(None, sub.replace("_", ",").split(",")):
        runs += [Run(",", "sub")] if len(runs) > 1 else []
        runs.append(_sub_run(part))
    if time:
        runs += [Run(",", "sub")] if len(runs) > 1 else []
        runs += [Run(time[0], "isub"), Run(time[1:], "sub")] if time[1:] else [Run(time, "isub")]
    return [*runs, Run(f"({_part(layer)})", "sup")] if layer else runs


def _part(layer: str) -> str:
    """The part of a composed cell, short: ``layer1.backward`` is 1←."""
    words = (PARTS.get(word, word.removeprefix("layer") or word) for word in layer.split("."))
    return "".join(words)


def _derived_runs(mark: str, inner: str, time: str) -> list[Run]:
    if mark.endswith("out") and len(mark) > 3:
        return [Run("∂L/∂", "italic"), *name_runs(inner, time)]
    return [Run(MARKS.get(mark, mark), "italic"), *name_runs(inner, time)]


def _letters(text: str) -> int:
    return sum(not unicodedata.combining(c) for c in text)


def _base_run(base: str) -> Run:
    letter = GREEK.get(base, base)
    return Run(letter, "italic" if _letters(letter) == 1 else "roman")


def _sub_run(part: str) -> Run:
    letter = GREEK.get(part, part)
    return Run(letter, "isub" if len(letter) == 1 and letter.isalpha() else "sub")


# --- from runs to a label --------------------------------------------------------------------


def merge(runs: Iterable[Run]) -> list[Run]:
    """Neighbouring runs of one style joined."""
    out: list[Run] = []
    for run in runs:
        if out and (out[-1].style, out[-1].colour) == (run.style, run.colour):
            out[-1] = Run(out[-1].text + run.text, run.style, run.colour)
        elif run.text:
            out.append(run)
    return out


def script_size(run: Run, size: float) -> float:
    """The type size of a run on a line of ``size``: a whole number, as renderers round it."""
    return round(size * SCRIPT) if run.style in SMALL else size


def run_width(run: Run, size: float) -> float:
    """The run's width in points, unrounded."""
    return text_width(run.text, FACE[run.style], script_size(run, size))


def line_width(runs: Sequence[Run], size: float) -> float:
    """The width of runs in points, unrounded."""
    return sum(run_width(run, size) for run in runs)


def measured(runs: Sequence[Run], size: float) -> list[tuple[Run, int]]:
    """Runs with whole-point widths whose sums stay within half a point of the true ones."""
    out, exact, placed = [], 0.0, 0
    for run in merge(runs):
        exact += run_width(run, size)
        width = max(1, round(exact) - placed)
        out.append((run, width))
        placed += width
    return out


def label(lines: Sequence[Line], align: str = "center") -> str:
    """Lines as a Graphviz HTML-like label, with the angle brackets around it.

    Every row is padded to the same width here: a renderer that has to stretch a row puts the
    room between its cells.
    """
    full = max(line.width for line in lines)
    rows = "".join(f"<TR><TD>{_row(line, full, align)}</TD></TR>" for line in lines)
    return f"<{_table(rows)}>"


def _table(rows: str) -> str:
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{rows}</TABLE>'


def _row(line: Line, full: int, align: str) -> str:
    spare = full - line.width
    left = spare // 2 if align == "center" else 0
    cells = "".join(_cell(run, width, line) for run, width in measured(line.runs, line.size))
    return _table(f"<TR>{_gap(left)}{cells}{_gap(spare - left)}</TR>")


def _gap(width: int) -> str:
    return f'<TD FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="1"></TD>' if width else ""


def _cell(run: Run, width: int, line: Line) -> str:
    size = script_size(run, line.size)
    text = html.escape(run.text, quote=False).replace(" ", "&#160;")
    font = f'FACE="{FONT[FACE[run.style]]}" POINT-SIZE="{size:g}"'
    height = round(line.size * 1.32)
    valign = "BOTTOM" if run.style in LOWERED else "MIDDLE" if run.style == "note" else "TOP"
    return (
        f'<TD FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}" ALIGN="LEFT" VALIGN="{valign}">'
        f'<FONT {font} COLOR="{run.colour or line.colour}">{text}</FONT><BR ALIGN="LEFT"/></TD>'
    )
