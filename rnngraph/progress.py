"""How much of a countable work is done: a bar on standard error, while there is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def counting(
    total: int, clock: Literal["elapsed", "left"] | None = None, console: Console | None = None
) -> Iterator[Callable[[str], None]]:
    """``tell(title)`` counts one more of ``total`` and shows its title; ``clock`` shows the time
    since the beginning or until the end. NO_COLOR is honoured (rich does so)."""
    from rich import progress
    from rich.console import Console

    clocks = {"elapsed": progress.TimeElapsedColumn, "left": progress.TimeRemainingColumn}
    columns = [progress.BarColumn(bar_width=24), progress.MofNCompleteColumn(),
               *([clocks[clock]()] if clock else []),
               progress.TextColumn("{task.description}")]  # fmt: skip
    with progress.Progress(
        *columns, console=console or Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda title: bar.update(task, advance=1, description=title)
