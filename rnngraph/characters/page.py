"""The report as one HTML file that needs no network: the pictures are inside it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from .examination import Examination

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 62rem;
       margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
table { border-collapse: collapse } th, td { padding: .15rem .8rem .15rem 0; text-align: right }
th:first-child, td:first-child { text-align: left } thead th { border-bottom: 1px solid #bbb }
img { max-width: 100% } p.note { color: #666 }
pre.highlight { font: 13px/1.55 ui-monospace, monospace; white-space: pre-wrap; color: #222;
                border: 1px solid #ddd; padding: .7rem; overflow-wrap: anywhere }
"""
SATURATION = ("A dot is a unit: how much of the time its gate is in the upper tenth of its range, "
              "against how much in the lower tenth. A forget gate at the right remembers long.")
ERRORS = ("An error is a character that was given less than 1/2. Each line takes what it would "
          "have put right from what the lines above have left.")
BRACKETS = "The share of closing brackets that were given at least 1/2, by distance."
UNITS = ("The units that go best with something in the text. Blue is the lower end of a value's "
         "range, orange the upper one; the colour is the value just after the character was read.")


def page(found: Examination, drawn: Mapping[str, bytes], coloured: Sequence[tuple[str, str]]
         ) -> str:
    """The whole page; `drawn` are PNG files by name, `coloured` titles with highlighted text."""
    body = [
        f"<h1>{escape(found.title)}: {found.nats:.4f} nats per character</h1>",
        "<h2>n-gram models of the same text</h2>",
        _table(["n", "nats per character"],
               ([str(n), f"{cost:.4f}"] for n, cost in enumerate(found.ngrams, 1))),
        *_picture("Saturation", SATURATION, drawn.get("saturation")),
        *_picture("Errors", ERRORS, drawn.get("errors")),
        _table(["oracle", "", "errors", "share"],
               ([one.oracle, one.detail, f"{one.errors:,}", f"{100 * one.share:.1f} %"]
                for one in found.onion.layers)),
        *_picture("Closing brackets", BRACKETS, drawn.get("brackets")),
        f'<h2>Units</h2><p class="note">{escape(UNITS)}</p>',
        *(f"<h3>{escape(title)}</h3>{text}" for title, text in coloured),
    ]
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>'
            f"{escape(found.title)}</title><style>{STYLE}</style></head><body>"
            f"{''.join(body)}</body></html>\n")


def _picture(title: str, note: str, content: bytes | None) -> list[str]:
    if content is None:
        return []
    data = b64encode(content).decode()
    return [f'<h2>{title}</h2><p class="note">{escape(note)}</p>'
            f'<img alt="{title}" src="data:image/png;base64,{data}">']


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Iterable[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>"
