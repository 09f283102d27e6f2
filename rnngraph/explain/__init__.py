"""A report of what the gates did: numbers as report.json, and one HTML page that shows them."""

from __future__ import annotations

from .explain import explain_sentences, explain_series, most_effective
from .model import Trained, trained
from .page import html, need_d3, write_report
from .report import report

__all__ = ["Trained", "explain_sentences", "explain_series", "html", "most_effective", "need_d3",
           "report", "trained", "write_report"]
