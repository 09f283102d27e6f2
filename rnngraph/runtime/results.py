"""What calls give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..graph import Graph
from .arguments import Call
from .arrays import Array


@dataclass(frozen=True)
class Gradients:
    """Gradients by name: of parameters, inputs ``[T, B, *shape]``, contexts and initial states
    ``[B, *shape]``."""

    params: dict[str, Array]
    inputs: dict[str, Array]
    contexts: dict[str, Array]
    state: dict[str, Array]


def gradients_of(
    graph: Graph, call: Call, found: Mapping[str, Array], starts: dict[str, Array]
) -> Gradients:
    """Gradients by what they are of; a learned first state's goes to its parameter."""
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


def single(results: dict[str, Array], alone: bool) -> Any:
    """The only result itself, several as they are."""
    return next(iter(results.values())) if alone and len(results) == 1 else results


def marked(mark: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays by the names of their (co)tangents."""
    return {f"{mark}({name})": array for name, array in arrays.items()}


def frozen(array: Array) -> Array:
    """A read-only window: a pullback still needs the numbers."""
    window = array.view()
    window.setflags(write=False)
    return window
