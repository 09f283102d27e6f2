"""A compiled cell: runs, traces and gradients of whole sequences.

Arrays are time-major ``[T, B, *shape]`` (``[B, T, *shape]`` with ``batch_first=True``). One input
without contexts comes as an array, several as a dict by name, contexts among them; so do
outputs. States, parameters and gradients always are dicts by the names of the cell's text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .compile import MARK, PUSH, Request, build, stages
from .graph import Graph, Node, Varies
from .runtime import draw
from .runtime.arguments import Arguments, Call
from .runtime.arrays import REAL, ArgumentError, Array, names_of, unchanging
from .runtime.budget import Kept, opened
from .runtime.executable import Executable, Session
from .runtime.options import check_options, checked_precision, refuse_derivatives
from .runtime.replay import Replay, Replays, key_of
from .runtime.results import Gradients, frozen, gradients_of, marked, single
from .runtime.tape import Tape
from .schedule import Schedule
from .schedule.cost import FEW_ROWS
from .schedule.memory import Memory, memory

Pullback = Callable[..., Gradients]


class Compiled:
    """A cell with its sizes bound. Thread-safe; code is compiled when first needed."""

    def __init__(
        self, graph: Graph, *, dtype: str = "f32", target: str = "host", threads: int = 1,
        precision: str | None = None, parallel_scan: bool = False,
    ) -> None:  # fmt: skip
        check_options(dtype, threads, parallel_scan)
        self.precision = checked_precision(precision, dtype)
        self.graph, self.dtype, self.target, self.threads = graph, dtype, target, threads
        self.parallel_scan = parallel_scan
        self._arguments = Arguments(graph, REAL[dtype])
        self._executables: dict[Request, Executable] = {}
        self._lock = threading.Lock()
        self._replays = Replays(self._arguments)

    # --- parameters ------------------------------------------------------------------------

    def init(self, seed: int = 0) -> dict[str, Array]:
        """First values of all parameters, drawn as the cell's text says: ``{name: [*shape]}``."""
        whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
        if not whole or seed < 0:
            raise ArgumentError(f"seed must be an integer of 0 or more, not {seed!r}")
        return draw.draw(self.graph, int(seed), REAL[self.dtype])

    def freeze(self, params: Mapping[str, Any]) -> dict[str, Array]:
        """Copies of parameters that nobody can change any more: ``{name: [*shape]}``.

        Every call looks through its parameters for what was changed in place, which makes a
        ``step`` of large weights take twice as long. Of frozen ones that it has seen before it
        knows that nothing was. For inference: ``params = compiled.freeze(params)``, once.
        Raises ArgumentError as ``run`` does.
        """
        return {n: unchanging(array) for n, array in self._arguments.params(params).items()}

    @property
    def parameter_count(self) -> int:
        """How many numbers are learned."""
        return sum(int(np.prod(leaf.shape)) for leaf in self.graph.params.values())

    # --- running ---------------------------------------------------------------------------

    def run(
        self,
        params: Mapping[str, Any],
        x: Any,
        state: Mapping[str, Any] | None = None,
        *,
        outputs: Iterable[str] | None = None,
        **options: Any,
    ) -> tuple[Any, dict[str, Array]]:
        """Run whole sequences: ``(y, state)``.

        ``state`` holds initial states ``[B, *shape]`` by name (missing ones begin as the cell
        says); ``outputs`` limits what is computed. Options:

        * ``lengths`` [B] integers: sequence b ends after that many steps; its states stay and its
          outputs are 0 from there on;
        * ``reset`` [T, B] truth values: another sequence starts in the row at that step; nothing
          is carried between it and the step before, in either direction;
        * ``reverse=True`` runs backwards in time; ``batch_first=True`` takes and gives [B, T, ...];
        * ``seed`` draws the cell's noise, which is its mean without one; ``first_step`` is the
          number of the first step, so that a sequence in pieces draws what the whole does.

        Raises ArgumentError naming the argument, the shape expected and the shape given.
        """
        key = None if options else key_of("run", x, state, outputs)
        if done := self._replays.run(key, params, x, state):
            return done  # type: ignore[no-any-return]
        call = self._arguments.call(params, x, state, **options)
        return self._first(key, call, outputs, params, x, state)  # type: ignore[no-any-return]

    def _first(
        self, key: Hashable, call: Call, outputs: Iterable[str] | None, params: Any, x: Any,
        state: Any, step: bool = False,
    ) -> Any:  # fmt: skip
        """A run that is like none before, or of a kind that is not remembered."""
        request, alone = self._request(call, outputs), outputs is None
        session = self._open(request, call)
        asked = (params, x, state, request.outputs, alone, step)
        if done := self._replays.first(key, Replay, session, call, *asked):
            return done
        session.run()
        y = self._results(session, call, request)
        finals = {name: session.final(name) for name in self.graph.states}
        session.close()
        if step:
            each = {n: node.varies is Varies.STEP for n, node in self.graph.outputs.items()}
            y = {name: value[0] if each[name] else value for name, value in y.items()}
        return single(y, alone), finals

    def _results(
        self, session: Kept, call: Call, request: Request, mark: str = "", fixed: bool = False
    ) -> dict[str, Array]:
        made = {}
        for name in request.outputs:
            node = self.graph.outputs[name]
            if node.dtype == "real" or not mark:
                array = session.output(f"{mark}({name})" if mark else name)
                made[name] = call.out(frozen(array) if fixed else array, node.varies)
        return made

    def step(
        self,
        params: Mapping[str, Any],
        x: Any,
        state: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> tuple[Any, dict[str, Array]]:
        """One time-step, for streaming: inputs ``[B, *shape]``, ``(y, state)`` likewise. Options
        as for ``run``."""
        key = None if options else key_of("step", x, state)
        if done := self._replays.run(key, params, x, state):
            return done  # type: ignore[no-any-return]
        call = self._arguments.call(params, self._arguments.with_time(x), state, **options)
        return self._first(key, call, None, params, x, state, step=True)  # type: ignore[no-any-return]

    def trace(
        self,
        params: Mapping[str, Any],
        x: Any,
        state: Mapping[str, Any] | None = None,
        *,
        names: Iterable[str] | None = None,
        **options: Any,
    ) -> dict[str, Array]:
        """Every named value, and every state's next value, at every step: ``{name: [T, B, ...]}``.

        ``names`` limits them. Bit-equal to what ``run`` computes. Where a sequence is over
        (``lengths``) states show the value they keep, other values mean nothing.
        """
        chosen = tuple(self.named) if names is None else names_of(names, "names")
        for name in chosen:
            if name not in self.named:
                raise ArgumentError(
                    f"no value is named '{name}'; this cell names {', '.join(self.named)}"
                )
        call = self._arguments.call(params, x, state, **options)
        # with all outputs, so that every value is computed as in `run`
        request = replace(self._request(call, None), names=chosen)
        session = self._open(request, call)
        session.run()
        traced = {n: call.out(session.output(n), self._traced(n).varies) for n in chosen}
        session.close()
        return traced

    @property
    def named(self) -> list[str]:
        """Names that ``trace`` knows: gates and other named values, then states."""
        return list(dict.fromkeys([*self.graph.names, *self.graph.states]))

    def _traced(self, name: str) -> Node:
        graph = self.graph
        return graph.names[name].node if name in graph.names else graph.states[name].leaf

    # --- gradients ---------------------------------------------------------------------------

    def vjp(
        self,
        params: Mapping[str, Any],
        x: Any,
        state: Mapping[str, Any] | None = None,
        *,
        outputs: Iterable[str] | None = None,
        wrt: Iterable[str] | None = None,
        checkpoint_every: int | str | None = None,
        memory_budget: int | None = None,
        **options: Any,
    ) -> tuple[Any, dict[str, Array], Pullback]:
        """Run, and keep what exact gradients through time need: ``(y, state, pullback)``.

        ``pullback(dy, dstate=None)`` takes the cotangents of the outputs (an array, or a dict in
        which missing outputs count as 0) and of the final states, and returns Gradients.
        ``wrt`` names the parameters, inputs and contexts wanted (default: all). Arguments and
        outputs must not be changed in place before the pullback has run.

        ``checkpoint_every`` keeps just the states between segments of so many steps ("auto": about
        the root of all), and runs each once more for its gradients: the same bits, in less memory.
        ``memory_budget``: the longest segments that so many bytes allow, beyond the caller's.
        """
        whole = checkpoint_every is None and memory_budget is None and not options
        key = key_of("vjp", x, state, outputs, wrt) if whole else None
        if done := self._replays.run(key, params, x, state):
            return done  # type: ignore[no-any-return]
        call = self._arguments.call(params, x, state, **options)
        refuse_derivatives(self.precision)
        request = replace(self._request(call, outputs), wrt=self._arguments.wrt(wrt))
        session = opened(self._executable(request), call, checkpoint_every, memory_budget)
        asked = (params, x, state, request.outputs, outputs is None, request.wrt, MARK,
                 partial(self._replays.keep, key))  # fmt: skip
        if done := self._replays.first(key, Tape, session, call, *asked):
            return done  # type: ignore[no-any-return]
        session.run(0)
        results = self._results(session, call, request, fixed=True)
        finals = {name: session.final(name) for name in self.graph.states}
        return single(results, outputs is None), finals, self._pullback(session, call, request)

    def _pullback(self, session: Kept, call: Call, request: Request) -> Pullback:
        lock = threading.Lock()  # a session has one memory

        def pullback(dy: Any, dstate: Mapping[str, Any] | None = None) -> Gradients:
            late = self._arguments.cotangents(call, request.outputs, dy, MARK)
            ends = self._ends(call, dstate)
            with lock:
                session.give(late)
                session.set_states(marked(MARK, ends))
                session.run(1)
                return self._gradients(session, call, request)

        return pullback

    def _ends(self, call: Call, given: Mapping[str, Any] | None) -> dict[str, Array]:
        """Cotangents of final states; 0 where none is given."""
        return self._arguments.states({} if given is None else given, call.rows, zero=True)

    def _gradients(
        self, session: Kept, call: Call, request: Request, mark: str = f"{MARK}({{}})"
    ) -> Gradients:
        found = {name: session.output(mark.format(name)) for name in request.wrt or ()}
        starts = {name: session.final(mark.format(name)) for name in self.graph.states}
        return gradients_of(self.graph, call, found, starts)

    # --- directions ----------------------------------------------------------------------------

    def jvp(
        self,
        params: Mapping[str, Any],
        x: Any,
        dparams: Mapping[str, Any] | None = None,
        dx: Any = None,
        state: Mapping[str, Any] | None = None,
        dstate: Mapping[str, Any] | None = None,
        *,
        outputs: Iterable[str] | None = None,
        **options: Any,
    ) -> tuple[Any, Any, dict[str, Array], dict[str, Array]]:
        """Run, and differentiate along a direction: ``(y, dy, state, dstate)``.

        ``dparams``, ``dx`` and ``dstate`` are directions of parameters, of inputs and contexts,
        and of initial states, shaped like them; what is not given stays still. Exact, forward
        through time, without memory of the past. Options as for ``run``.
        """
        call = self._arguments.call(params, x, state, **options)
        refuse_derivatives(self.precision)
        moves = self._arguments.tangents(call, dparams, dx)
        starts = self._arguments.moved(call, moves, dstate)
        request = replace(self._request(call, outputs), along=tuple(sorted(moves)))
        session = self._open(request, call, marked(PUSH, moves), marked(PUSH, starts))
        session.run()
        alone = outputs is None
        y = single(self._results(session, call, request), alone)
        dy = single(self._results(session, call, request, PUSH), alone)
        finals = {name: session.final(name) for name in self.graph.states}
        moved = {name: session.final(f"{PUSH}({name})") for name in self.graph.states}
        session.close()
        return y, dy, finals, moved

    def hvp(
        self,
        params: Mapping[str, Any],
        x: Any,
        dy: Any,
        dparams: Mapping[str, Any] | None = None,
        dx: Any = None,
        state: Mapping[str, Any] | None = None,
        dstate: Mapping[str, Any] | None = None,
        *,
        outputs: Iterable[str] | None = None,
        wrt: Iterable[str] | None = None,
        **options: Any,
    ) -> tuple[Gradients, Gradients]:
        """A Hessian-vector product: ``(gradients, their derivative along the direction)``.

        The gradients are those that ``vjp`` pulls back from the constant cotangents ``dy``, so
        the Hessian is that of ``(dy * y).sum()``; a cell with a loss as its output takes ones.
        The direction is given as for ``jvp``.
        """
        call = self._arguments.call(params, x, state, **options)
        refuse_derivatives(self.precision)
        moves = self._arguments.tangents(call, dparams, dx)
        request = replace(
            self._request(call, outputs), wrt=self._arguments.wrt(wrt), along=tuple(sorted(moves))
        )
        late = self._arguments.cotangents(call, request.outputs, dy, MARK)
        still = marked(MARK, self._ends(call, None))
        starts = marked(PUSH, self._arguments.moved(call, moves, dstate))
        session = self._open(request, call, {**late, **marked(PUSH, moves)},
                             {**starts, **still, **marked(PUSH, still)})  # fmt: skip
        session.run()
        first = self._gradients(session, call, request)
        second = self._gradients(session, call, request, f"{PUSH}({MARK}({{}}))")
        session.close()
        return first, second

    # --- stages --------------------------------------------------------------------------------

    def stages(self, gradients: bool = False, few_rows: bool = False) -> dict[str, Any]:
        """Every stage from graph to schedule by name; each prints."""
        if gradients:
            refuse_derivatives(self.precision)
        wrt = self._arguments.wrt(None) if gradients else None
        return stages(self.graph, self._plain(wrt=wrt, few_rows=few_rows))

    @property
    def memory(self) -> Memory:
        """What training keeps for every step and row, value by value; it prints."""
        return memory(self.stages(gradients=True)["schedule"], REAL[self.dtype].itemsize)

    @property
    def schedule(self) -> Schedule:
        """The schedule of ``run`` for a batch."""
        return self._executable(self._plain()).schedule

    @property
    def llvm(self) -> str:
        """The LLVM IR of ``run`` for a batch, as optimised."""
        return str(self._executable(self._plain()).texts().llvm)

    @property
    def assembly(self) -> str:
        """The machine code of ``run`` for a batch, as text."""
        return str(self._executable(self._plain()).texts().assembly)

    def _plain(self, **asked: Any) -> Request:
        return Request(tuple(self.graph.outputs), precision=self.precision,
                       parallel_scan=self.parallel_scan, **asked)  # fmt: skip

    def _request(self, call: Call, outputs: Iterable[str] | None) -> Request:
        every = tuple(self.graph.outputs)
        chosen = every if outputs is None else names_of(outputs, "outputs")
        if not chosen:
            raise ArgumentError(f"no output is asked for; this cell gives {', '.join(every)}")
        for name in chosen:
            if name not in self.graph.outputs:
                have = ", ".join(every)
                raise ArgumentError(f"no output is named '{name}'; this cell gives {have}")
        return replace(
            self._plain(), outputs=chosen, lengths=call.lengths, reset=call.reset,
            reverse=call.reverse, few_rows=call.rows < FEW_ROWS, noisy=call.noisy,
        )  # fmt: skip

    def _executable(self, request: Request) -> Executable:
        with self._lock:
            if request not in self._executables:
                made = build(self.graph, request, self.dtype, self.target, self.threads)
                self._executables[request] = made
            return self._executables[request]

    def _open(
        self, request: Request, call: Call, given: Mapping[str, Array] | None = None,
        initial: Mapping[str, Array] | None = None,
    ) -> Session:  # fmt: skip
        program = self._executable(request)
        return program.open({**call.given, **(given or {})}, {**call.initial, **(initial or {})},
                            call.steps, call.rows)  # fmt: skip

    def __reduce__(self) -> Any:
        return partial(Compiled, self.graph, dtype=self.dtype, target=self.target,
                       threads=self.threads, precision=self.precision,
                       parallel_scan=self.parallel_scan), ()  # fmt: skip

    def __repr__(self) -> str:
        shapes = ", ".join(f"{k}{list(v.shape)}" for k, v in self.graph.leaves.items())
        return f"<{self.graph.title} compiled for {self.precision}: {shapes}>"
