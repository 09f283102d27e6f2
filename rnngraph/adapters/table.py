"""All layouts by name: the package, a point, and the module."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from . import torch, torchrecurrent
from .layout import Layout, LayoutError

PACKAGES = {"torch": torch.LAYOUTS, "torchrecurrent": torchrecurrent.LAYOUTS}
LAYOUTS: Mapping[str, Layout] = {
    f"{package}.{name}": layout
    for package, layouts in PACKAGES.items()
    for name, layout in layouts.items()
}


def layout_of(given: str | Layout) -> Layout:
    """A layout by name, or as it is. Raises LayoutError with the closest name."""
    if isinstance(given, Layout):
        return given
    if given in LAYOUTS:
        return LAYOUTS[given]
    close = get_close_matches(str(given), LAYOUTS, 1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    raise LayoutError(f"there is no layout '{given}'{hint} 'rnngraph weights layouts' lists them")
