"""Pictures from DOT text, with what ``pip install`` brings alone.

    RNNGRAPH_DOT                       a program that takes Graphviz's options, where it is set
    svg    graphviz-pure, else dot     the same bytes on every machine
    png    graphviz-pure, else dot     dot first where the text needs more than European letters:
                                       it has the machine's fonts, graphviz-pure brings its own
    pdf    dot, else pygraphviz

The drawings are set for Times and Helvetica. graphviz-pure has fonts of just these widths; for the
others we ask fontconfig, and set smaller where the machine's substitutes are wider.

We run the program ourselves: the graphviz package keeps its program in one global of the whole
process, and that belongs to the user.
"""

from __future__ import annotations

import contextlib
import html
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from .metrics import FACES, text_width

FORMATS = ("svg", "png", "pdf")
SECONDS = 120  # a layout that takes longer will not end in a picture anybody can read
ADVICE = {
    "svg": "pip install graphviz-pure, or put Graphviz's 'dot' on the PATH",
    "png": "pip install graphviz-pure, or put Graphviz's 'dot' on the PATH",
    "pdf": "pip install rnngraph[cairo] (pygraphviz), or put Graphviz's 'dot' on the PATH",
}


Renderer = Callable[[str, str, Sequence[str]], bytes]  # source, format, options


class RenderError(RuntimeError):
    """A picture that could not be made; the message says what to do about it."""


def render(source: str, format: str = "svg", dpi: int = 144) -> bytes:
    """DOT text as a picture: "svg", "png" or "pdf"; ``dpi`` is the resolution of a png.

    Raises ValueError for another format, RenderError where no renderer is installed, or the
    renderer refuses the text.
    """
    if format not in FORMATS:
        raise ValueError(f"format '{format}' is not one of {', '.join(FORMATS)}")
    renderer = _renderer(format, source)
    if renderer is None:
        raise RenderError(f"no renderer for {format}: {ADVICE[format]}")
    picture = renderer(source, format, [f"-Gdpi={dpi}"] if format == "png" else [])
    return settle_text(picture.decode()).encode() if format == "svg" else picture


# --- which program -----------------------------------------------------------------------------


def _renderer(format: str, source: str) -> Renderer | None:
    chosen = os.environ.get("RNNGRAPH_DOT")
    if chosen:
        return _command(chosen)
    own = None if format == "pdf" else graphviz_pure()
    if own and (format == "svg" or is_european(source)):
        return _command(own)
    program = system_dot()
    if program is not None:
        return _with_machine_fonts(_command(program))
    if own:
        return _command(own)
    if format == "pdf" and importlib.util.find_spec("pygraphviz") is not None:
        return _with_machine_fonts(_with_pygraphviz)
    return None


def is_european(text: str) -> bool:
    """True when every character is Latin, Greek, Cyrillic or one of the signs we set."""
    return all(ord(c) < 0x530 or c in FACES["serif"] for c in text)


def system_dot() -> str | None:
    """Graphviz's own program, where it is installed."""
    return shutil.which("dot")


def graphviz_pure() -> str | None:
    """The program that the graphviz-pure package installed, wherever pip put it."""
    try:
        files = importlib.metadata.distribution("graphviz-pure").files or ()
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name in ("graphviz-pure", "graphviz-pure.exe"):
            path = Path(str(file.locate())).resolve()
            return str(path) if path.exists() else None
    return None


def _command(program: str) -> Renderer:
    return lambda source, format, options: _run([program, f"-T{format}", *options], source)


def _run(command: Sequence[str], source: str) -> bytes:
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, timeout=SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise RenderError(
            f"renderer '{command[0]}' was not found; RNNGRAPH_DOT can name another"
        ) from error
    except OSError as error:
        raise RenderError(f"renderer '{command[0]}' could not be started: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise RenderError(f"renderer '{command[0]}' took over {SECONDS} s") from error
    if done.returncode or not done.stdout:
        said = _said(done.stderr) or f"exit status {done.returncode}"
        raise RenderError(f"renderer '{command[0]}' failed on {command[1][2:]}: {said}")
    return done.stdout


def _said(stderr: bytes) -> str:
    """The first complaint that is no warning."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines()]
    return next((line for line in lines if line and not line.startswith("Warning")), "")


def _with_pygraphviz(source: str, format: str, options: Sequence[str]) -> bytes:
    import pygraphviz

    try:
        graph = pygraphviz.AGraph(string=source)
        return bytes(graph.draw(format=format, prog="dot", args=" ".join(options)))
    except Exception as error:  # its errors have no common class
        raise RenderError(f"pygraphviz failed on {format}: {error}") from error


# --- the machine's fonts -------------------------------------------------------------------------

SAME_WIDTHS = ("times", "liberation serif", "tinos", "nimbus roman", "termes", "freeserif")
NARROWER = 0.76  # DejaVu Serif, the usual substitute, is up to 1.3 times as wide
POINT_SIZE = re.compile(r'POINT-SIZE="(\d+)"')


def _with_machine_fonts(renderer: Renderer) -> Renderer:
    def draw(source: str, format: str, options: Sequence[str]) -> bytes:
        if _has_wide_fonts():
            source = POINT_SIZE.sub(lambda m: f'POINT-SIZE="{int(m[1]) * NARROWER:.1f}"', source)
        return renderer(source, format, options)

    return draw


def _has_wide_fonts() -> bool:
    """True when fontconfig knows no font with the widths of Times."""
    asker = shutil.which("fc-match")
    if asker is None:
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run(
            [asker, "-f", "%{family}", "Times"], capture_output=True, timeout=10, check=False
        )
        family = said.stdout.decode(errors="replace").lower()
        return bool(family) and not any(name in family for name in SAME_WIDTHS)
    return False


# --- text in SVG -------------------------------------------------------------------------------

FAMILIES = {
    "Times": "Times New Roman, Times, Liberation Serif, Tinos, Nimbus Roman, serif",
    "Helvetica": "Helvetica, Arial, Liberation Sans, Arimo, Nimbus Sans, sans-serif",
}
TEXT = re.compile(r'(<text\b[^>]*?) font-family="(Times|Helvetica)[^"]*"([^>]*)>([^<]*)</text>')
SIZE = re.compile(r'font-size="([\d.]+)"')


def settle_text(svg: str) -> str:
    """Text that keeps its place on every system.

    Families of the same widths are named for all of them, and every piece of text is told its
    length, so that a reader's substitute font is squeezed into the box instead of leaving it.
    """
    return TEXT.sub(_settled, svg)


def _settled(found: re.Match[str]) -> str:
    head, family, style, text = found.groups()
    size = SIZE.search(style)
    bold, italic = 'font-weight="bold"' in style, 'font-style="italic"' in style
    face = "sans" if family == "Helvetica" else "italic" if italic else "serif"
    length = ""
    if size and not bold and text.strip():
        read = html.unescape(text).replace("\N{NO-BREAK SPACE}", " ")
        width = text_width(read, face, float(size[1]))
        length = f' textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"'
    return f'{head} font-family="{FAMILIES[family]}"{style}{length}>{text}</text>'
