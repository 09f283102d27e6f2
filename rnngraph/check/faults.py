"""How the checker stops: at a mistake (Fault), or at something an earlier mistake left unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from ..ops import show_shape
from ..source import Diagnostic, Note, Span


class Fault(Exception):
    """Ends the checking of one equation; carries the report."""

    def __init__(
        self,
        message: str,
        span: Span,
        labels: Iterable[tuple[Span, str]] = (),
        notes: Iterable[Note | str] = (),
    ) -> None:
        super().__init__(message)
        full = tuple((n, None) if isinstance(n, str) else n for n in notes)
        self.report = Diagnostic(message, span, tuple(labels), full)

    def noted(self, text: str, span: Span) -> Fault:
        """The same fault with one more note, unless it has many already."""
        if len(self.report.notes) < 4:
            self.report = replace(self.report, notes=(*self.report.notes, (text, span)))
        return self


class Exhausted(Fault):
    """The cell asks for too much work; checking ends altogether."""


class Unknown(Exception):
    """A value is missing because of a mistake that is reported elsewhere."""


def closest(word: str, options: Iterable[str]) -> str | None:
    """The option that a person probably meant by ``word``."""
    known = sorted(set(options))
    same = [option for option in known if option.lower() == word.lower()]
    if same:
        return same[0]
    close = get_close_matches(word, known, 1, 0.6)
    if close:
        return close[0]
    # short names such as Wf and W_f are beyond the ratio of difflib
    bare = {option.replace("_", "").lower(): option for option in known}
    return bare.get(word.replace("_", "").lower())


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """``; did you mean 'W_f'?`` or nothing."""
    option = closest(word, options)
    return f"; did you mean '{option}'?" if option else ""


def article(kind: str) -> str:
    """``an input``, ``a param``."""
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def listed(names: Iterable[str]) -> str:
    """Names for a sentence, at most twelve of them."""
    known = list(names)
    more = f", ... ({len(known)} in all)" if len(known) > 12 else ""
    return ", ".join(known[:12]) + more


def what_is(node: Any) -> str:
    """The label of a value in a report; an open size is shown as ``?``."""
    if not node.shape:
        return "this is a scalar"
    return f"this is {re.sub(r'[?][0-9]+', '?', show_shape(node.shape))}"
