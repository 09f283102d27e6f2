"""Replays: a call like the one before costs little more than its machine code.

What was found out about a call (that its arguments fit, where its memory lies) is kept in a
frame. The next one only hands over its arrays, and machine code sees from their headers whether
they are of the same kind, wherever they lie and whatever they hold. If they are not, the call runs
as a first one does. Frozen parameters, of which nobody can change a number, are kept by reference;
when they come again, their packed weights are good without a look at them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from operator import is_
from typing import Any

import numpy as np

from .arguments import Arguments, Call
from .arrays import HEADERS, Array, is_unchanging
from .executable import Session
from .frames import CannotReplay, Fresh, Writer, results

KINDS = 8  # kinds of call remembered per compiled cell
AT_ONCE = 4  # of each, for as many threads


class Replay:
    """A remembered run. Not to be used by two threads at once."""

    is_free = True  # for another call, as soon as one has run

    def __init__(
        self, session: Session, arguments: Arguments, call: Call, params: Mapping[str, Any],
        x: Any, state: Mapping[str, Any] | None, outputs: tuple[str, ...], alone: bool,
        step: bool = False, renewed: Collection[str] = (),
    ) -> None:  # fmt: skip
        """``alone``: the only output is given as itself; ``step``: arrays have no axis of time;
        ``renewed``: buffers that are new at every call besides this run's results."""
        if not (call.steps and call.rows):
            raise CannotReplay
        graph, program = arguments.graph, session.program
        self.session, self.call, self.dtype = session, call, program.dtype
        self.params, self.inputs = tuple(params), tuple(x) if isinstance(x, dict) else None
        names = self.inputs or (*graph.inputs, *graph.contexts)
        self.fresh = Fresh(session, 0, {name: name for name in outputs}, step)
        self.states = tuple(name for name in graph.states if name in program.schedule.states)
        self.alone = outputs[0] if alone and len(outputs) == 1 else ""
        self.given = tuple(state or ())
        self.firsts = self._firsts(arguments, call)
        self.final_shapes = [(name, (session.rows, *graph.states[name].leaf.shape))
                             for name in self.states]  # fmt: skip
        session.drop({*self.fresh.names, *renewed} & {b.name for b in program.kept})
        writer = Writer(session, 0)
        write_arguments(writer, arguments, call, self.params, names, step)
        writer.fresh(self.fresh)
        for name in self.given or self.states:
            writer.fill(name, spread=name in self.learned)
        for name in self.states:
            writer.keep(name)
        self.entry = program.entry(0, session.steps, session.rows, writer.words())
        self.vouched = writer.vouched
        self.frozen: tuple[Any, ...] = ()

    def _firsts(self, arguments: Arguments, call: Call) -> tuple[Array, ...]:
        """What states begin with that none is given for; ``learned`` ones by their parameter."""
        states = arguments.graph.states
        self.learned: dict[str, str] = {}
        if self.given:
            if {*self.given} != {*self.states}:
                raise CannotReplay
            return ()
        for name in self.states:
            init = states[name].init
            if isinstance(init, str):
                if call.given[init].shape != states[name].leaf.shape:
                    raise CannotReplay
                self.learned[name] = init
        values = arguments.filled({}, call.rows, call.given)
        return tuple(np.array(values[name]) for name in self.states)

    def run(
        self, params: Any, x: Any, state: Mapping[str, Array] | None
    ) -> tuple[Any, dict[str, Array]] | None:
        """``(outputs, final states)``, or None when the call is of another kind after all."""
        done = self.forward(params, x, state)
        if done is None:
            return None
        fresh, finals, _ = done
        found = results(fresh, self.fresh.windows)
        return (found[self.alone] if self.alone else found), finals

    def forward(
        self, params: Any, x: Any, state: Mapping[str, Array] | None
    ) -> tuple[list[Array], dict[str, Array], tuple[Any, ...]] | None:
        """``(results as allocated, final states, all arrays of the frame)``, or None."""
        if type(params) is not dict or tuple(params) != self.params:
            return None
        if self.inputs is None:
            given: Any = (x,)
        elif tuple(x) == self.inputs:
            given = x.values()
        else:
            return None
        if self.given:
            firsts: Any = state.values()  # type: ignore[union-attr]
        elif self.learned:
            firsts = [params[self.learned[name]] if name in self.learned else first
                      for name, first in zip(self.states, self.firsts, strict=True)]  # fmt: skip
        else:
            firsts = self.firsts
        fresh, dtype = self.fresh.allocate(), self.dtype
        finals = {name: np.empty(shape, dtype) for name, shape in self.final_shapes}
        arrays = (*params.values(), *given, *fresh, *firsts, *finals.values())
        known = self.frozen and self._vouch(arrays)
        if self.entry.enter(arrays):
            return None
        if not known:  # most parameters are not frozen: the first one tells, at little cost
            self.frozen = self._frozen(arrays) if is_unchanging(arrays[0]) else ()
        return fresh, finals, arrays

    def _frozen(self, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        """The parameters, which come first, if all of them are frozen."""
        weights = arrays[: len(self.params)]
        return weights if all(map(is_unchanging, weights)) else ()

    def _vouch(self, arrays: tuple[Any, ...]) -> bool:
        """Tell machine code whether the parameters are the frozen ones that its packed weights
        are of."""
        known = all(map(is_, self.frozen, arrays))
        self.entry.put(self.vouched, known)
        return known


def write_arguments(
    writer: Writer, arguments: Arguments, call: Call, params: tuple[str, ...],
    names: tuple[str, ...], step: bool,
) -> None:  # fmt: skip
    """Records of parameters, and of inputs and contexts, in the caller's order of them."""
    for name in params:
        writer.point(name, call.given[name].shape, arguments.dtype)
    for name in names:
        array = call.given[name]
        timeless = step and name in arguments.graph.inputs
        writer.point(name, array.shape[1:] if timeless else array.shape, _ordinary(array.dtype),
                     arguments.limits.get(name, 0))  # fmt: skip


def _ordinary(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """NumPy's own object for a dtype, of which there is one."""
    return np.dtype(dtype.type)


class Replays:
    """The remembered calls of one compiled cell; each is in use by one thread at a time."""

    def __init__(self, arguments: Arguments) -> None:
        self._arguments = arguments
        self._kept: OrderedDict[Hashable, list[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def _take(self, key: Hashable) -> Any:
        """A replay that is remembered under a key, taken out; ``keep`` gives it back."""
        try:
            return self._kept[key].pop()
        except (KeyError, IndexError, TypeError):  # unknown, in use, or no key at all
            return None

    def run(self, key: Hashable, params: Any, x: Any, state: Any) -> Any:
        """What a remembered call gives this time; None if there is none like it."""
        replay = self._take(key)
        if replay is None:
            return None
        done = replay.run(params, x, state)
        if done is None or replay.is_free:
            self.keep(key, replay)
        return done

    def first(self, key: Hashable, kind: Any, session: Any, call: Call, params: Any, x: Any,
              state: Any, *asked: Any) -> Any:  # fmt: skip
        """What a first call gives, run as a replay of a ``kind``; None for an unusual one."""
        if key is None or not usual(self._arguments, params, x):
            return None
        try:
            replay = kind(session, self._arguments, call, params, x, state, *asked)
            done = replay.run(params, x, state)
        except CannotReplay:
            done = None
        if done is None:
            session.restore()
        elif replay.is_free:
            self.keep(key, replay)
        return done

    def keep(self, key: Hashable, replay: Any) -> None:
        """Remember a call, and forget the oldest."""
        try:
            held = self._kept[key]
        except KeyError:
            held = self._new(key)
        if len(held) < AT_ONCE:
            held.append(replay)

    def _new(self, key: Hashable) -> list[Any]:
        with self._lock:
            held = self._kept.setdefault(key, [])
            while len(self._kept) > KINDS:
                self._kept.popitem(last=False)
        return held


def usual(arguments: Arguments, params: Any, x: Any) -> bool:
    """False where an argument has to be converted: then no frame will do."""
    values = x.values() if type(x) is dict else (x,)
    wanted = (arguments.dtype, _ordinary(np.dtype(np.int64)))
    return type(params) is dict and all(
        type(value) is np.ndarray and value.dtype in wanted for value in (*params.values(), *values)
    )


def key_of(kind: str, x: Any, state: Any, *asked: Any) -> Hashable:
    """What calls have in common that may be replays of each other; None for unusual ones."""
    if not HEADERS:
        return None
    if type(x) is np.ndarray:
        shapes: Any = x.shape
    elif type(x) is dict:
        shapes = tuple([getattr(value, "shape", None) for value in x.values()])
    else:
        return None
    if state is not None and type(state) is not dict:
        return None
    for names in asked:
        if names is not None and type(names) is not tuple:
            return None
    return (kind, shapes, None if state is None else tuple(state), *asked)
