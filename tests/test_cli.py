"""The command line: answers, files, exit codes; no traceback for a mistake of the user's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import LOOKUP, Answer, Call, X, call

import rnngraph as rg
from rnngraph import library
from rnngraph.cli import COMMANDS
from rnngraph.cli import show as show_command
from rnngraph.compile import STAGES

__all__ = ["call"]  # a fixture

BAD = "cell C\ninput x[I]\nstate h[H]\nparam W[H, H+I]\nh' = tanh(W @ [h, x] + x) + q\n"

# --- help, usage, mistakes -------------------------------------------------------------------


def test_help_names_every_command(call: Call) -> None:
    answer = call("--help")
    assert answer.code == 0
    told = " ".join(answer.out.split())  # argparse breaks lines as the terminal and Python do
    assert all(f" {name} {summary}" in told for name, summary in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches_by_examples(name: str, call: Call) -> None:
    answer = call(name, "--help")
    assert answer.code == 0
    assert f"usage: rnngraph {name}" in answer.out
    assert f"\nexamples:\n  rnngraph {name}" in answer.out


def test_version(call: Call) -> None:
    assert call("--version") == Answer(0, f"rnngraph {rg.__version__}\n", "")


@pytest.mark.parametrize(
    "words, said",
    [
        ((), "COMMAND"),
        (("shwo", "lstm"), "did you mean 'show'?"),
        (("show", "lstm", "--stage", "scedule"), "did you mean 'schedule'?"),
        (("show", "lstm", "--sizes", "H:3"), "'H:3' is not a size such as H=128"),
        (("show", "lstm", "--const", "dt=x"), "'dt=x' is not a constant such as dt=0.1"),
        (("show", "lstm", "--layers", "0"), "'0' is not a positive integer"),
        (("show",), "CELL"),
    ],
)
def test_a_line_that_cannot_be_read_is_answered_by_2(
    words: tuple[str, ...], said: str, call: Call
) -> None:
    answer = call(*words)
    assert answer.code == 2
    assert said in answer.err
    assert not answer.out


@pytest.mark.parametrize(
    "words, said",
    [
        (("show", "lstn"), "no cell 'lstn'; did you mean 'lstm'?"),
        (("show", "./my.cell"), "there is no file 'my.cell'"),
        (("show", "."), "error:"),
        (("show", "binary.cell"), "is not UTF-8 text"),
        (("show", "bad.cell"), "bad.cell:5:24"),
        (("draw", "lstm", "--sizes", "Q=3"), "has no size 'Q'"),
        (("draw", "lstm", "--sizes", "H=0", "I=1"), "positive integer"),
        (("draw", "lstm", "--const", "dt=0.1", "--sizes", "H=2", "I=2"), "dt"),
        (("show", "lstm", "--stage", "llvm", "--target", "pdp11"), "pdp11"),
        (("show", "lstm", "--stage", "tree", "--layers", "2"), "no syntax tree"),
        (("draw", "lstm", "-o", "x.bmp"), ".svg, .png, .pdf, .dot"),
        (("draw", "lstm", "-o", "nowhere\0.svg"), "error:"),
        (("run", "lstm"), "--input x=FILE"),
        (("run", "lstm", "-i", "nope.npy"), "nope.npy"),
        (("run", "lstm", "-i", "q=x.npy"), "no input 'q'; it reads x"),
        (("run", "lstm", "-i", "x.npy"), "do not tell H: add --sizes H=32"),
        (("run", "lstm", "-i", "word.txt"), "line 2: 'two' is not a number"),
        (("run", "lstm", "-i", "ragged.txt"), "line 1 has 1 numbers and line 2 has 2"),
        (("run", "lstm", "-i", "bad.cell"), "not a number"),
        (("run", "lstm", "-i", "fake.npy"), "fake.npy"),
        (("run", "lstm", "-i", "fake.npz"), "fake.npz"),
        (("run", "lstm", "-i", "x.npy", "--params", "fake.safetensors"), "fake.safetensors"),
        (("run", "lstm", "-i", "x.npy", "--params", "x.npy"), "one array without a name"),
        (("run", "lstm", "-i", "x.npy", "--sizes", "H=2", "--trace", "q"), "named 'q'"),
        (("run", "lstm", "-i", "x.npy", "--sizes", "H=2", "-o", "y.bin"), "y.bin"),
        (("run", "lstm", "-i", "x.npy", "--sizes", "H=2", "--lengths", "9", "1"), "lengths"),
        (("train", "lstm", "--text", "nope.txt"), "nope.txt"),
        (("train", "--text", "word.txt"), "needs a cell"),
        (("train", "--resume", "--text", "word.txt", "--folder", "none"), "none"),
        (("demo", "out", "--cell", "nope"), "no cell 'nope'"),
    ],
)
def test_a_users_mistake_is_answered_by_1_and_no_traceback(
    words: tuple[str, ...], said: str, call: Call
) -> None:
    Path("bad.cell").write_text(BAD)
    Path("binary.cell").write_bytes(b"\xff\xfe\x00")
    Path("word.txt").write_text("1\ntwo\n")
    Path("ragged.txt").write_text("1\n2 3\n")
    np.save("x.npy", X)
    for name in ("fake.npy", "fake.npz", "fake.safetensors"):
        Path(name).write_bytes(b"nothing of the kind")
    answer = call(*words)
    assert answer.code == 1, answer
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert re.search(r"^error: ", answer.err, re.MULTILINE)


def test_a_mistake_of_ours_says_so(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "names", lambda: {}["gone"])
    answer = call("list")
    assert answer.code == 70
    assert "mistake in rnngraph" in answer.err
    assert "Traceback" not in answer.err


def test_interruption_is_130(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(library, "names", interrupted)
    assert call("list").code == 130


# --- check, list -------------------------------------------------------------------------------


def test_check_reports_all_mistakes_of_all_files(call: Call) -> None:
    Path("bad.cell").write_text(BAD)
    Path("worse.cell").write_text(BAD.replace("x[I]", "x[I"))
    answer = call("check", "lstm", "bad.cell", "worse.cell")
    assert answer.code == 1
    assert answer.out.startswith("lstm: ok  LSTM: sizes I, H; states h[H], c[H];")
    assert answer.err.count("bad.cell:5:") >= 2, "both mistakes"
    assert "worse.cell:2" in answer.err
    assert "^" in answer.err


def test_check_counts_parameters(call: Call) -> None:
    assert "33,024 parameters" in call("check", "lstm", "--sizes", "H=64", "I=64").out


def test_check_passes_the_whole_library(call: Call) -> None:
    assert call("check", "--quiet", *library.names()) == Answer(0, "", "")


def test_list_names_the_library(call: Call) -> None:
    assert call("list", "--names").out.split() == library.names()
    assert "forget gate" in call("list").out
    assert "Elman 1990" in call("list", "--source").out


# --- show, draw ----------------------------------------------------------------------------


@pytest.mark.parametrize("stage", show_command.NAMES)
def test_every_stage_prints(stage: str, call: Call) -> None:
    answer = call("show", "gru", "--stage", stage)
    assert answer.code == 0
    assert len(answer.out.splitlines()) > 3
    assert answer.out.endswith("\n")


def test_stages_are_those_of_the_compiler(call: Call) -> None:
    assert tuple(name for name, _ in STAGES) == show_command.MIDDLE
    assert call("show", "gru").out == rg.load("gru").text
    assert all(name in call("show", "--help").out for name in show_command.NAMES)


def test_sizes_and_gradients_reach_the_schedule(call: Call) -> None:
    forward = call("show", "lstm", "--stage", "schedule", "--sizes", "H=24", "I=8")
    assert "[24]" in forward.out
    assert "backward" not in forward.out
    assert not forward.err
    both = call("show", "lstm", "--stage", "schedule", "--gradients", "--layers", "2")
    assert "backward" in both.out
    assert "note: taken as" in both.err


def test_a_cell_comes_from_standard_input(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO(LOOKUP))
    assert call("check", "-").out.startswith("-: ok  T:")
    monkeypatch.setattr(sys, "stdin", io.StringIO(BAD))
    assert "<stdin>:5:24" in call("check", "-").err


@pytest.mark.parametrize("format, head", [("svg", b"<"), ("png", b"\x89PNG"), ("dot", b"digraph")])
def test_draw_writes_pictures(format: str, head: bytes, call: Call) -> None:
    answer = call("draw", "rnn", "-o", f"folder/a.{format}")
    assert answer == Answer(0, f"{Path('folder') / f'a.{format}'}\n", "")
    assert Path(f"folder/a.{format}").read_bytes().startswith(head)


@pytest.mark.parametrize("view", ["cell", "gradient", "schedule"])
@pytest.mark.parametrize("detail", ["gates", "ops"])
def test_draw_views(view: str, detail: str, call: Call) -> None:
    answer = call("draw", "gru", "--view", view, "--detail", detail, "--format", "dot", "-o", "-")
    assert answer.code == 0
    assert answer.out.startswith("digraph")


def test_schedule_view_frames_the_loop(call: Call) -> None:
    dot = call("draw", "min_gru", "--view", "schedule", "-o", "-", "--format", "dot").out
    assert "for&#160;all&#160;time-steps" in dot or "for all time-steps" in dot
    assert "step&#160;by&#160;step" in dot or "step by step" in dot


# --- as a process --------------------------------------------------------------------------


def start(*words: str, **environment: str) -> subprocess.Popen[str]:
    inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "RNNGRAPH_DEBUG")}
    root = str(Path(rg.__file__).parent.parent)
    return subprocess.Popen(
        [sys.executable, "-m", "rnngraph", *words], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**inherited, "PYTHONPATH": root, **environment})  # fmt: skip


def test_a_closed_pipe_is_no_error() -> None:
    process = start("show", "lstm", "--stage", "assembly")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait() in (141, 0)
    assert "Traceback" not in said
    assert "Exception" not in said


def test_debug_shows_where() -> None:
    _, said = start("show", "nope", RNNGRAPH_DEBUG="1").communicate()
    assert "Traceback" in said
    assert said.splitlines()[-1].startswith("error: no cell 'nope'")


def test_a_poor_terminal_gets_question_marks() -> None:
    process = start("show", "lstm", "--stage", "tree", "--math", PYTHONIOENCODING="ascii")
    out, said = process.communicate()
    assert process.returncode == 0, said
    assert "? * c" in out or "f ? c" in out


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_colours_only_on_terminals_that_want_them(no_color: str, tmp_path: Path) -> None:
    import pty

    (tmp_path / "bad.cell").write_text(BAD)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm",
                   "PYTHONPATH": str(Path(rg.__file__).parent.parent)}  # fmt: skip
    command = [sys.executable, "-m", "rnngraph", "check", str(tmp_path / "bad.cell")]
    subprocess.run(command, stderr=theirs, stdout=theirs, env=environment, check=False)
    os.close(theirs)
    said = os.read(ours, 1 << 16)
    os.close(ours)
    assert b"error:" in said
    assert (b"\x1b[" in said) == (not no_color)
