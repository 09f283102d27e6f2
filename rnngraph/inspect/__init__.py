"""Looking at gates: what a value did, what it carried, and what depended on it, for any cell."""

from .decision import Decision
from .routes import Routes, routes

__all__ = ["Decision", "Routes", "routes"]
