"""Looking at gates: what a value did, what it carried, and what depended on it, for any cell."""

from .attribution import Attribution, Baseline, Saliency, integrated_gradients, saliency
from .decision import Decision
from .decomposition import Decomposition, decompose
from .fixed_points import FixedPoints, fixed_points
from .horizon import Horizon, Lyapunov, horizon, lyapunov
from .retention import Retention, retention
from .routes import Routes, routes

__all__ = [
    "Attribution",
    "Baseline",
    "Decision",
    "Decomposition",
    "FixedPoints",
    "Horizon",
    "Lyapunov",
    "Retention",
    "Routes",
    "Saliency",
    "decompose",
    "fixed_points",
    "horizon",
    "integrated_gradients",
    "lyapunov",
    "retention",
    "routes",
    "saliency",
]
