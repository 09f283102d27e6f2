"""How many threads a call is worth: what a model expects, and then what calls have shown.

The model (``schedule.cost``) adds up work, wakes and barriers. Where it expects too little of a
team, there is none; long calls have the team that it expects most of. In short ones what a team
costs decides, which depends on the machine and on what else it does: the first calls of a kind are
run in turn with a team and without, and the others as was faster. The results have the same bits.
Other programs on the machine hold up a team more than a thread alone, now and then or all the time.
So where the usual call says that there should be no team, and the best call that there should,
trying goes on for a while; then the usual call decides. And since a program's first calls are not
like its others (memory is new, threads are, other libraries are at work), all is tried once more
when some calls have gone by.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

from ..backends.frame import TEAM, THREADS
from ..schedule.cost import SPEED, WORTH, StepWork, TeamCosts, best_team, team_size

TRIES = 4  # calls of either way
MOST = 24  # calls of either way, where what they say differs
ROUNDS = 2  # times that both ways are tried
PAUSE = 32  # calls from one round to the next
LONG = 0.02  # seconds alone; a fiftieth of it is more than any wake


class Trial:
    """Calls of one kind, with a team of so many threads and alone, until one way is known to be
    faster. With one thread there is nothing to be tried."""

    def __init__(self, team: int, tries: int = TRIES) -> None:
        self.size, self.sizes, self.tries = team, (team, 1), tries
        self.settled = team == 1 or not tries  # ``size`` stays as it is
        self.rounds, self.pause = ROUNDS, 0
        self.seconds: dict[int, list[float]] = {team: [], 1: []}

    def note(self, size: int, seconds: float) -> None:
        """A call took so long with so many threads. Calls may run at once and end in any order."""
        if self.settled:
            return
        if self.pause:
            self.pause -= 1
            if not self.pause:
                self.size = self.sizes[0]
            return
        self.seconds[size].append(seconds)
        together, alone = (self.seconds[size] for size in self.sizes)
        count = min(len(together), len(alone))
        if count < self.tries or (count < MOST and self._faster(median) != self._faster(min)):
            self.size = self.sizes[len(together) > len(alone)]
            return
        self.size, self.rounds = self._faster(median), self.rounds - 1
        self.settled, self.pause = not self.rounds, PAUSE
        self.seconds = {size: [] for size in self.sizes}

    def _faster(self, typical: Callable[[list[float]], float]) -> int:
        """What a typical call of either way says."""
        together, alone = (self.seconds[size] for size in self.sizes)
        return self.sizes[typical(together) > (1 - WORTH) * typical(alone)]


def trial(step: StepWork, steps: int, rows: int, threads: int, costs: TeamCosts) -> Trial:
    """What is to be tried for calls of so many steps and rows, with ``threads`` at most."""
    size, gain = best_team(step, steps, rows, threads, costs)
    if gain <= 1:
        return Trial(1)
    if step.operations * steps * rows / SPEED > LONG:
        return Trial(team_size(step, steps, rows, threads, costs), tries=0)
    return Trial(size)


class Entry:
    """How a frame's procedure is entered: ``enter(arrays)`` gives 0, or not if it did not run."""

    def __init__(
        self, words: array[int], function: Callable[[int, Any], int], found: Trial,
        entrance: Callable[[], int],
    ) -> None:  # fmt: skip
        """``entrance`` gives the address at which a team is entered."""
        self._words, self._trial, self._entrance = words, found, entrance
        self._go = partial(function, words.buffer_info()[0])
        self.enter: Callable[[Any], int] = self._go if found.settled else self._try

    def put(self, place: int, word: int) -> None:
        """Change a word of the frame."""
        self._words[place] = word

    def _try(self, arrays: Any) -> int:
        size = self._trial.size
        self._set(size)
        began = perf_counter()
        refused = self._go(arrays)
        if not refused:
            self._trial.note(size, perf_counter() - began)
        if self._trial.settled:
            self._set(self._trial.size)
            self.enter = self._go
        return refused

    def _set(self, size: int) -> None:
        self._words[THREADS] = size
        self._words[TEAM] = self._entrance() if size > 1 else 0
