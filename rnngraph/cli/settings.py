"""The settings of a training as options, made from the fields of ``Setting``."""

from __future__ import annotations

from argparse import SUPPRESS, Namespace
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from typing import Any

from ..runtime.arrays import REAL
from ..train.optimisers import OPTIMISERS
from ..train.rates import RATES
from ..train.run import Setting

HELP = {
    "hidden": "units of the cell",
    "layers": "how many of the cell are stacked",
    "embedding": "numbers that stand for a character",
    "batch": "streams of text read side by side",
    "window": "characters between two updates (truncated back-propagation)",
    "encoding": "how the text is stored",
    "held_out": "share of the text to validate on, and as much again to test on",
    "epochs": "passes over the text",
    "steps": "updates, instead of --epochs",
    "optimiser": "how parameters follow the gradient",
    "schedule": "how the learning rate falls from --rate to --last-rate",
    "rate": "learning rate at the beginning",
    "last_rate": "learning rate at the end",
    "clip": "greatest norm of a gradient",
    "seed": "of the first parameters and the sample",
    "dtype": "precision",
    "validate_every": "updates between two looks at held-out text",
    "checkpoint_every": "keep only every Nth state of a window for the gradient, and run the "
    "rest again when it is due: less memory, the same bits",
    "threads": "threads it may use, where a window is worth them: the same bits",
}
CHOICES: dict[str, list[str]] = {
    "optimiser": [*OPTIMISERS],
    "schedule": [*RATES],
    "dtype": [*REAL],
}
ELSEWHERE = ("sizes",)  # an option that other commands have too
OPTIONS = tuple(field for field in fields(Setting) if field.name not in ELSEWHERE)


def add_settings(group: Any, but: Sequence[str] = ()) -> None:
    """Add an option for every setting, except those that a command asks for in its own way."""
    for field in OPTIONS:
        if field.name not in but:
            _add_setting(group, field)


def given_settings(args: Namespace) -> dict[str, Any]:
    """The settings that were asked for, by name."""
    given = {field.name: getattr(args, field.name) for field in OPTIONS
             if hasattr(args, field.name)}
    return {**given, **({"sizes": dict(args.sizes)} if args.sizes else {})}


def _add_setting(group: Any, field: Field[Any]) -> None:
    default = None if field.default is MISSING else field.default
    shown = f" (default: {default})" if default is not None else ""
    kind = int if default is None else type(default)
    choices = CHOICES.get(field.name)
    group.add_argument(
        f"--{field.name.replace('_', '-')}",
        type=kind,
        choices=choices,
        default=SUPPRESS,
        metavar=None if choices else "NAME" if kind is str else "N",
        help=HELP[field.name] + shown,
    )
