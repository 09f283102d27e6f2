"""Looking at gates: what a value did, what it carried, and what depended on it, for any cell."""

from .ablation import Ablation, Scores, ablate
from .decision import Decision
from .override import Overridable
from .patch import Patching, patch
from .saturation import Saturation, saturation
from .swap import Change, Swap, swap

__all__ = [
    "Ablation",
    "Change",
    "Decision",
    "Overridable",
    "Patching",
    "Saturation",
    "Scores",
    "Swap",
    "ablate",
    "patch",
    "saturation",
    "swap",
]
