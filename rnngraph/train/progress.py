"""How far a training is: a live bar on a terminal, and a plain line now and then elsewhere.

Both show the loss, the speed and the time left. NO_COLOR is honoured (rich does so).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.console import Console

SMOOTHING = 0.98  # of the loss shown
LINE_EVERY = 5.0  # seconds between plain lines


def console() -> Console:
    """The console of a face that is given none: standard output."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


class Progress:
    """A context manager; call `advance` after every step.

    `total` steps in all, of which `done` were done before (a resumed training).
    """

    def __init__(self, title: str, total: int, console: Console, done: int = 0,
                 unit: str = "tokens", clock: Callable[[], float] = time.monotonic) -> None:
        self.title, self.total, self.done, self.unit = title, total, done, unit
        self.console, self.clock = console, clock
        self.loss = float("nan")
        self.note = ""
        self._first, self._tokens = done, 0
        self._bar: Any = None

    def __enter__(self) -> Self:
        self._began = self._shown = self.clock()
        if self.console.is_terminal:
            self._bar = _bar(self.console)
            self._task = self._bar.add_task(self.title, total=self.total, completed=self.done,
                                            told="")
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._show_bar()
            self._bar.stop()
        elif kind is None and self.done > self._first:
            self._print_line()

    def advance(self, loss: float, tokens: int, note: str = "") -> None:
        """One more step is done: its loss, its tokens, and words to keep showing."""
        self.done += 1
        self._tokens += tokens
        self.note = note or self.note
        known = self.loss == self.loss
        self.loss = SMOOTHING * self.loss + (1 - SMOOTHING) * loss if known else loss
        now = self.clock()
        if now - self._shown < (0.1 if self._bar is not None else LINE_EVERY):
            return
        self._shown = now
        if self._bar is not None:
            self._show_bar()
        else:
            self._print_line()

    @property
    def speed(self) -> float:
        """Tokens in a second since the beginning."""
        return self._tokens / max(self.clock() - self._began, 1e-9)

    @property
    def left(self) -> float:
        """Seconds until the end, at the pace so far."""
        pace = (self.clock() - self._began) / max(self.done - self._first, 1)
        return pace * (self.total - self.done)

    def _told(self) -> str:
        return f"loss {self.loss:.3f}  {self.speed:,.0f} {self.unit}/s" + (
            f"  {self.note}" if self.note else "")

    def _show_bar(self) -> None:
        self._bar.update(self._task, completed=self.done, told=self._told())

    def _print_line(self) -> None:
        line = f"{self.title}  step {self.done:,}/{self.total:,}  {self._told()}"
        left = f"  {_clock_time(self.left)} left" if self.done < self.total else ""
        self.console.print(line + left, markup=False)


def _bar(console: Console) -> Any:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    return Bar(TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
               TextColumn("{task.fields[told]}"), TimeRemainingColumn(), console=console)


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
