"""Replays: a call like the one before costs little more than its machine code.

Most calls of a program pass the same parameter arrays and inputs of the same shape. What was
found out about them (that they fit, where they lie, the table of pointers) is kept, and only
what is new is looked at: the input's address, the states, and memory for the results.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..graph import Graph
from ..schedule.grammar import Buffer, Role
from .arguments import Call
from .arrays import Array, address, aligned
from .executable import Session

ORDINARY = np.ndarray
KEPT = 4  # shapes of input remembered per compiled cell


class Replay:
    """One remembered call. Not to be used by two threads at once."""

    def __init__(
        self,
        session: Session,
        call: Call,
        params: Mapping[str, Any],
        name: str,
        first: Mapping[str, Array],
    ) -> None:
        """``first``: the states a call begins with that gives none."""
        self.session = session
        self.params = tuple((k, v, v.shape, v.dtype) for k, v in params.items())
        self.x: Array = call.given[name]
        self.shape, self.dtype = self.x.shape, self.x.dtype
        names, schedule = session.program.layout.names, session.program.schedule
        head = session.head(0, 0, 0)
        self.words = array("q", [*head, *session.table()])
        self.input_place = len(head) + names.index(name) if name in names else -1
        given_away = {view.buffer.name for view in schedule.outputs.values()}
        fresh = [b for b in schedule.buffers.values() if b.role is Role.RESULT
                 or b.name in given_away | session.program.summed]  # fmt: skip
        self.fresh = [self._recipe(buffer, len(head) + names.index(buffer.name))
                      for buffer in fresh]  # fmt: skip
        self.initial = {k: v for k, v in first.items() if k in schedule.states}
        self.outputs = tuple(schedule.outputs)

    def _recipe(self, buffer: Buffer, place: int) -> tuple[str, int, tuple[int, ...], bool]:
        session = self.session
        return buffer.name, place, session.shape(buffer), buffer.name in session.program.summed

    def fits(self, params: Any, x: Any, state: Any) -> bool:
        """True when the call differs from the remembered one in numbers only."""
        if type(x) is not ORDINARY or x.shape != self.shape or x.dtype != self.dtype:
            return False
        if not x.flags.c_contiguous or len(params) != len(self.params):
            return False
        for name, given, shape, dtype in self.params:
            if params.get(name) is not given:
                return False
            # the same object may have been reshaped or resized in place
            if given.shape != shape or given.dtype != dtype:
                return False
        return state is None or self._fitting_states(state)

    def _fitting_states(self, state: Any) -> bool:
        if type(state) is not dict or state.keys() != self.initial.keys():
            return False
        for name, like in self.initial.items():
            value = state[name]
            if type(value) is not ORDINARY or value.shape != like.shape:
                return False
            if value.dtype != like.dtype:
                return False
        return True

    def run(self, x: Array, state: Mapping[str, Array] | None) -> tuple[dict[str, Array], Any]:
        """``(outputs, final states)`` by name."""
        session, table = self.session, self.words
        arrays = session.arrays
        if self.input_place >= 0:
            table[self.input_place] = address(x)
        for name, place, shape, zero in self.fresh:
            made = arrays[name] = aligned(shape, session.program.dtype, zero)
            table[place] = address(made)
        session.set_states(self.initial if state is None else state)
        session.program.enter[0](table.buffer_info()[0], ())
        outputs = {name: session.output(name) for name in self.outputs}
        finals = {name: session.final(name) for name in self.initial}
        for name, *_ in self.fresh:
            del arrays[name]  # they are the caller's now
        return outputs, finals


class Replays:
    """The remembered calls of one compiled cell; each is in use by one thread at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, ...], Replay] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, params: Any, x: Any, state: Any) -> Replay | None:
        """The replay that fits, taken out; ``keep`` gives it back."""
        replay = self._kept.pop(getattr(x, "shape", ()), None)
        if replay is None or not isinstance(params, Mapping):
            return None
        return replay if replay.fits(params, x, state) else None

    def keep(self, replay: Replay) -> None:
        """Remember a call for its shape of input, and forget the oldest."""
        self._kept[replay.shape] = replay
        with self._lock:  # one thread at a time forgets; others may take and keep meanwhile
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


def lone_input(graph: Graph) -> str | None:
    """The name of the input of a cell with just one, real-valued, and no contexts."""
    names = [*graph.inputs, *graph.contexts]
    lone = len(names) == len(graph.inputs) == 1 and graph.inputs[names[0]].dtype == "real"
    return names[0] if lone else None


def can_replay(call: Call, params: Mapping[str, Any], x: Any, name: str) -> bool:
    """True for calls in which nothing is converted or masked."""
    if call.lengths or call.reset or call.reverse or call.batch_first:
        return False
    return all(
        _same_memory(theirs, call.given[key]) for key, theirs in [(name, x), *params.items()]
    )


def _same_memory(theirs: Any, ours: Array) -> bool:
    return type(theirs) is ORDINARY and theirs.dtype == ours.dtype and (
        theirs.flags.c_contiguous and address(theirs) == address(ours)
    )

