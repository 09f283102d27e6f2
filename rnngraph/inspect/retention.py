"""Retention: how much of a state's unit is in the same unit one step on, by the carry alone.

rho(u) = [d S_t / d S_{t-1}]_uu with all other reads of the old state held: the forget gate of an
LSTM's c, z or 1 - z of a GRU's h. It is the derivative through what the state's own equation reads,
so no gate needs to be named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..passes.label import label
from ..passes.reads import CARRY, read, reads
from ..runtime.arrays import Array
from .batch import inside
from .derived import derived
from .steps import NUMBERS, Steps, following, steps_of, with_following

ALIKE = 1e-9  # of the largest number: how far a diagonal matrix may be from one


@dataclass(frozen=True)
class Retention:
    """``rho`` [T, B, *shape] by state: the diagonal of the carry's Jacobian (NaN where a sequence
    is over). ``diagonal``: whether that is all there is; where it is not, units also feed each
    other, and rho is not what becomes of the state."""

    rho: dict[str, Array]
    diagonal: dict[str, bool]

    @property
    def half_life(self) -> dict[str, Array]:
        """Steps after which half is left, ln(1/2) / ln|rho|: 0 where nothing is kept, infinite
        where everything is."""
        return {name: _half_life(rho) for name, rho in self.rho.items()}

    def __str__(self) -> str:
        lines = [f"{'state':<12}{'rho: least':>12}{'median':>9}{'largest':>9}{'half-life':>11}"]
        for name, rho in self.rho.items():
            low, middle, high = np.nanquantile(rho, [0, 0.5, 1])
            life = float(_half_life(np.asarray(middle)))
            note = "" if self.diagonal[name] else "   not diagonal: its units feed each other"
            lines.append(f"{name:<12}{low:12.3f}{middle:9.3f}{high:9.3f}{life:11.3g}{note}")
        return "\n".join(lines)


def _half_life(rho: Array) -> Array:
    size = np.abs(rho)
    with np.errstate(divide="ignore", invalid="ignore"):
        life: Array = np.where(size == 0, 0.0, np.log(0.5) / np.log(size))
    return np.where(size >= 1, np.inf, life)


def retention(
    compiled: Compiled, params: Mapping[str, Any], x: Any, state: Mapping[str, Any] | None = None,
    *, lengths: Any = None,
) -> Retention:  # fmt: skip
    """What every unit of every state keeps at every step of a call; inputs as for ``run``."""
    steps = steps_of(compiled, params, x, state, lengths)
    program = derived(
        compiled, "carry", lambda: reads(label(with_following(compiled.graph))), "f64"
    )
    carry = _Carry(steps, program)
    found = {name: carry.diagonal(name) for name in compiled.graph.states}
    rho = {}
    for name, (values, _) in found.items():
        rho[name] = values.reshape(*steps.lead, *values.shape[1:])
        rho[name][~inside(*steps.lead, lengths)] = np.nan
    return Retention(rho, {name: whole for name, (_, whole) in found.items()})


class _Carry:
    """How the next state moves when a state's own equation reads a moved old state."""

    def __init__(self, steps: Steps, program: Compiled) -> None:
        self.steps, self.program = steps, program
        self.still = {n: leaf.shape for n, leaf in program.graph.inputs.items() if n not in steps.x}

    def diagonal(self, name: str) -> tuple[Array, bool]:
        """rho [R, *shape], and whether the Jacobian is diagonal: then any direction shows it."""
        shape = self.steps.before[name].shape
        if read(name, CARRY) not in self.still:
            return np.zeros(shape), True
        every = np.arange(shape[0])
        rho = self.push(name, every, np.ones(shape))
        signs = np.random.default_rng(0).choice([-1.0, 1.0], shape)
        mixed = np.abs(self.push(name, every, signs) - signs * rho).max(initial=0.0)
        if mixed <= ALIKE * max(1.0, np.abs(rho).max(initial=0.0)):
            return rho, True
        return self._unit_by_unit(name), False

    def push(self, name: str, rows: Array, direction: Array) -> Array:
        """The state's own move [R, *shape] for a move of what its equation reads."""
        steps, count = self.steps, len(rows)
        still = {n: np.zeros((1, count, *shape)) for n, shape in self.still.items()}
        old = {n: array[rows] for n, array in steps.before.items()}
        moved = self.program.jvp(
            steps.params, {**steps.some(rows), **still}, dx={read(name, CARRY): direction[None]},
            state=old, outputs=[following(name)],
        )[3]  # fmt: skip
        return moved[name]

    def _unit_by_unit(self, name: str) -> Array:
        old = self.steps.before[name]
        n = int(np.prod(old.shape[1:]))
        found = np.empty((len(old), n))
        count = max(1, NUMBERS // (n * n))
        for start in range(0, len(old), count):
            rows = np.arange(start, min(start + count, len(old)))
            units = np.tile(np.eye(n), (len(rows), 1)).reshape(-1, *old.shape[1:])
            moved = self.push(name, np.repeat(rows, n), units).reshape(len(rows), n, n)
            found[rows] = np.einsum("ruu->ru", moved)
        return found.reshape(old.shape)
