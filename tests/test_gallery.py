"""The gallery: pages are those of today's cells, their numbers those of the compiler."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rnngraph import library
from rnngraph.backends.llvm import target
from rnngraph.bench.work import work_of
from rnngraph.cli import main
from rnngraph.compile import Request, value_at
from rnngraph.gallery import Gallery, left_over, speed, write
from rnngraph.gallery.facts import COUNTED, Facts
from rnngraph.gallery.folder import SPEEDS
from rnngraph.gallery.formula import at, formula
from rnngraph.gallery.learning import Learning
from rnngraph.gallery.markdown import prose
from rnngraph.gallery.plan import readable
from rnngraph.gallery.speed import DIRECTIONS, Speed, Speeds
from rnngraph.learn.problems import PROBLEMS
from rnngraph.learn.store import Store
from rnngraph.learn.trial import LEFT_OUT, TRAINED, Budget, Trial
from rnngraph.passes.bind import bind, symbols
from rnngraph.sizes import Size

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "cells"
NAMES = library.names()
STALE = "if so it should be: rnngraph gallery"


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery(ROOT / SPEEDS, ROOT / "benchmarks" / "learning.json")


@pytest.mark.parametrize("name", NAMES)
def test_pages_are_those_of_today(
    gallery: Gallery, name: str, monkeypatch: pytest.MonkeyPatch, bless: bool
) -> None:
    if bless:
        list(write(gallery, FOLDER, [name]))

    def host() -> None:
        raise AssertionError("a page must be the same on every machine")

    monkeypatch.setattr(target, "host", host)
    assert (FOLDER / f"{name}.md").read_text(encoding="utf-8") == gallery.page(name), STALE
    assert gallery.is_drawn(name, FOLDER / f"{name}.svg"), STALE


def test_the_index_is_that_of_today(gallery: Gallery) -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == gallery.index(), STALE
    assert left_over(gallery, FOLDER) == []


def test_links_lead_somewhere() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    for name, text in pages.items():
        for link in re.findall(r"\]\(([^)]+)\)", text):
            file, _, heading = link.partition("#")
            assert (FOLDER / (file or name)).is_file(), f"{name}: {link}"
            titles = re.findall(r"^#+ (.+)$", pages.get(file or name, ""), re.MULTILINE)
            assert not heading or heading in {t.lower().replace(" ", "-") for t in titles}


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_those_of_the_compiler(name: str) -> None:
    facts, size = Facts(name), 6
    bound = bind(facts.graph, dict.fromkeys(symbols(facts.graph), size))
    counted = 0
    for node in bound.params.values():
        numbers = 1
        for dim in node.shape:
            numbers *= dim
        counted += numbers
    assert at(facts.parameters, size) == counted
    work = work_of(value_at(bound, Request(tuple(bound.outputs)), COUNTED))
    assert at(facts.work.flops, size) == work.flops
    assert at(facts.work.loop_flops, size) == work.loop_flops


@pytest.mark.parametrize(("name", "loops"), [
    ("lstm", [1]), ("gru", [2]), ("min_gru", [1]), ("rwkv", [1, 1, 1]), ("min_lstm", [1]),
])  # fmt: skip
def test_stages(name: str, loops: list[int]) -> None:
    parts = Facts(name).parts
    assert [len(part.stages) for part in parts if part.kind == "loop"] == loops


def test_what_is_hoisted_is_told_by_name() -> None:
    once, before, loop = Facts("antisymmetric_rnn").parts
    assert (once.kind, once.values) == ("once", ["A"])
    assert (before.kind, before.values) == ("batch", ["W @ x"])
    assert (loop.kind, loop.values) == ("loop", ["h'"])
    assert [readable(n) for n in ("prev_x_1", "prev_x_3'", "h")] == ["prev(x)", "prev(x, 3)'", "h"]


def test_formulas() -> None:
    n, m = Size.symbol("H"), Size.symbol("I")
    assert formula(4 * n * m + 4 * n * n + n + 2) == "4H² + 4HI + H + 2"
    assert formula(n * n - 2 * n) == "H² − 2H"
    assert formula(n // 2) == "H//2"
    assert formula(12345) == "12,345"


def test_words_are_no_markdown() -> None:
    assert prose("a *b* | <c>\nd") == r"a \*b\* \| \<c> d"
    assert prose("as gru.cell, not my.cell") == "as [gru.cell](gru.md), not my.cell"


# --- writing -------------------------------------------------------------------------------------


def test_only_what_is_stale_is_written(tmp_path: Path, gallery: Gallery) -> None:
    written = {path.name for path in write(gallery, tmp_path, ["rnn"])}
    assert written == {"rnn.md", "rnn.svg", "README.md"}
    assert list(write(gallery, tmp_path, ["rnn"])) == []
    picture = tmp_path / "rnn.svg"
    picture.write_text(picture.read_text(encoding="utf-8").replace("drawn from", "of"))
    assert [path.name for path in write(gallery, tmp_path, ["rnn"])] == ["rnn.svg"]
    (tmp_path / "gone.md").touch()
    assert [path.name for path in left_over(gallery, tmp_path)] == ["gone.md"]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gallery", "rnn", "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: 3 of 3 files written anew\n"
    assert main(["gallery", "rn", "-o", str(tmp_path)]) == 1
    assert "did you mean 'rnn'" in capsys.readouterr().err
    assert main(["gallery", "rnn", "--resume", "-o", str(tmp_path)]) == 1
    assert "--speed" in capsys.readouterr().err


# --- what was measured ---------------------------------------------------------------------------


def test_speeds_are_kept_one_by_one_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "speed_of", lambda name, seconds: {"forward": Speed(1e6, 0.5)})
    path = tmp_path / "speeds.json"
    steps = speed.measure(["rnn", "gru"], path)
    assert next(steps) == "rnn"
    assert speed.read(path).cells == {}
    assert next(steps) == "gru"
    assert list(speed.read(path).cells) == ["rnn"]
    assert list(speed.measure(["rnn", "gru"], path, resume=True)) == ["gru"]
    assert speed.read(path).of("gru")["forward"] == Speed(1e6, 0.5)
    assert speed.read(path).of("lstm") == {}


def test_a_file_of_another_machine_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "speeds.json"
    speed.save(Speeds("an abacus", "1642-01-01", {"rnn": {}}), path)
    with pytest.raises(ValueError, match="an abacus"):
        next(speed.measure(["rnn"], path))


@pytest.mark.parametrize("text", ["[]", "{", '{"cells": {"rnn": {"forward": {}}}}'])
def test_a_file_of_something_else_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "speeds.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        speed.read(path)


def test_what_was_learned_is_told_with_what_went_wrong(tmp_path: Path) -> None:
    problem, other = PROBLEMS["adding"], PROBLEMS["copying"]
    baseline = {"baseline_loss": 0.2, "baseline_accuracy": 0.1, "budget": Budget().told}
    store = Store(tmp_path / "learning.json")
    store.add("rnn", problem.name, Trial(TRAINED, loss=0.0123, accuracy=0.5, **baseline), "")
    store.add("rnn", other.name, Trial(LEFT_OUT, reason="it has no place", **baseline), "")
    learned, setting, failed = Learning(tmp_path / "learning.json").told("rnn")
    assert f"| {problem.title}, {problem.loss} | 0.0123 | 0.2 | 50% | 10% |" in learned
    assert failed == f"{other.title}: {LEFT_OUT}: it has no place."
    assert str(Budget().updates) in setting
    assert Learning(tmp_path / "none.json").told("rnn") == []


def test_every_kind_of_input_can_be_measured() -> None:
    measured = speed.speed_of("gru_d", seconds=0.0)  # several inputs and a context
    assert set(measured) == set(DIRECTIONS)
    assert all(one.tokens_per_second > 0 and one.ratio > 0 for one in measured.values())
