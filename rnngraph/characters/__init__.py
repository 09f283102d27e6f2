"""What a character model has learned of a text, after Karpathy, Johnson & Fei-Fei 2015.

Visualizing and Understanding Recurrent Networks: saturation of gates, units that follow the text,
n-gram models beside it, what kinds of errors are left, and closing brackets by distance.
"""

from __future__ import annotations

from .models import train_and_examine
from .report import Options, examine

__all__ = ["Options", "examine", "train_and_examine"]
