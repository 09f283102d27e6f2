"""JAX: the derived loop as ``lax.scan``, compiled. (Its threads are set before it is imported,
by `rnngraph.bench.limit_threads`.)"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from .contender import Contender, Values
from .packing import Packing
from .program import NoProgram, derive
from .spelling import Language, Loop, spell

if TYPE_CHECKING:
    from ..rows import Problem

HEADER = """\
import jax
import jax.numpy as np


def linear(bias, x, weight):
    return x @ weight if bias is None else x @ weight + bias


def layer_norm(x, n, gain, bias, eps):
    centred = x - x.mean(-1, keepdims=True)
    y = centred * jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + eps)
    y = y if gain is None else y * gain
    return y if bias is None else y + bias

"""


def _frame(loop: Loop) -> list[str]:
    body = [f"{_names(loop.states)} = s", f"{_names(loop.reads)} = z", *loop.body,
            f"return {_names(loop.nexts)}, {_names(loop.writes)}"]  # fmt: skip
    unpacked = [f"    {_names(loop.parameters)} = p"] if loop.parameters else []
    return [
        f"def {loop.name}(p, z, s):",
        *unpacked,
        "    def step(s, z):",
        *(f"        {line}" for line in body),
        f"    s, y = jax.lax.scan(step, s, z, reverse={loop.backwards})",
        "    return y, s",
    ]


def _names(names: Sequence[str]) -> str:
    return f"({''.join(f'{name}, ' for name in names)})"


LANGUAGE = Language(
    templates={
        "sigmoid": "jax.nn.sigmoid({0})", "relu": "jax.nn.relu({0})",
        "rsqrt": "jax.lax.rsqrt({0})", "stop_gradient": "jax.lax.stop_gradient({0})",
        "lerp": "{0} + {2} * ({1} - {0})", "split": "np.split({0}, {ends}, -1)",
        "linear": "linear({0}, {1}, {2})", "plus_product": "{0} + {1} @ {2}",
        "maximum": "np.maximum({0}, {1})", "minimum": "np.minimum({0}, {1})",
    },
    header=HEADER, transposes=True, loop=_frame,
)  # fmt: skip


def scan(problem: Problem) -> tuple[Callable[..., Any], Packing]:
    """``apply(p, x)`` and how its parameters are packed. Raises NoProgram."""
    program = derive(problem.compiled.graph)
    # as measured: [K, N] is faster forward, [N, K] where gradients are wanted too
    packing = Packing(program, columns=not problem.row.training)
    names = [f"p{i}" for i in range(len(packing.leaves))]
    made: dict[str, Any] = {}
    exec(spell(program, packing, LANGUAGE), made)

    def apply(p: dict[str, Any], x: Any) -> Any:
        ordered = [p[name] for name in names]  # JAX sorts dicts
        return made["program"](ordered, x, lambda loop, p, z, s: loop(p, z, s))

    return apply, packing


def jitted(problem: Problem) -> tuple[Any, tuple[Any, ...], Packing]:
    """The function of a row, to be compiled when first called, and its arguments."""
    apply, packing = scan(problem)
    p = {k: jnp.asarray(v) for k, v in packing(problem.params).items()}
    x, dy = jnp.asarray(problem.x), jnp.asarray(problem.dy)

    def with_gradients(p: Any, x: Any, dy: Any) -> Any:
        y, pullback = jax.vjp(apply, p, x)
        return y, pullback(dy)

    if problem.row.training:
        return jax.jit(with_gradients), (p, x, dy), packing
    return jax.jit(apply), (p, x), packing


def rivals(problem: Problem, threads: int) -> list[Contender]:
    """JAX's contender for a row."""
    try:
        function, arguments, packing = jitted(problem)
    except NoProgram:
        return []
    training = problem.row.training

    wait: Any = jax.block_until_ready

    def run() -> Any:
        return wait(function(*arguments))

    def values(result: Any) -> Values:
        y, found = result if training else (result, None)
        named = {**found[0], "x": found[1]} if found else {}
        return {k: np.asarray(v) for k, v in {"y": y, **named}.items()}

    return [Contender("jax scan", run, values, packing)]
