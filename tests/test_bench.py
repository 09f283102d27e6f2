"""The benchmark runs, counts right and renders; nothing here depends on how long anything takes."""

from __future__ import annotations

import argparse
import io
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnngraph.bench import add_arguments, main, memory, plan, tracing
from rnngraph.bench.calls import call_overheads
from rnngraph.bench.compiling import compile_times
from rnngraph.bench.machine import Machine, measure, pulse
from rnngraph.bench.measure import TimedOut, alternate, ratio, within
from rnngraph.bench.measured import Figures, Measured, Result, Store, from_json, to_json
from rnngraph.bench.page import write_page
from rnngraph.bench.report import markdown, show, tables
from rnngraph.bench.rivals import Contender, Difference, agree, contenders, installed
from rnngraph.bench.rows import BUILT_IN, CELLS, CUSTOM, GROUPS, Row, compiled, problem, select
from rnngraph.bench.run import run_row
from rnngraph.bench.targets import judged
from rnngraph.bench.work import Work, work_of

# cells for which peers have code of their own; what is derived has a test of its own
OFFERED = [*BUILT_IN, *(CUSTOM if "torchrecurrent" in installed() else ())]
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
    assert forward.loop_weights == forward.loop_memory == 4 * 4 * hidden * hidden
    assert (both.loop_weights, both.loop_memory) == (2 * forward.loop_weights, forward.loop_memory)
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
    weights = 2 << 20
    work = Work(2 << 20, 1 << 20, weights, loop_memory=weights, elements={}, traffic=8)
    assert MACHINE.seconds(work, 10, 1000) == pytest.approx(10 * 1000 * work.flops / 1e11)
    few = 10 * ((1 << 20) / 1e11 + (2 << 20) / 2e10)
    assert MACHINE.seconds(work, 10, 1) == pytest.approx(few)
    faster = 10 * ((1 << 20) / 1e11 + (2 << 20) / 4e10)
    assert MACHINE.seconds(work, 10, 1, speed=4e10) == pytest.approx(faster)
    assert MACHINE.reads(work, 1) and not MACHINE.reads(work, 1000)


def test_the_limit_includes_elementwise_work_and_traffic() -> None:
    busy = Work(0, 0, 0, 0, {"tanh": 10, "add": 5, "spread": 7}, traffic=0)
    machine = replace(MACHINE, functions={"tanh": 1e-9})
    assert machine.seconds(busy, 2, 3) == pytest.approx(6 * (10e-9 + 5 * 2e-11))
    idle = Work(0, 0, 0, 0, {}, traffic=1 << 26)
    assert machine.seconds(idle, 1, 1) == pytest.approx((1 << 26) / 2e10)


def test_this_machine_is_measured() -> None:
    machine = measure()
    machine.learn(["tanh", "add"])
    assert machine.peak > 1e8
    assert all(speed > 1e7 for speed in machine.bandwidths.values())
    assert set(machine.functions) == {"tanh"}


def test_the_limit_of_a_slowed_machine_is_further_off() -> None:
    machine = measure()
    assert machine.slowed(2.0) == 2 * machine.slowed(1.0)
    beside = alternate({"pulse": pulse()}, seconds=0)["pulse"]
    assert machine.slowed(max(beside)) > 0.5  # a pulse is what the peak was measured with


def test_turns_alternate_and_rounds_are_counted() -> None:
    order: list[str] = []
    runs = {n: lambda n=n: order.append(n) for n in "abc"}
    times = alternate(runs, seconds=0, least=4, settle=0, enough=0)
    assert "".join(order) == "abc" + "abccba" * 2
    assert [len(values) for values in times.values()] == [4, 4, 4]


def test_short_runs_are_made_in_a_row_and_long_ones_once() -> None:
    made = dict.fromkeys(("short", "long"), 0)

    def run(name: str, seconds: float) -> None:
        made[name] += 1
        time.sleep(seconds)

    runs = {"short": lambda: run("short", 0), "long": lambda: run("long", 0.05)}
    times = alternate(runs, seconds=0, least=2, enough=0.002)
    assert made["long"] == 1 + 2 and made["short"] > 20
    assert times["short"][1] < 0.01 <= 0.05 <= times["long"][1]


def test_the_ratio_compares_within_rounds() -> None:
    assert ratio({"us": [1.0, 10.0, 1.0], "them": [2.0, 20.0, 3.0]}, "us", "them") == 2.0


@pytest.mark.peers
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("cell", OFFERED)
def test_all_contenders_give_the_same_results(cell: str, training: bool) -> None:
    pytest.importorskip("torch")
    peers = [p for p in installed() if p != "torchcompile"]
    fielded = contenders(problem(replace(TINY, cell=cell, training=training)), peers, 1)
    assert len(fielded) >= 2
    for other in fielded[1:]:
        agree(fielded[0], other)


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
    assert result.left_out == {}


def test_who_differs_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = contenders(problem(TINY), [], 1)[0]
    liar = Contender("liar", ours.run, lambda r: {"y": 1.1 * ours.values(r)["y"]}, dict)
    monkeypatch.setattr("rnngraph.bench.run.contenders", lambda made, peers, threads: [ours, liar])
    result = run_row(TINY, MACHINE, ["liar"], seconds=0)
    assert set(result.seconds) == {"rnngraph"}
    assert "'y'" in result.left_out["liar"]
    assert "liar differs" in markdown(tables(Measured({1: MACHINE}, [result])))


def test_what_takes_too_long_is_ended() -> None:
    def forever() -> None:
        while True:
            pass

    with pytest.raises(TimedOut):
        within(0.01, forever)
    within(10.0, lambda: None)


def test_rows_are_selected() -> None:
    quick, full = select("vendors", True, ["lstm"]), select("vendors", False, ["lstm"])
    assert {(r.rows, r.hidden) for r in quick} == {(16, 64), (16, 256), (1, 64)}
    assert {r.training for r in quick} == {True, False}
    assert len(full) == 2 * 4 * 5
    assert all(6 <= row.steps <= 100 for row in full)
    assert {row.layers for row in select("stacks", True)} == {2, 4}
    assert {row.cell for group in GROUPS for row in select(group, True)} == set(CELLS)


def test_a_cell_that_cannot_be_a_row_says_so() -> None:
    with pytest.raises(FileNotFoundError, match="no cell 'lstn'"):
        select("vendors", True, ["lstn"])


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def test_what_is_measured_follows_from_the_options() -> None:
    rows, others = plan(arguments())
    assert {group for group, _ in rows} == {"vendors", "custom"} and others == ["calls"]
    rows, others = plan(arguments("--cells", "lstm", "mgu", "--quick"))
    assert {(group, row.cell) for group, row in rows} == {("vendors", "lstm"), ("custom", "mgu")}
    assert plan(arguments("--group", "memory", "compile")) == ([], ["compile", "memory"])


def measured() -> Measured:
    row = run_row(TINY, MACHINE, [], seconds=0)
    beaten = replace(row, seconds={"rnngraph": 2e-3, "peer": 1e-3}, best_peer="peer", ratio=0.5)
    beaten = replace(beaten, group="odd")
    figures = [Figures(g, "lstm", {"rnngraph": 5e-6})
               for g in ("compile", "memory", "calls", "trace")]
    return Measured({1: MACHINE}, [replace(row, group="vendors"), beaten], figures)


def test_the_report_renders() -> None:
    from rich.console import Console

    made, screen = tables(measured()), io.StringIO()
    show(made, Console(file=screen, width=100))
    assert [table.title for table in made] == [
        "The machine", "Cells that the peers have", "Sizes that are no multiple of 16",
        "Compiling", "Memory of a training step", "A call", "A trace"]  # fmt: skip
    assert made[1].marks == set() and made[2].marks == {0}
    text = markdown(made)
    assert "| lstm | 3 | 16 | 5 | 1 | forward |" in text
    assert "| 0.50 |" in text and "0.50" in screen.getvalue()


def row_of(cell: str, gflops: float, threads: int = 1, **others: float) -> Result:
    """A result at B16 H64 that reaches so much; ``others`` are times slower than we are."""
    row = Row(cell, 16, 64, training=False)
    ours = 1e9 / (gflops * 1e9)
    seconds = {"rnngraph": ours, **{k.replace("_", " "): v * ours for k, v in others.items()}}
    group = "vendors" if cell in BUILT_IN else "custom"
    return Result(group, row, threads, 10**9, seconds, 20, "", float("nan"), 0.9 * ours)


def test_targets_name_what_misses_them() -> None:
    results = [row_of("lstm", 100), row_of("lstm", 180, threads=2), row_of("mgu", 86, jax_scan=1.9),
               row_of("peephole_lstm", 94, jax_scan=2.1), row_of("layernorm_lstm", 84),
               row_of("ind_rnn", 50)]  # fmt: skip
    figures = [Figures("compile", f"{cell} training", {"rnngraph cold": seconds})
             for cell, seconds in (("lstm", 0.7), ("peephole_lstm", 0.8), ("nas", 1.6))]
    figures += [Figures("memory", cell, {"rnngraph": 30}) for cell in ("lstm", "peephole_lstm")]
    figures += [Figures("calls", "lstm run", {"rnngraph": 4e-6}),
             Figures("calls", "lstm vjp and pullback", {"rnngraph": 9e-6})]  # fmt: skip
    rows = {row[0]: row[1:] for row in judged(Measured({}, results, figures)).rows}
    beside = next(row for title, row in rows.items() if "beside the LSTM" in title)
    assert beside[:2] == ["at least 0.85, 0.95", "1 of 3"]
    assert "layernorm_lstm" in beside[2] and "peephole" in beside[2] and "mgu" not in beside[2]
    assert rows["Cells of one's own, B16 H64: times faster than JAX"] == [
        "at least 2.00", "1 of 2", "mgu B16 H64 forward (90 % of the limit): 1.90"]  # fmt: skip
    assert rows["Compiling, cold: milliseconds"] == [
        "at most 600, 1500", "1 of 3", "lstm training 700; nas training 1600"]  # fmt: skip
    assert next(row for title, row in rows.items() if "bytes" in title)[1] == "1 of 1"
    assert rows["A call of run: microseconds"] == ["at most 5.0", "1 of 1", ""]
    assert next(row for title, row in rows.items() if "Two threads" in title)[1] == "0 of 1"
    assert next(row for title, row in rows.items() if "Elementwise" in title)[1] == "0 of 1"


def test_what_is_written_can_be_read_again() -> None:
    first = measured()
    assert to_json(from_json(to_json(first))) == to_json(first)


def test_results_of_a_store_are_replaced_not_repeated(tmp_path: Path) -> None:
    store = Store(tmp_path / "results.json")
    first = measured()
    store.add([*first.results, *first.figures])
    again = replace(first.results[0], ratio=7.0)
    store.add([again])
    read = Store(store.path).measured
    assert [r.ratio for r in read.results] == [7.0, 0.5]
    assert len(read.figures) == len(first.figures) and read.has(again.key)
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"other\.json holds no results"):
        Store(path)
    assert path.read_text() == "{}"


def test_the_page_and_its_plot_are_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_page(measured(), tmp_path)
    page = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert "rnngraph is faster on 0" in page and "0.50 of peer" in page
    assert "Every row: times faster than the best peer | at least 1.00 | 0 of 1" in page
    assert "lstm  B3 H16" in (tmp_path / "images/performance.svg").read_text(encoding="utf-8")


def test_compiling_and_calls_are_timed() -> None:
    forward, training = compile_times(["rnn"], [], times=1)
    assert set(forward.values) == set(training.values) == {"rnngraph cold", "rnngraph cached"}
    run, both = call_overheads(["rnn"], [], rounds=20)
    assert set(run.values) == set(both.values) == {"rnngraph"}


def test_a_trace_is_timed_beside_a_run(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(tracing, "ROWS", ((2, 8, 3), (1, 8, 2)))
    found = list(tracing.trace_costs(["rnn"], []))
    assert [one.title for one in found] == ["rnn B2 H8", "rnn B1 H8"]
    for one in found:
        assert list(one.values) == ["run", "run, once traced", "trace", "copying as much"]
        assert all(0 < seconds < 1e-2 for seconds in one.values.values())


@pytest.mark.skipif(not memory.STATUS.is_file(), reason="no /proc")
def test_memory_is_measured_in_a_process_of_its_own() -> None:
    (found,) = memory.peaks(["rnn"], [])
    assert 4 < found.values["rnngraph"] < 64  # y and dx alone are 8


def test_the_command_writes_its_tables(tmp_path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("rnngraph.bench.select", lambda group, quick, cells: [TINY])
    monkeypatch.setattr("rnngraph.bench.limit_threads", lambda threads: None)
    path, store = tmp_path / "out.md", tmp_path / "store.json"
    words = ["--peers", "--cells", "rnn", "--seconds", "0", "--store", str(store)]
    assert main(arguments(*words, "-o", str(path))) == 0
    assert "## Cells that the peers have" in path.read_text(encoding="utf-8")
    before = store.read_text()
    assert main(arguments(*words, "--resume")) == 0
    assert json.loads(store.read_text())["results"] == json.loads(before)["results"]
    assert json.loads(path.with_suffix(".json").read_text())["results"][0]["row"]["cell"] == "lstm"
    assert "Cells that the peers have" in capsys.readouterr().out


def test_problems_are_the_same_for_the_same_seed() -> None:
    assert np.array_equal(problem(TINY, seed=3).x, problem(TINY, seed=3).x)
