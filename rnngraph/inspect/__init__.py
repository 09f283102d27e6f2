"""Looking at gates: what a value did, what it carried, and what depended on it, for any cell."""

from .decision import Decision
from .override import Overridable
from .patch import Patching, patch
from .saturation import Saturation, saturation
from .swap import Change, Swap, swap

__all__ = [
    "Change",
    "Decision",
    "Overridable",
    "Patching",
    "Saturation",
    "Swap",
    "patch",
    "saturation",
    "swap",
]
