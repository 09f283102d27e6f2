"""examples/karpathy2015: the kernel's text, and a run that is stopped, goes on and does more."""

import importlib.util
import json
import sys
import tarfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "examples" / "karpathy2015" / "reproduce.py"


@pytest.fixture(name="kernel")
def _kernel(tmp_path):
    """A source tree and its archive, as Debian packs it."""
    tree = tmp_path / "linux-source-6.1"
    for at, name in enumerate(["kernel/fork.c", "kernel/bpf/core.c", "kernel/bpf.h", "fs/x.c"]):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(f"int f{at}(void) {{ return {at}; }}\n" * 300, encoding="utf-8")
    with tarfile.open(tmp_path / "linux.tar.xz", "w:xz") as archive:
        archive.add(tree, "linux-source-6.1")
    return tree, tmp_path / "linux.tar.xz"


@pytest.fixture(name="example")
def _example():
    spec = importlib.util.spec_from_file_location("reproduce", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["reproduce"] = module  # where dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["reproduce"]


def test_the_text_of_the_kernel(kernel, example):
    tree, archive = kernel
    text = example.kernel_text(tree)
    assert text == example.kernel_text(archive)
    assert all(f"f{at}" in text for at in (0, 1, 2)) and "f3" not in text
    with pytest.raises(SystemExit, match="has no kernel"):
        example.kernel_text(tree / "fs")


def test_a_run_goes_on_where_it_stood(kernel, example, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(example, "CELLS", ("rnn",))
    monkeypatch.setattr(example, "LAYERS", (1,))

    def ran(steps):
        words = ["--linux", kernel[0], "--folder", tmp_path / "out", "--steps", steps]
        monkeypatch.setattr(sys, "argv", ["reproduce.py", *map(str, words)])
        assert example.main() == 0
        (row,) = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
        return row["steps"], row["resumed"], capsys.readouterr().out

    assert ran(2)[:2] == (2, False)
    assert "| linux | rnn | 1 | 2 |" in (tmp_path / "out" / "results.md").read_text("utf-8")
    steps, resumed, told = ran(2)
    assert (steps, resumed) == (2, False) and "held out" not in told
    assert ran(3)[:2] == (3, True)
