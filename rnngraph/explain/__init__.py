"""A report of what the gates did: numbers as report.json, and one HTML page that shows them."""

from __future__ import annotations

from .column import Column, Other
from .page import html, write_report
from .report import report
from .series import series_columns
from .words import sentence_columns

__all__ = ["Column", "Other", "html", "report", "sentence_columns", "series_columns",
           "write_report"]
