"""JAX: the plain loop as ``lax.scan``, compiled. (Its threads are set before it is imported,
by `rnngraph.bench.limit_threads`.)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from .contender import Contender, Values
from .loops import LOOPS, Loop

if TYPE_CHECKING:
    from ..rows import Problem


class _Framework:
    """`loops.Framework` in JAX's terms."""

    sigmoid, tanh, relu = jax.nn.sigmoid, jnp.tanh, jax.nn.relu

    @staticmethod
    def affine(x: Any, weight: Any, bias: Any) -> Any:
        z = x @ weight.T
        return z if bias is None else z + bias

    @staticmethod
    def plus_product(z: Any, h: Any, weight: Any) -> Any:
        return z + h @ weight.T

    @staticmethod
    def split(z: Any, parts: int) -> Sequence[Any]:
        return jnp.split(z, parts, axis=-1)  # type: ignore[no-any-return]

    @staticmethod
    def layer_norm(z: Any, gain: Any, bias: Any) -> Any:
        centred = z - z.mean(-1, keepdims=True)
        scale = jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)
        return centred * scale * gain + bias


def _run(loop: Loop, p: dict[str, Any], x: Any) -> Any:
    start = (jnp.zeros(x.shape[1:], x.dtype),) * loop.states  # as many units as inputs

    def step(state: Any, z: Any) -> Any:
        state = loop.step(_Framework, p, state, z)
        return state, state[0]

    return jax.lax.scan(step, start, loop.prepare(_Framework, p, x))[1]


def rivals(problem: Problem, threads: int) -> list[Contender]:
    """JAX's contender for a row."""
    loop = LOOPS.get(problem.row.cell)
    if loop is None:
        return []
    p = {k: jnp.asarray(v) for k, v in loop.pack(problem.params).items()}
    x, dy = jnp.asarray(problem.x), jnp.asarray(problem.dy)
    apply = jax.jit(lambda p, x: _run(loop, p, x))

    def with_gradients(p: Any, x: Any, dy: Any) -> Any:
        y, pullback = jax.vjp(lambda p, x: _run(loop, p, x), p, x)
        return y, pullback(dy)

    gradients = jax.jit(with_gradients)

    def forward() -> Any:
        return apply(p, x).block_until_ready(), None

    def train() -> Any:
        return jax.block_until_ready(gradients(p, x, dy))

    def values(result: Any) -> Values:
        y, found = result
        named = {**found[0], "x": found[1]} if found else {}
        return {k: np.asarray(v) for k, v in {"y": y, **named}.items()}

    return [Contender("jax scan", train if problem.row.training else forward, values, loop.pack)]
