"""The report on training's memory: what it says is what a call takes."""

from __future__ import annotations

import pytest
from cells_for_tests import CELLS, cell

import rnngraph as rg
from rnngraph.compiled import Compiled
from rnngraph.graph import Varies
from rnngraph.schedule.memory import KEPT, REPEATED, SAVED, memory

STEPS, ROWS = 64, 2


@pytest.mark.parametrize("title", CELLS)
def test_the_report_is_what_a_call_takes(title):
    """All arrays of a training step, as they grow with the steps."""
    compiled = Compiled(cell(title), dtype="f64")
    report = compiled.memory
    schedule = compiled.stages(gradients=True)["schedule"]
    hosts = [b for b in schedule.buffers.values()
             if b.name not in schedule.memory and b.varies is Varies.STEP]  # fmt: skip
    extents = {"T": (1, 0), "T+1": (1, 1), "one": (0, 1), "ring of two": (0, 2)}
    grows = {b.name: extents[b.extent.value][0] * b.size * 8 for b in hosts}
    expected = {name: n for name, n in grows.items() if n}
    assert {**report.buffers, **report.given} == expected
    for value in report.values:
        assert value.fate in (SAVED, KEPT, REPEATED)
        assert (value.bytes == 0) == (value.fate == REPEATED)
    assert report.kept <= report.peak + sum(report.given.values())
    assert f"in all {report.peak}, " in str(report)


def test_an_lstm_keeps_24_bytes_and_takes_28():
    report = rg.load("lstm").compile(I=16, H=16).memory
    fates = {value.name: value.fate for value in report.values}
    assert fates == {"f": SAVED, "u": SAVED, "o": SAVED, "g": SAVED, "c'": KEPT, "h'": KEPT,
                     "%37": REPEATED}  # fmt: skip
    assert (report.kept / report.units, report.peak / report.units) == (24, 28)
    assert "f        64  saved: to compute it again needs" in repr(report)


def test_memory_of_training_needs_a_backward_run():
    with pytest.raises(ValueError, match="there is no backward run"):
        memory(rg.load("gru").compile(I=2, H=2).schedule)
