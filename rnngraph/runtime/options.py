"""What a cell may be compiled with, and what may be asked of it then."""

from __future__ import annotations

from ..schedule.formats import FORMATS, PRECISIONS
from .arrays import REAL, ArgumentError


def check_options(dtype: str, threads: int, parallel_scan: bool) -> None:
    """Raises ValueError for an unknown dtype, a number of threads that cannot be, or a
    ``parallel_scan`` that is not True or False."""
    if not isinstance(dtype, str) or dtype not in REAL:
        raise ValueError(f"dtype must be 'f32' or 'f64', not {dtype!r}")
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 256:
        raise ValueError(f"threads must be an integer from 1 to 256, not {threads!r}")
    if not isinstance(parallel_scan, bool):
        raise ValueError(f"parallel_scan must be True or False, not {parallel_scan!r}")


def checked_precision(precision: str | None, dtype: str) -> str:
    """What weights are rounded to: ``dtype`` itself if nothing else is asked for.

    Raises ValueError for an unknown precision, or one that does not go with ``dtype``.
    """
    if precision in (None, dtype):
        return dtype
    if precision not in PRECISIONS:
        choices = ", ".join(map(repr, PRECISIONS))
        raise ValueError(f"precision must be one of {choices}, not {precision!r}")
    if dtype != "f32":
        raise ValueError(f"precision={precision!r} needs dtype='f32', not {dtype!r}")
    return precision


def refuse_derivatives(precision: str) -> None:
    """Rounded weights have no derivatives. Raises ArgumentError."""
    if precision in FORMATS:
        raise ArgumentError(
            f"derivatives need exact weights; this cell is compiled with "
            f"precision='{precision}', which is for run, step and trace"
        )
