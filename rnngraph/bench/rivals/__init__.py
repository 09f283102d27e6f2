"""The contenders of a row: rnngraph, and every peer that is installed, each at its best."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .contender import OURS, Contender, Difference, agree, ourselves

if TYPE_CHECKING:
    from ..rows import Problem

PEERS = {
    "torch": ("torch",), "torchcompile": ("torch",), "torchrecurrent": ("torchrecurrent",),
    "onnxruntime": ("onnxruntime", "onnx"), "jax": ("jax",),
}  # fmt: skip


def installed() -> list[str]:
    """Peers that can be imported here."""
    return [peer for peer, needs in PEERS.items() if all(map(find_spec, needs))]


def contenders(problem: Problem, peers: Sequence[str], threads: int) -> list[Contender]:
    """rnngraph first, then all that the named peers have for the row's cell.

    A peer's module imports its framework, so it is imported only when it takes part.
    """
    made = [ourselves(problem)]
    for peer in peers:
        made += import_module(f".with_{peer}", __name__).rivals(problem, threads)
    return made


__all__ = ["OURS", "PEERS", "Contender", "Difference", "agree", "contenders", "installed"]
