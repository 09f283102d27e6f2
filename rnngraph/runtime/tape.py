"""Tapes: a remembered ``vjp``, forward and backward, with the memory that lies between the two."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .arguments import Arguments, Call
from .arrays import Array
from .executable import Session
from .frames import Fresh, Writer, results
from .replay import Replay, write_arguments
from .results import Gradients, frozen


class Tape:
    """Both frames of one kind of ``vjp``. In use by one pullback at a time."""

    is_free = False  # before its pullback has ended

    def __init__(
        self, session: Session, arguments: Arguments, call: Call, params: Mapping[str, Any],
        x: Any, state: Mapping[str, Any] | None, outputs: tuple[str, ...], alone: bool,
        wrt: tuple[str, ...], mark: str, release: Callable[[Tape], None],
    ) -> None:  # fmt: skip
        """``release`` is for when a pullback has ended. ``mark`` names cotangents in the schedule:
        ``mark(parameter)``, ``mark(out(output))``."""
        self.release = release
        graph, program = arguments.graph, session.program
        self.arguments, self.call, self.mark = arguments, call, mark
        self.fresh = Fresh(session, 1, {name: f"{mark}({name})" for name in wrt})
        self.replay = Replay(session, arguments, call, params, x, state, outputs, alone,
                             renewed=self.fresh.names)
        self.outputs, self.states = outputs, tuple(graph.states)
        self.learned = [(name, s.init) for name, s in graph.states.items()
                        if s.init in wrt and name not in call.given_states]  # fmt: skip
        self.groups = [[window for window in self.fresh.windows if window[0] in of]
                       for of in (graph.params, graph.inputs, graph.contexts)]  # fmt: skip
        self.late = tuple(n for n in outputs if graph.outputs[n].dtype == "real")
        self.still = tuple(arguments.states({}, call.rows, zero=True).values())
        self.shapes = [value.shape for value in self.still]
        self.dtype, self.consumes = program.dtype, program.schedule.consumes
        writer = Writer(session, 1)
        names = self.replay.inputs or (*graph.inputs, *graph.contexts)
        write_arguments(writer, arguments, call, self.replay.params, names, step=False)
        for buffer, shape in zip(self.replay.fresh.buffers, self.replay.fresh.shapes, strict=True):
            writer.point(buffer.name, shape, self.dtype)
        self.read = len(writer.read)  # arrays of the way there that the way back reads
        nothing = arguments.cotangents(call, outputs, dict.fromkeys(outputs), mark)
        for name, value in nothing.items():
            writer.point(name, value.shape, self.dtype)
        writer.fresh(self.fresh)
        for name in self.states:
            writer.fill(f"{mark}({name})")
        for name in self.states:
            writer.keep(f"{mark}({name})")
        self.entry = program.entry(1, session.steps, session.rows, writer.words())

    def run(
        self, params: Any, x: Any, state: Mapping[str, Array] | None
    ) -> tuple[Any, dict[str, Array], Recorded] | None:
        """Run forward: ``(outputs, final states, pullback)``, or None."""
        replay = self.replay
        done = replay.forward(params, x, state)
        if done is None:
            return None
        fresh, finals, arrays = done
        found = results(fresh, replay.fresh.windows)
        if replay.alone:
            return frozen(found[replay.alone]), finals, Recorded(self, arrays)
        y = {name: frozen(value) for name, value in found.items()}
        return y, finals, Recorded(self, arrays)

    def repeat(self, arrays: tuple[Array, ...]) -> None:
        """Run forward once more, with the arrays of the first time."""
        finals = [np.empty(shape, self.dtype) for _, shape in self.replay.final_shapes]
        self.replay.entry.enter((*arrays[: -len(finals) or None], *finals))

    def pull(self, arrays: tuple[Array, ...], dy: Any, dstate: Any) -> Gradients | None:
        """Gradients, or None where the cotangents are not as the frame has them."""
        late, ends = self._cotangents(dy), self._ends(dstate)
        if late is None or ends is None:
            return None
        fresh, dtype = self.fresh.allocate(), self.dtype
        starts = [np.empty(shape, dtype) for shape in self.shapes]
        if self.entry.enter((*arrays[: self.read], *late, *fresh, *ends, *starts)):
            return None
        params, inputs, contexts = [results(fresh, windows) for windows in self.groups]
        state = dict(zip(self.states, starts, strict=True))
        for name, init in self.learned:
            params[init] = params[init] + state[name].sum(0)  # type: ignore[index]
        return Gradients(params, inputs, contexts, state)

    def _cotangents(self, dy: Any) -> Any:
        if type(dy) is np.ndarray:
            return (dy,) if len(self.outputs) == 1 else None
        if type(dy) is not dict or len(dy) != len(self.late):
            return None
        return [dy[name] for name in self.late] if all(n in dy for n in self.late) else None

    def _ends(self, dstate: Any) -> Any:
        if dstate is None:
            return self.still
        return dstate.values() if type(dstate) is dict and tuple(dstate) == self.states else None

    def fitted(self, dy: Any, dstate: Any) -> tuple[dict[str, Array], dict[str, Array]]:
        """Cotangents as the frame has them, copied. Raises ArgumentError as any call does."""
        late = self.arguments.cotangents(self.call, self.outputs, dy, self.mark)
        ends = self.arguments.states(dstate or {}, self.call.rows, zero=True)
        plain = (f"{self.mark}out({name})" for name in self.late)
        return ({name: np.array(late[key], self.dtype) for name, key in zip(
            self.late, plain, strict=True)}, {k: np.array(v, self.dtype) for k, v in ends.items()})


class Recorded:
    """What a replayed ``vjp`` gives to pull cotangents back with: a tape of its own."""

    __slots__ = ("arrays", "consumed", "lock", "tape")

    def __init__(self, tape: Tape, arrays: tuple[Array, ...]) -> None:
        """``arrays``: those of the forward run."""
        self.tape, self.arrays = tape, arrays
        self.consumed = False  # by a backward run: then the forward run is repeated
        self.lock = threading.Lock()

    def __call__(self, dy: Any, dstate: Mapping[str, Any] | None = None) -> Gradients:
        """Gradients of the outputs' cotangents (an array, or a dict) and the final states'."""
        tape = self.tape
        with self.lock:
            if self.consumed:
                tape.repeat(self.arrays)
            self.consumed = tape.consumes
            found = tape.pull(self.arrays, dy, dstate)
            if found is None:
                found = tape.pull(self.arrays, *tape.fitted(dy, dstate))
        if found is None:
            raise RuntimeError("arguments of vjp were changed before its pullback ran")
        return found

    def __del__(self) -> None:
        self.tape.release(self.tape)
