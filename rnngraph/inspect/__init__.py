"""Looking at gates: what a value did, what it carried, and what depended on it, for any cell."""

from .decision import Decision
from .override import Overridable
from .patch import Patching, patch

__all__ = ["Decision", "Overridable", "Patching", "patch"]
