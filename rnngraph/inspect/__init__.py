"""Looking at gates: what a value did, what it carried, and what depended on it, for any cell."""

from .ablation import Ablation, Scores, ablate
from .carriers import Carrier, carriers
from .decision import Decision
from .override import Overridable
from .patch import Patching, patch
from .saturation import Saturation, saturation
from .swap import Change, Swap, swap

__all__ = [
    "Ablation",
    "Carrier",
    "Change",
    "Decision",
    "Overridable",
    "Patching",
    "Saturation",
    "Scores",
    "Swap",
    "ablate",
    "carriers",
    "patch",
    "saturation",
    "swap",
]
