"""One HTML file from a report: template, style, scripts, the drawing library, and the numbers.

D3 (https://d3js.org) comes out of the mpld3 package, which carries it as a file; nothing of mpld3
runs. The page asks no network for anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

from ..files import write_whole

PAGE = Path(__file__).with_name("page")
SCRIPTS = ("state", "colours", "strips", "diagram", "routes", "causes", "time", "saturation",
           "main")


def html(report: Mapping[str, Any], numbers_file: str = "report.json") -> str:
    """The page, which says that its numbers are in a file beside it.

    Raises ImportError, with the remedy, where the drawing library is missing.
    """
    library = need_d3().read_text(encoding="utf-8")
    scripts = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    numbers = {**report, "cell": {k: v for k, v in report["cell"].items() if k != "diagram"}}
    return Template(_part("page.html")).substitute(
        title=escape(report["title"]), style=_part("page.css"), library=_inline(library),
        scripts=_inline(scripts), diagram=_drawing(report["cell"]["diagram"]),
        report=_json(numbers).replace("<", "\\u003c"), file=escape(numbers_file),
    )


def write_report(report: Mapping[str, Any], path: str | Path) -> list[Path]:
    """Write the page to `path` and the numbers beside it (report.html, report.json); both paths."""
    page = Path(path)
    numbers = page.with_suffix(".json")
    if page.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"'{page}': a report is a page: end the file's name in .html")
    text = html(report, numbers.name)
    write_whole(page, text.encode())
    write_whole(numbers, _json(report).encode())
    return [page, numbers]


def need_d3() -> Path:
    """Where D3 lies. Raises ImportError, with the remedy, where it does not."""
    found = find_spec("mpld3")
    for folder in (found.submodule_search_locations or []) if found else []:
        for file in sorted(Path(folder, "js").glob("d3.v*.min.js"), reverse=True):
            return file
    raise ImportError("the report draws with D3: pip install 'rnngraph[plot]'")


def _part(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _inline(script: str) -> str:
    """A script as it may stand inside an element."""
    return script.replace("</script", "<\\/script")


def _drawing(svg: str) -> str:
    return svg[svg.index("<svg"):]


def _json(report: Mapping[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
