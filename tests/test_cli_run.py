"""``rnngraph run`` and ``rnngraph train``: arrays in and out of files, checkpoints read again."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from command_line import LOOKUP, Call, X, call

import rnngraph as rg
from rnngraph.cli import settings
from rnngraph.train.run import Setting

__all__ = ["call"]  # a fixture

TWO = "cell Two\ninput a[I], b[J]\ncontext v[H]\nstate h[H]\nparam A[H, I], B[H, J]\n" \
      "h' = tanh(A @ a + B @ b + h + v)\noutput y = h'\noutput z = 2 * h'\n"  # fmt: skip


# --- run -----------------------------------------------------------------------------------


def test_run_equals_the_api(call: Call) -> None:
    np.save("x.npy", X)
    words = ["--sizes", "H=4", "--seed", "7", "--save-params", "p.npz", "--trace", "all"]
    assert call("run", "lstm", "-i", "x.npy", "-o", "y.npz", *words).code == 0
    lstm = rg.load("lstm").compile(I=3, H=4)
    params = lstm.init(7)
    y, state = lstm.run(params, X)
    with np.load("y.npz") as found, np.load("p.npz") as drawn:
        assert np.array_equal(found["h"], y)
        assert np.array_equal(found["state/c"], state["c"])
        for name, value in lstm.trace(params, X).items():
            assert np.array_equal(found[f"trace/{name}"], value)
        assert all(np.array_equal(drawn[name], params[name]) for name in params)


def test_run_goes_on_from_its_own_result(call: Call) -> None:
    for name, part in (("all", X), ("one", X[:3]), ("two", X[3:])):
        np.save(f"{name}.npy", part)
    call("run", "lstm", "-i", "all.npy", "--sizes", "H=4", "--save-params", "p.safetensors",
         "-o", "all.npz")  # fmt: skip
    words = ("run", "lstm", "--params", "p.safetensors")
    assert call(*words, "-i", "one.npy", "-o", "one.npz").code == 0
    assert call(*words, "-i", "two.npy", "--state", "one.npz", "-o", "two.npz").code == 0
    whole, first, second = (np.load(f"{name}.npz") for name in ("all", "one", "two"))
    assert np.array_equal(np.concatenate([first["h"], second["h"]]), whole["h"])
    assert np.array_equal(second["state/c"], whole["state/c"])


def test_options_reach_the_run(call: Call) -> None:
    np.save("x.npy", X.swapaxes(0, 1))
    call("run", "gru", "-i", "x.npy", "--sizes", "H=4", "--lengths", "3", "5", "--reverse",
         "--batch-first", "--dtype", "f64", "--layers", "2", "-o", "y.npy")  # fmt: skip
    gru = rg.stack(rg.load("gru"), layers=2).compile(I=3, H=4, dtype="f64")
    y, _ = gru.run(gru.init(), X.swapaxes(0, 1), lengths=[3, 5], reverse=True, batch_first=True)
    found = np.load("y.npy")
    assert found.dtype == np.float64
    assert np.array_equal(found, y)


def test_several_inputs_outputs_and_contexts(call: Call) -> None:
    Path("two.cell").write_text(TWO)
    np.savez("ab.npz", a=X, b=X[..., :2])
    np.save("v.npy", np.ones((2, 4), np.float32))
    answer = call("run", "two.cell", "-i", "ab.npz", "-i", "v=v.npy", "-o", "y.npz")
    assert answer.code == 0, "H comes from the context, I and J from the inputs"
    with np.load("y.npz") as found:
        assert set(found) == {"y", "z", "state/h"}
    assert call("run", "two.cell", "-i", "ab.npz", "-i", "v=v.npy", "-o", "y.npy").code == 1
    assert "give --input" in call("run", "two.cell", "-i", "v=v.npy").err
    assert "say which" in call("run", "two.cell", "-i", "v.npy").err


def test_text_in_and_out(call: Call) -> None:
    text = "\n\n".join("\n".join(" ".join(map(repr, map(float, line))) for line in sequence)
                       for sequence in X.swapaxes(0, 1))  # fmt: skip
    Path("x.txt").write_text(f"# two sequences\n{text}\n")
    answer = call("run", "gru", "-i", "x.txt", "--sizes", "H=4")
    gru = rg.load("gru").compile(I=3, H=4)
    y, _ = gru.run(gru.init(), X)
    Path("y.txt").write_text(answer.out)
    copy = "cell Copy\ninput x[I]\nstate h[I]\nh' = x + 0 * h\n"
    Path("copy.cell").write_text(copy)
    assert call("run", "copy.cell", "-i", "y.txt", "-o", "again.npy").code == 0
    assert np.array_equal(np.load("again.npy"), y), "nine digits give a float back"


def test_one_sequence_stays_one(call: Call) -> None:
    np.save("x.npy", X[:, 0])
    call("run", "rnn", "-i", "x.npy", "--sizes", "H=4", "-o", "y.npz", "--trace", "h")
    with np.load("y.npz") as found:
        assert found["h"].shape == found["trace/h"].shape == (5, 4)
        assert found["state/h"].shape == (4,)


def test_integers_come_from_text(call: Call) -> None:
    Path("t.cell").write_text(LOOKUP)
    words = ("run", "t.cell", "-i", "t.txt", "--sizes", "H=2")
    for text in ("1 2 3 8", "1\n2\n3\n8\n"):
        Path("t.txt").write_text(text)
        assert len(call(*words).out.splitlines()) == 4
    Path("t.txt").write_text("1 9")
    assert "expected integers from 0 to 8" in call(*words).err
    Path("t.txt").write_text("1.5 2")
    assert "expected integers" in call(*words).err


def test_a_cell_without_inputs(call: Call) -> None:
    Path("clock.cell").write_text("cell Clock\nstate h[2] = 1\nh' = h * 0.5\n")
    assert "steps" in call("run", "clock.cell").err
    answer = call("run", "clock.cell", "--steps", "2", "--rows", "1")
    assert answer.out == "0.5 0.5\n0.25 0.25\n"


def test_results_are_whole_or_not_there(call: Call) -> None:
    np.save("x.npy", X)
    Path("y.npz").write_text("old")
    call("run", "lstm", "-i", "x.npy", "--sizes", "H=2", "--trace", "q", "-o", "y.npz")
    assert Path("y.npz").read_text() == "old"
    assert {path.name for path in Path().iterdir()} == {"x.npy", "y.npz"}


def test_a_result_that_cannot_be_written_is_named_as_given(call: Call) -> None:
    np.save("x.npy", X)
    Path("y.npy").mkdir()
    answer = call("run", "lstm", "-i", "x.npy", "--sizes", "H=2", "-o", "y.npy")
    assert answer.code == 1 and answer.err.endswith("error: Is a directory 'y.npy'\n")
    assert {path.name for path in Path().iterdir()} == {"x.npy", "y.npy"}


@pytest.mark.parametrize(("content", "reason"), [
    (b"", "EOF"),
    (bytes(range(256)), "magic string is not correct"),
    (b"\x93NUMPY\x01", "EOF"),
])  # fmt: skip
def test_a_file_that_holds_no_array(call: Call, content: bytes, reason: str) -> None:
    Path("x.npy").write_bytes(content)
    answer = call("run", "lstm", "-i", "x.npy", "--sizes", "H=2")
    assert answer.code == 1 and "'x.npy': this is no .npy file of numbers" in answer.err
    assert reason in answer.err and "pickle" not in answer.err


def test_a_file_of_objects(call: Call) -> None:
    np.save("x.npy", np.array([{}], dtype=object))
    answer = call("run", "lstm", "-i", "x.npy", "--sizes", "H=2")
    assert answer.code == 1 and "it holds Python objects" in answer.err


def test_an_input_given_twice(call: Call) -> None:
    np.save("x.npy", X)
    answer = call("run", "lstm", "-i", "x.npy", "-i", "x=x.npy", "--sizes", "H=2")
    assert answer.code == 1 and "'x' is given twice, the second time by 'x.npy'" in answer.err


# --- train ---------------------------------------------------------------------------------


def test_every_setting_is_an_option() -> None:
    options = {*settings.HELP, *settings.ELSEWHERE}
    assert options == {field.name for field in fields(Setting)}


def test_train_resumes_and_run_reads_what_was_trained(call: Call) -> None:
    Path("text.txt").write_text("the cat was full because it ate already. " * 60)
    words = ("--text", "text.txt", "--folder", "out", "--sample-length", "5")
    small = ("--hidden", "4", "--embedding", "3", "--batch", "2", "--window", "8", "--layers", "2")
    answer = call("train", "lstm", *words, *small, "--steps", "3", "--prime", "the")
    assert answer.code == 0, answer.err
    assert "nats per character" in answer.out
    assert call("train", "lstm", *words).code == 1, "the folder holds a training already"
    assert call("train", *words, "--resume", "--steps", "5").code == 0
    np.save("x.npy", X)
    answer = call("run", "lstm", "--layers", "2", "-i", "x.npy", "--params", "out/last.safetensors")
    assert answer.code == 0
    assert "not used" in answer.err
