"""rnngraph: a declarative graph compiler for recurrent cells.

    import rnngraph as rg
    lstm = rg.load("lstm").compile(I=64, H=128)
    y, state = lstm.run(lstm.init(seed=0), x)          # x [T, B, I] -> y [T, B, H]

Names are imported when first used, so that ``import rnngraph`` costs almost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .arrangement import bidirectional as bidirectional
    from .arrangement import residual as residual
    from .arrangement import stack as stack
    from .cell import Cell as Cell
    from .cell import load as load
    from .cell import parse as parse
    from .comparison import diff as diff
    from .compiled import Compiled as Compiled
    from .runtime.arrays import ArgumentError as ArgumentError
    from .runtime.results import Gradients as Gradients
    from .source import CellError as CellError

__version__ = "0.1.0"

_HOME = {
    "Cell": "cell",
    "load": "cell",
    "parse": "cell",
    "stack": "arrangement",
    "bidirectional": "arrangement",
    "residual": "arrangement",
    "diff": "comparison",
    "Compiled": "compiled",
    "Gradients": "runtime.results",
    "ArgumentError": "runtime.arrays",
    "CellError": "source",
}

__all__ = [*_HOME, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rnngraph' has no attribute '{name}'")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
