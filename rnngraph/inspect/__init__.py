"""Looking at gates: what a value did, what it carried, and what depended on it, for any cell."""

from .ablation import Ablation, Scores, ablate
from .attribution import Attribution, Baseline, Saliency, integrated_gradients, saliency
from .carriers import Carrier, carriers
from .decision import Decision
from .decomposition import Decomposition, decompose
from .fixed_points import FixedPoints, fixed_points
from .horizon import Horizon, Lyapunov, horizon, lyapunov
from .override import Overridable
from .patch import Patching, patch
from .retention import Retention, retention
from .routes import Routes, routes
from .saturation import Saturation, saturation
from .swap import Change, Swap, swap
from .tables import to_pandas, to_xarray

__all__ = [
    "Ablation",
    "Attribution",
    "Baseline",
    "Carrier",
    "Change",
    "Decision",
    "Decomposition",
    "FixedPoints",
    "Horizon",
    "Lyapunov",
    "Overridable",
    "Patching",
    "Retention",
    "Routes",
    "Saliency",
    "Saturation",
    "Scores",
    "Swap",
    "ablate",
    "carriers",
    "decompose",
    "fixed_points",
    "horizon",
    "integrated_gradients",
    "lyapunov",
    "patch",
    "retention",
    "routes",
    "saliency",
    "saturation",
    "swap",
    "to_pandas",
    "to_xarray",
]
