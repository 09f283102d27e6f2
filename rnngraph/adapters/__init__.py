"""Weights that move: state dicts of PyTorch and torchrecurrent as parameters of ours, and back.

    compiled, params = from_state(module.state_dict(), "torch.LSTM")
    theirs = save_state(compiled, params, "torch.LSTM")

Where each number lies is said in a table of layouts (``LAYOUTS``), not in code. docs/weights.md
"""

from __future__ import annotations

from .layout import Layout, LayoutError
from .move import from_state, load_state, save_state
from .table import LAYOUTS

__all__ = ["LAYOUTS", "Layout", "LayoutError", "from_state", "load_state", "save_state"]
