"""Pictures from DOT text, with what ``pip install`` brings alone.

    RNNGRAPH_DOT                       a program that takes Graphviz's options, where it is set
    svg    graphviz-pure, else dot     the same bytes on every machine
    png    dot, else graphviz-pure     dot has the machine's fonts
    pdf    dot, else pygraphviz

We run the program ourselves: the graphviz package keeps its program in one global of the whole
process, and that belongs to the user. Imports nothing of the project.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

FORMATS = ("svg", "png", "pdf")
SECONDS = 120  # a layout that takes longer will not end in a picture anybody can read
ADVICE = {
    "svg": "pip install graphviz-pure, or put Graphviz's 'dot' on the PATH",
    "png": "pip install graphviz-pure, or put Graphviz's 'dot' on the PATH",
    "pdf": "pip install rnngraph[cairo] (pygraphviz), or put Graphviz's 'dot' on the PATH",
}


class RenderError(RuntimeError):
    """A picture that could not be made; the message says what to do about it."""


def render(source: str, format: str = "svg") -> bytes:
    """DOT text as a picture: "svg", "png" or "pdf".

    Raises ValueError for another format, RenderError where no renderer is installed, or the
    renderer refuses the text.
    """
    if format not in FORMATS:
        raise ValueError(f"format '{format}' is not one of {', '.join(FORMATS)}")
    renderer = _renderer(format)
    if renderer is None:
        raise RenderError(f"no renderer for {format}: {ADVICE[format]}")
    picture = renderer(source, format)
    return _settle_fonts(picture) if format == "svg" else picture


def write(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with open(draft, "xb") as file:
            file.write(data)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


# --- which program -----------------------------------------------------------------------------


def _renderer(format: str) -> Callable[[str, str], bytes] | None:
    chosen = os.environ.get("RNNGRAPH_DOT")
    if chosen:
        return _command(chosen)
    candidates = {
        "svg": (graphviz_pure, system_dot),
        "png": (system_dot, graphviz_pure),
        "pdf": (system_dot,),
    }[format]
    for find in candidates:
        program = find()
        if program is not None:
            return _command(program)
    if format == "pdf" and importlib.util.find_spec("pygraphviz") is not None:
        return _with_pygraphviz
    return None


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


def _command(program: str) -> Callable[[str, str], bytes]:
    return lambda source, format: _run([program, f"-T{format}"], source)


def _run(command: Sequence[str], source: str) -> bytes:
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, timeout=SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise RenderError(
            f"renderer '{command[0]}' was not found (RNNGRAPH_DOT names it)"
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


def _with_pygraphviz(source: str, format: str) -> bytes:
    import pygraphviz

    try:
        return bytes(pygraphviz.AGraph(string=source).draw(format=format, prog="dot"))
    except Exception as error:  # its errors have no common class
        raise RenderError(f"pygraphviz failed on {format}: {error}") from error


# --- fonts in SVG ------------------------------------------------------------------------------

FAMILIES = {
    b"Times": b"Times New Roman, Times, Liberation Serif, Tinos, Nimbus Roman, serif",
    b"Helvetica": b"Helvetica, Arial, Liberation Sans, Arimo, Nimbus Sans, sans-serif",
}


def _settle_fonts(svg: bytes) -> bytes:
    """Families of the same widths for every system, so that text fits wherever it is read."""
    return re.sub(
        rb'font-family="(Times|Helvetica)[^"]*"',
        lambda found: b'font-family="' + FAMILIES[found[1]] + b'"',
        svg,
    )
