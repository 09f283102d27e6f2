"""A compiled cell: runs, traces and gradients of whole sequences.

Arrays are time-major ``[T, B, *shape]`` (``[B, T, *shape]`` with ``batch_first=True``). One input
without contexts comes as an array, several as a dict by name, contexts among them; so do
outputs. States, parameters and gradients always are dicts by the names of the cell's text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .activity import differentiable
from .compile import MARK, Request, build, stages
from .graph import Graph
from .runtime import draw
from .runtime.arguments import Arguments, Call
from .runtime.arrays import REAL, ArgumentError, Array
from .runtime.executable import Executable, Session
from .schedule import Schedule
from .schedule.cost import FEW_ROWS

Values = Array | dict[str, Array]


@dataclass(frozen=True)
class Gradients:
    """Gradients by name: of parameters, inputs ``[T, B, *shape]``, contexts and initial states
    ``[B, *shape]``."""

    params: dict[str, Array]
    inputs: dict[str, Array]
    contexts: dict[str, Array]
    state: dict[str, Array]


Pullback = Callable[..., Gradients]


class Compiled:
    """A cell with its sizes bound. Thread-safe; code is compiled when first needed."""

    def __init__(self, graph: Graph, *, dtype: str = "f32", target: str = "host") -> None:
        if dtype not in REAL:
            raise ValueError(f"dtype must be 'f32' or 'f64', not {dtype!r}")
        self.graph, self.dtype, self.target = graph, dtype, target
        self._arguments = Arguments(graph, REAL[dtype])
        self._executables: dict[Request, Executable] = {}
        self._lock = threading.Lock()

    # --- parameters ------------------------------------------------------------------------

    def init(self, seed: int = 0) -> dict[str, Array]:
        """First values of all parameters, drawn as the cell's text says: ``{name: [*shape]}``."""
        return draw.draw(self.graph, seed, REAL[self.dtype])

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
        * ``reset`` [T, B] truth values: the row's states start anew before that step;
        * ``reverse=True`` runs backwards in time; ``batch_first=True`` takes and gives [B, T, ...].

        Raises ArgumentError naming the argument, the shape expected and the shape given.
        """
        call = self._arguments.call(params, x, state, **options)
        request = self._request(call, outputs)
        session = self._open(request, call)
        session.run()
        results = {name: call.out(session.output(name)) for name in request.outputs}
        finals = {name: session.final(name) for name in self.graph.states}
        session.close()
        return _single(results, outputs is None), finals

    def step(
        self, params: Mapping[str, Any], x: Any, state: Mapping[str, Any] | None = None
    ) -> tuple[Any, dict[str, Array]]:
        """One time-step, for streaming: inputs ``[B, *shape]``, ``(y, state)`` likewise."""
        inputs = self._arguments.with_time(x)
        y, state = self.run(params, inputs, state)
        if isinstance(y, dict):
            return {name: value[0] for name, value in y.items()}, state
        return y[0], state

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

        ``names`` limits them. Outputs are bit-equal to those of ``run``.
        """
        chosen = tuple(self.named if names is None else names)
        for name in chosen:
            if name not in self.named:
                raise ArgumentError(
                    f"no value is named '{name}'; this cell names {', '.join(self.named)}"
                )
        call = self._arguments.call(params, x, state, **options)
        request = replace(self._request(call, ()), names=chosen)
        session = self._open(request, call)
        session.run()
        traced = {name: call.out(session.output(name)) for name in chosen}
        session.close()
        return traced

    @property
    def named(self) -> list[str]:
        """Names that ``trace`` knows: gates and other named values, then states."""
        return list(dict.fromkeys([*self.graph.names, *self.graph.states]))

    # --- gradients ---------------------------------------------------------------------------

    def vjp(
        self,
        params: Mapping[str, Any],
        x: Any,
        state: Mapping[str, Any] | None = None,
        *,
        outputs: Iterable[str] | None = None,
        wrt: Iterable[str] | None = None,
        **options: Any,
    ) -> tuple[Any, dict[str, Array], Pullback]:
        """Run, and keep what exact gradients through time need: ``(y, state, pullback)``.

        ``pullback(dy, dstate=None)`` takes the cotangents of the outputs (an array, or a dict in
        which missing outputs count as 0) and of the final states, and returns Gradients.
        ``wrt`` names the parameters, inputs and contexts wanted (default: all). Arguments and
        outputs must not be changed in place before the pullback has run.
        """
        names = tuple(differentiable(self.graph) if wrt is None else wrt)
        call = self._arguments.call(params, x, state, **options)
        request = replace(self._request(call, outputs), wrt=names)
        session = self._open(request, call)
        session.run(0)
        results = {name: _frozen(session.output(name)) for name in request.outputs}
        finals = {name: session.final(name) for name in self.graph.states}
        results = {name: call.out(value) for name, value in results.items()}
        pullback = self._pullback(session, call, request)
        return _single(results, outputs is None), finals, pullback

    def _pullback(self, session: Session, call: Call, request: Request) -> Pullback:
        assert request.wrt is not None
        wrt = request.wrt

        def pullback(dy: Any, dstate: Mapping[str, Any] | None = None) -> Gradients:
            late = self._arguments.cotangents(call, request.outputs, dy, MARK)
            ends = self._arguments.states(dstate or {}, call.rows, call.reverse, zero=True)
            session.give(late)
            session.set_states({f"{MARK}({name})": value for name, value in ends.items()})
            session.run(1)
            found = {name: session.output(f"{MARK}({name})") for name in wrt}
            starts = {name: session.final(f"{MARK}({name})") for name in self.graph.states}
            return self._gradients(found, starts, call)

        return pullback

    def _gradients(
        self, found: dict[str, Array], starts: dict[str, Array], call: Call
    ) -> Gradients:
        graph = self.graph
        params = {name: found[name] for name in graph.params if name in found}
        for name, state in graph.states.items():
            learned = isinstance(state.init, str) and state.init in params
            if learned and name not in call.given_states:
                params[state.init] = params[state.init] + starts[name].sum(0)  # type: ignore[index]
        return Gradients(
            params,
            {name: call.out(found[name]) for name in graph.inputs if name in found},
            {name: found[name] for name in graph.contexts if name in found},
            starts,
        )

    # --- stages --------------------------------------------------------------------------------

    def stages(self, gradients: bool = False, few_rows: bool = False) -> dict[str, Any]:
        """Every stage from graph to schedule by name; each prints."""
        wrt = tuple(differentiable(self.graph)) if gradients else None
        request = Request(tuple(self.graph.outputs), wrt=wrt, few_rows=few_rows)
        return stages(self.graph, request)

    @property
    def schedule(self) -> Schedule:
        """The schedule of ``run`` for a batch."""
        return self._executable(Request(tuple(self.graph.outputs))).schedule

    @property
    def llvm(self) -> str:
        """The LLVM IR of ``run`` for a batch, as optimised."""
        return self._executable(Request(tuple(self.graph.outputs))).machine.llvm

    @property
    def assembly(self) -> str:
        """The machine code of ``run`` for a batch, as text."""
        return self._executable(Request(tuple(self.graph.outputs))).machine.assembly

    def _request(self, call: Call, outputs: Iterable[str] | None) -> Request:
        chosen = tuple(self.graph.outputs if outputs is None else outputs)
        for name in chosen:
            if name not in self.graph.outputs:
                have = ", ".join(self.graph.outputs)
                raise ArgumentError(f"no output is named '{name}'; this cell gives {have}")
        return Request(
            chosen,
            lengths=call.lengths,
            reset=call.reset,
            reverse=call.reverse,
            few_rows=call.rows < FEW_ROWS,
        )

    def _executable(self, request: Request) -> Executable:
        with self._lock:
            if request not in self._executables:
                made = build(self.graph, request, self.dtype, self.target)
                self._executables[request] = made
            return self._executables[request]

    def _open(self, request: Request, call: Call) -> Session:
        program = self._executable(request)
        return program.open(call.given, call.initial, call.steps, call.rows)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{k}{list(v.shape)}" for k, v in self.graph.leaves.items())
        return f"<{self.graph.title} compiled for {self.dtype}: {shapes}>"


def _single(results: dict[str, Array], alone: bool) -> Any:
    return next(iter(results.values())) if alone and len(results) == 1 else results


def _frozen(array: Array) -> Array:
    """A read-only window: the pullback still needs the numbers."""
    window = array.view()
    window.flags.writeable = False
    return window


__all__ = ["Compiled", "Gradients"]
