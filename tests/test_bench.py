"""The benchmark runs, counts right and renders; nothing here depends on how long anything takes."""

from __future__ import annotations

import argparse
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from rnngraph.bench import add_arguments, main
from rnngraph.bench.machine import Machine, measure
from rnngraph.bench.measure import alternate, ratio
from rnngraph.bench.report import from_json, markdown, show, tables, to_json
from rnngraph.bench.rivals import Contender, Difference, agree, contenders, installed
from rnngraph.bench.rows import CELLS, Row, compiled, problem, select
from rnngraph.bench.run import Measured, Timing, call_overheads, compile_times, run_row
from rnngraph.bench.work import Work, work_of

TINY = Row("lstm", rows=3, hidden=16, training=False, steps=5)
MACHINE = Machine("a machine", 1e11, {1 << 14: 2e11, 1 << 20: 1e11, 1 << 26: 2e10})


@pytest.mark.parametrize("inputs, hidden", [(64, 64), (3, 5)])
def test_an_lstm_counts_as_everybody_counts_it(inputs: int, hidden: int) -> None:
    cell = compiled("lstm", 1).graph  # the library's file is found
    assert cell.title == "LSTM"
    from rnngraph import load

    lstm = load("lstm").compile(I=inputs, H=hidden)
    forward = work_of(lstm.stages()["gradient"])
    both = work_of(lstm.stages(gradients=True)["gradient"])
    assert forward.flops == 2 * 4 * hidden * (inputs + hidden)
    assert forward.loop_flops == 2 * 4 * hidden * hidden
    assert forward.loop_weights == 4 * 4 * hidden * hidden
    assert both.flops == 3 * forward.flops


@pytest.mark.parametrize("cell, gates, looped", [("gru_reset_after", 3, 3), ("gru", 3, 3),
                                                 ("rnn", 1, 1), ("mgu", 2, 2)])  # fmt: skip
def test_other_cells_count_their_own_products(cell: str, gates: int, looped: int) -> None:
    work = work_of(compiled(cell, 8).stages()["gradient"])
    assert work.flops == 2 * gates * 8 * 16
    assert work.loop_flops == 2 * looped * 8 * 8


@pytest.mark.parametrize("cell", ["min_gru", "ind_rnn"])
def test_elementwise_recurrences_have_no_product_in_the_loop(cell: str) -> None:
    assert work_of(compiled(cell, 8).stages()["gradient"]).loop_flops == 0


def test_the_limit_is_the_peak_for_many_rows_and_the_weights_passing_by_for_one() -> None:
    work = Work(flops=2 << 20, loop_flops=1 << 20, loop_weights=2 << 20, elements={}, traffic=8)
    assert MACHINE.seconds(work, 10, 1000) == pytest.approx(10 * 1000 * work.flops / 1e11)
    few = 10 * ((1 << 20) / 1e11 + (2 << 20) / 2e10)
    assert MACHINE.seconds(work, 10, 1) == pytest.approx(few)


def test_the_limit_includes_elementwise_work_and_traffic() -> None:
    busy = Work(0, 0, 0, {"tanh": 10, "add": 5, "spread": 7}, traffic=0)
    machine = replace(MACHINE, functions={"tanh": 1e-9})
    assert machine.seconds(busy, 2, 3) == pytest.approx(6 * (10e-9 + 5 * 2e-11))
    idle = Work(0, 0, 0, {}, traffic=1 << 26)
    assert machine.seconds(idle, 1, 1) == pytest.approx((1 << 26) / 2e10)


def test_this_machine_is_measured() -> None:
    machine = measure()
    machine.learn(["tanh", "add"])
    assert machine.peak > 1e8
    assert all(speed > 1e7 for speed in machine.bandwidths.values())
    assert set(machine.functions) == {"tanh"}


def test_turns_alternate_and_rounds_are_counted() -> None:
    order: list[str] = []
    times = alternate({n: lambda n=n: order.append(n) for n in "abc"}, seconds=0, least=4)
    assert "".join(order) == "abc" + "abccba" * 2
    assert [len(values) for values in times.values()] == [4, 4, 4]


def test_the_ratio_compares_within_rounds() -> None:
    assert ratio({"us": [1.0, 10.0, 1.0], "them": [2.0, 20.0, 3.0]}, "us", "them") == 2.0


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_all_contenders_give_the_same_results(cell: str, training: bool) -> None:
    pytest.importorskip("torch")
    fielded = contenders(problem(replace(TINY, cell=cell, training=training)), ["torch"], 1)
    assert len(fielded) == 2
    agree(fielded[0], fielded[1])


def test_a_peer_with_other_results_is_refused() -> None:
    ours = contenders(problem(TINY), [], 1)[0]
    other = Contender("liar", ours.run, lambda r: {"y": 1.1 * ours.values(r)["y"]}, dict)
    with pytest.raises(Difference, match="liar differs from rnngraph in 'y'"):
        agree(ours, other)


@pytest.mark.parametrize("training", [False, True])
def test_a_row_runs(training: bool) -> None:
    result = run_row(replace(TINY, training=training), MACHINE, installed(), seconds=0)
    assert result.rounds >= 20
    assert result.flops == 2 * 4 * 16 * 32 * 5 * 3 * (3 if training else 1)
    assert result.gflops["rnngraph"] > 0
    assert result.best_peer in result.seconds or not installed()


def test_rows_are_selected() -> None:
    quick, full = select("quick", ["lstm"]), select("full", ["lstm"])
    assert {(r.rows, r.hidden) for r in quick} == {(16, 64), (16, 256), (1, 64)}
    assert {r.training for r in quick} == {True, False}
    assert len(full) == 2 * 3 * 4
    assert all(16 <= row.steps <= 100 for row in full)
    assert {row.cell for row in select("quick")} == set(CELLS)


def test_a_cell_that_cannot_be_a_row_says_so() -> None:
    with pytest.raises(FileNotFoundError, match="no cell 'lstn'"):
        select("quick", ["lstn"])


def measured() -> Measured:
    row = run_row(TINY, MACHINE, [], seconds=0)
    beaten = replace(row, seconds={"rnngraph": 2e-3, "peer": 1e-3}, best_peer="peer", ratio=0.5)
    timing = Timing("lstm", {"rnngraph": 5e-6})
    return Measured({1: MACHINE}, [row, beaten], [timing], [timing])


def test_the_report_renders() -> None:
    from rich.console import Console

    made, screen = tables(measured()), io.StringIO()
    show(made, Console(file=screen, width=100))
    assert [table.title for table in made] == ["The machine", "Rows", "Compiling, cold", "A call"]
    assert made[1].marks == {1}
    text = markdown(made)
    assert "| lstm | 3 | 16 | 5 | 1 | forward |" in text
    assert "| 0.50 |" in text and "0.50" in screen.getvalue()


def test_what_is_written_can_be_read_again() -> None:
    first = measured()
    assert to_json(from_json(to_json(first))) == to_json(first)


def test_compiling_and_calls_are_timed() -> None:
    (timing,) = compile_times(["rnn"], times=1)
    assert set(timing.seconds) == {"forward", "forward + backward"}
    (overhead,) = call_overheads([], ["rnn"])
    assert 0 < overhead.seconds["rnngraph"] < 1


def test_the_command_writes_its_tables(tmp_path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("rnngraph.bench.select", lambda rows, cells: [TINY])
    monkeypatch.setattr("rnngraph.bench.limit_threads", lambda threads: None)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    path = tmp_path / "out.md"
    args = parser.parse_args(["--peers", "--cells", "rnn", "--seconds", "0", "-o", str(path)])
    assert main(args) == 0
    assert "## Rows" in path.read_text(encoding="utf-8")
    assert json.loads(path.with_suffix(".json").read_text())["results"][0]["row"]["cell"] == "lstm"
    assert "Rows" in capsys.readouterr().out


def test_problems_are_the_same_for_the_same_seed() -> None:
    assert np.array_equal(problem(TINY, seed=3).x, problem(TINY, seed=3).x)
