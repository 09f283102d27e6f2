"""The report: its numbers are those of the inspection, for any cell; the page holds them all."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from language_cells import language_cells

import rnngraph as rg
from rnngraph.cli import main
from rnngraph.demo.demonstration import STORED
from rnngraph.explain import explain_sentences, explain_series, html, page, trained, write_report
from rnngraph.explain.agreement import joined
from rnngraph.explain.column import aligned
from rnngraph.explain.model import Trained
from rnngraph.explain.story import keeping_gate, story
from rnngraph.explain.words import token_inputs
from rnngraph.inspect import Overridable
from rnngraph.tasks.agreement import MISSION, Agreement
from rnngraph.tasks.vocabulary import vocabulary
from rnngraph.train.checkpoint import Checkpoint, CheckpointError, save
from rnngraph.train.language_model import language_model, sizes_of

TEN = [f"The {noun} the dogs like {verb} full." for noun, verb in zip(
    ("cat", "cats", "dog", "dogs", "bird", "birds", "boy", "boys", "girl", "girls"),
    ("was", "were") * 5, strict=True)]  # fmt: skip


@pytest.fixture(name="stored", scope="module")
def _stored():
    return trained(STORED)


@pytest.fixture(name="report", scope="module")
def _report(stored):
    return explain_sentences(stored, MISSION)


def untrained(name, hidden=6):
    cell = language_cells()[name]
    bound = sizes_of(cell, 5, hidden)
    model = language_model(cell, 100, embedding=5, hidden=hidden).compile()
    return Trained(cell.bind(None, **bound), model, model.init(), bound, vocabulary().words)


# --- alignment -------------------------------------------------------------------------------


def test_equal_words_share_lines_and_every_column_keeps_its_order():
    texts = [text.lower().replace(",", " ,").replace(".", " .").split() for text in MISSION]
    texts.append(["the", "full", "cat"])
    places = aligned(texts)
    assert all(place == sorted(set(place)) for place in places)
    one, two, _ = (dict(zip(t, p, strict=True)) for t, p in zip(texts, places, strict=True))
    assert all(one[word] == two[word] for word in ("the", "cat", "ate", "already", "."))
    assert aligned([]) == [] and aligned([["a"]]) == [[0]]


# --- the numbers -----------------------------------------------------------------------------


def test_stored_weights_know_the_language(stored):
    for split in (stored.agreement.validation, stored.agreement.attr(3)):
        y, _ = stored.model.run(stored.params, split.inputs, outputs=("logits",))
        assert split.right(y["logits"]).mean() >= 0.98


def test_values_are_those_of_the_trace(stored, report):
    column = report["columns"][0]
    tokens = np.array([[stored.ids[word]] for word in column["labels"]], np.int32)
    trace = stored.model.trace(stored.params, {
        "token": tokens, "target": np.zeros_like(tokens), "weight": np.zeros(tokens.shape)})
    assert [value["name"] for value in report["values"]] == ["f", "u", "o", "g", "h", "c"]
    for value in report["values"]:
        got = np.array(column["values"][value["name"]])
        assert np.allclose(got, trace[value["name"]][:, 0], rtol=1e-3, atol=1e-9)
        assert value["range"] == {"f": [0, 1], "u": [0, 1], "o": [0, 1], "g": [-1, 1]}.get(
            value["name"])
    assert np.allclose(column["kept"]["c"], column["values"]["f"], rtol=1e-3)


def test_routes_of_every_cut_add_up_to_what_the_swap_changes(report):
    (other,) = report["columns"][0]["others"]
    way = other["routes"]
    assert other["label"] == "cats" and report["columns"][0]["labels"][other["step"]] == "cat"
    assert np.allclose(np.sum(way["values"], 1), way["change"], rtol=1e-5)
    assert other["after"] - other["before"] == pytest.approx(way["change"], rel=1e-4)
    assert np.array(other["differences"]["c"])[: other["step"]].any() == 0
    units = {name: sum(np.sum(rows, 1) for rows in by_state.values())
             for name, by_state in way["units"].items()}  # fmt: skip
    for at, name in enumerate(way["names"]):
        if name in units:
            assert np.allclose(units[name], np.array(way["values"])[:, at], atol=0.05)


def test_what_suffices_is_what_an_override_does(stored, report):
    column = report["columns"][0]
    (other,) = column["others"]
    found, labels = other["causes"], column["labels"]
    step = found["steps"][3]
    one, two = (token_inputs(words, stored.ids) for words in (
        labels, [*labels[:other["step"]], other["label"], *labels[other["step"] + 1:]]))
    given = np.zeros((len(labels), 1, 1), bool)
    given[step] = True
    value = stored.model.trace(stored.params, two)["c"]
    y, _ = Overridable(stored.model, ["c"]).run(stored.params, one, {"c": (given, value)},
                                                outputs=["logits"])
    ahead = y["logits"][column["decided"], 0, [stored.ids[form] for form in column["forms"]]]
    part = (ahead[0] - ahead[1] - other["before"]) / (other["after"] - other["before"])
    assert found["patched"]["c"][3] == pytest.approx(part, abs=1e-3)
    assert found["steps"] == list(range(other["step"], column["decided"] + 1))
    assert np.allclose(found["patched"]["h, c"], 1, atol=1e-3)


def test_what_is_needed_is_beside_random_units(report):
    (group,) = report["columns"][0]["others"][0]["causes"]["carrying"]
    worst = int(np.argmax(report["units"][0]["effect"]))
    assert int(np.argmax(group["lost"])) == worst and group["states"] == ["h", "c"]
    one, *more = group["sets"]
    assert one["units"] == [worst] and one["lost"] == pytest.approx(group["lost"][worst], abs=1e-3)
    assert [len(held["units"]) for held in (one, *more)] == [1, 2, 4, 8]
    for held in (one, *more):
        assert held["lost"] > 0.9 and np.median(held["controls"]) < 0.1


def test_the_unit_that_carries_is_first_and_its_loss_is_in_the_table(report):
    effect, table = np.array(report["units"][0]["effect"]), report["ablation"]
    worst = int(effect.argmax())
    assert table["units"][worst] == [worst] and len(table["units"]) == 32
    at = table["conditions"].index("1 attractor")
    assert table["whole"][at] > 0.98 and table["without"][worst][at] < 0.6
    assert np.median(np.array(table["controls"])[:, at]) > 0.98


def test_a_matrix_state_has_a_report():  # and test_demo.py makes that of a stack
    made = explain_sentences(untrained("memory"), ["the cat , which ate , was full.",
                                                   "the cats were full."])
    json.dumps(made, allow_nan=False)
    for column in made["columns"]:
        for value in made["values"]:
            assert np.shape(column["values"][value["name"]]) == (
                len(column["labels"]), value["units"])
        for other in column["others"]:
            assert other["causes"]["carrying"][0]["states"] == made["units"][0]["states"]
            assert set(other["causes"]["patched"]) >= {value["name"] for value in made["values"]}
    assert made["ablation"]["by"] == "decision" and made["units"][0]["by"] == "routes"
    boxes = {key for arrow in made["cell"]["arrows"] for key in arrow}
    assert {value["box"] for value in made["values"]} <= boxes


def test_swaps_and_decisions_can_be_chosen():
    model = untrained("gru")
    made = explain_sentences(model, ["the cat ate"], swaps=[("cat", "dog")], decide=("ate", "was"))
    (column,) = made["columns"]
    assert (column["decided"], column["forms"]) == (2, ["ate", "was"])
    assert [other["label"] for other in column["others"]] == ["dog"]
    for words, texts, message in [
        ({"swaps": [("catt", "dog")]}, ["the cat"], "'catt'"),
        ({"swaps": [("bird", "dog")]}, ["the cat"], "none of the words to swap"),
        ({}, ["the catt"], "'catt'"), ({}, ["the " * 121], "1 to 120"), ({}, [], "nothing to"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=message):
            explain_sentences(model, texts, **words)


def test_without_a_rule_the_likeliest_other_words_are_swapped():
    model = untrained("gru")
    (column,) = explain_sentences(model, ["full already cat was the cat was the full"])["columns"]
    assert len(column["others"]) == 6 and len(column["labels"]) == 10
    changes = {}
    for at in range(1, 10):
        before, _ = model.model.run(model.params, token_inputs(column["labels"][:at], model.ids))
        guess = before["logits"][-1, 0].copy()
        guess[[model.ids[column["labels"][at]], model.ids["<s>"]]] = -np.inf
        words = list(column["labels"])
        words[at] = model.tokens[int(guess.argmax())]
        y, _ = model.model.run(model.params, token_inputs(words, model.ids))
        a, b = (y["logits"][-1, 0, model.ids[form]] for form in column["forms"])
        changes[at, words[at]] = abs(a - b - column["decision"][-1])
    most = sorted(changes, key=changes.get)[-6:]
    assert [(other["step"], other["label"]) for other in column["others"]] == sorted(most)


def test_every_model_has_an_ablation_of_its_columns():
    model = untrained("lstm")
    made = explain_sentences(model, ["the cat", "the full already cat was"])
    table, names = made["ablation"], ["h", "c"]
    assert table["by"] == "decision" and table["states"] == names
    reads = [token_inputs(column["labels"], model.ids) for column in made["columns"]]
    whole = Overridable(model.model, names)
    traces = [model.model.trace(model.params, x, names=names) for x in reads]
    means = {name: np.concatenate([t[name][:, 0] for t in traces]).mean(0) for name in names}
    for at, (column, x) in enumerate(zip(made["columns"], reads, strict=True)):
        mask = np.zeros((len(column["labels"]), 1, 6), bool)
        mask[..., 2] = True
        y, _ = whole.run(model.params, x, {n: (mask, np.broadcast_to(means[n], mask.shape))
                                           for n in names}, outputs=["logits"])
        a, b = (y["logits"][-1, 0, model.ids[form]] for form in column["forms"])
        assert table["without"][2][at] == pytest.approx(a - b, rel=1e-3)
        assert table["whole"][at] == pytest.approx(column["decision"][-1], rel=1e-3)
    moved = np.abs(np.array(table["without"]) - table["whole"]).mean(1)
    assert np.allclose(table["effect"], moved, rtol=1e-2)


def test_summaries_are_those_of_the_strips(report):
    for column in report["columns"]:
        for name, rows in column["values"].items():
            assert np.allclose(column["means"][name], np.mean(rows, 1), rtol=1e-2, atol=1e-4)
            assert np.allclose(column["norms"][name], np.linalg.norm(rows, axis=1), rtol=1e-3)
    held = report["columns"][0]["others"][0]["causes"]["carrying"][0]["sets"][0]
    assert held["median"] == pytest.approx(np.median(held["controls"]), rel=1e-3)
    assert held["most"] == max(held["controls"])


def test_values_know_their_units_and_states_whether_these_are_apart():
    cell = rg.stack(rg.load("rnn"), rg.load("lstm"))
    bound = sizes_of(cell, 5, 4)
    model = language_model(cell, 100, embedding=5, hidden=4).compile()
    known = Trained(cell.bind(None, **bound), model, model.init(), bound, vocabulary().words)
    made = explain_sentences(known, ["the cat , which ate , was full."])
    assert [unit["by"] for unit in made["units"]] == ["routes", "routes"]
    for value in made["values"]:
        states = made["units"][value["group"]]["states"]
        layer = value["name"].partition(".")[0]
        assert all(state.startswith(layer + ".") for state in states)
    (column,) = made["columns"]
    assert column["diagonal"] == {"layer0.h": False, "layer1.h": True, "layer1.c": True}
    assert "%" not in made["cell"]["text"]  # no names that nobody gave


def test_contexts_belong_to_their_row():
    cell = rg.load("gru_d").bind(None, I=2, H=3)
    known = Trained(cell, cell.compile(), cell.compile().init(), {"I": 2, "H": 3})
    rng = np.random.default_rng(0)
    x = {name: rng.random((6, 3, 2), np.float32) for name in ("x", "mask", "delta")}
    made = explain_series(known, {"mean": rng.random((3, 2), np.float32), **x})
    for at, column in enumerate(made["columns"]):
        half, other = column["others"]
        assert np.allclose(column["inputs"]["mask"], x["mask"][:, at], rtol=1e-3)
        after = made["columns"][(at + 1) % 3]["others"][1]["before"]
        assert other["after"] == pytest.approx(after, rel=1e-5)
        assert half["after"] != pytest.approx(after, rel=1e-5)


def test_rows_of_numbers_have_the_same_report():
    cell = rg.load("gru").bind(None, I=2, H=3)
    known = Trained(cell, cell.compile(), cell.compile().init(), {"I": 2, "H": 3})
    x = np.random.default_rng(0).normal(size=(9, 3, 2)).astype(np.float32)
    made = explain_series(known, x, rows=[0, 2], element=1, names=["a", "b"])
    assert made["axis"] == "time" and [c["title"] for c in made["columns"]] == ["a", "b"]
    assert [[o["source"] for o in c["others"]] for c in made["columns"]] == [[1, 1], [0, 0]]
    assert made["inputs"] == [{"name": "x", "units": 2}]
    assert np.allclose(made["columns"][1]["inputs"]["x"], x[:, 2], rtol=1e-3)
    half, other = made["columns"][0]["others"]
    assert (other["label"], other["step"], other["last"]) == ("b", 0, 8)
    assert (half["label"], half["step"], half["last"]) == ("b before 4", 0, 3)
    assert other["after"] == pytest.approx(made["columns"][1]["others"][1]["before"], rel=1e-5)
    for options, message in [({"rows": [3]}, "no row 3"), ({"output": "z"}, "no output is named"),
                             ({"element": 3}, "3 numbers"), ({"times": ["1"]}, "times are 1"),
                             ({"names": ["a"]}, "names are 1")]:  # fmt: skip
        with pytest.raises(ValueError, match=message):
            explain_series(known, x, **options)
    with pytest.raises(ValueError, match="reads numbers"):
        explain_sentences(known, ["the cat"])


def test_joined_sentences_are_the_sentences():
    parts = [Agreement(1, tests=5).attr(k) for k in (0, 3)]
    whole = joined(parts)
    assert [whole.text(row) for row in range(10)] == [p.text(r) for p in parts for r in range(5)]


# --- the story -------------------------------------------------------------------------------


def test_story_is_computed(report):
    carrier = int(np.argmax(report["units"][0]["effect"]))
    did, why = story(report, carrier)
    assert keeping_gate(report, carrier) == ("c", "f", True)
    assert did.startswith(f"The forget gate f keeps what unit {carrier} of c holds")
    column = report["columns"][0]
    gates = np.array(column["values"]["f"])[3:8, carrier]
    assert f"{100 * gates.prod():.0f} % of it is left when “was” is chosen" in did
    assert f"goes down to {gates.min():.2f} (at “{column['labels'][3 + gates.argmin()]}”)" in did
    assert "in “The cat was full because it ate already.” “was” comes at once" in did
    assert why.startswith("The same weights can do both because they do not fix the gate")
    same = {**report, "columns": [report["columns"][0]] * 2}
    assert "so is what the forget gate f does at every word that they share" in story(
        same, carrier)[1]
    many = {**report, "columns": [report["columns"][at] for at in (0, 1, 0, 0)]}
    assert story(many, carrier)[0].count("of it is left") == 2


def test_words_that_come_twice_are_told_apart(report):
    def column(labels, gate):
        return {"labels": labels, "values": {"f": [[value] for value in gate]}, "title": "",
                "kept": {"c": [[value] for value in gate]}, "others": [], "decided": 2,
                "forms": ["a", "b"]}  # fmt: skip

    columns = [column(["the", "cat", "the"], [0.9, 0.5, 0.1]),
               column(["the", "cat", "the"], [0.9, 0.5, 0.3])]
    values = [value for value in report["values"] if value["name"] == "f"]
    (why,) = story({**report, "values": values, "columns": columns}, 0)[1:]
    assert "at “the” number 2 it is 0.10 in the first and 0.30 in the second" in why


def test_a_gate_that_overwrites_is_told_so():
    kept = {"kept": {"h": [[0.25], [0.5]]}, "values": {"z": [[0.75], [0.5]], "r": [[0.1], [0.9]]}}
    values = [{"name": n, "range": [0, 1], "label": ""} for n in ("r", "z")]
    assert keeping_gate({"columns": [kept], "values": values}, 0) == ("h", "z", False)
    none = {"columns": [kept], "values": [{**values[0], "range": [-1, 1]}]}
    assert keeping_gate(none, 0) is None and story(none, 0) == []


# --- the page --------------------------------------------------------------------------------


def test_page_holds_the_numbers_and_asks_no_network(report, tmp_path):
    files = write_report({**report, "title": "a </script><b>"}, tmp_path / "out.html")
    text = files[0].read_text(encoding="utf-8")
    inside = re.search(r'<script type="application/json" id="report">(.*?)</script>', text, re.S)
    numbers = json.loads(inside[1])
    assert numbers["columns"] == json.loads(files[1].read_text(encoding="utf-8"))["columns"]
    assert "<b>" not in text and text.count("<svg") > 0
    assert not re.search(r'(?:src|href)="(?:https?:)?//|@import|url\(', text)


def test_ten_sentences_of_64_units_stay_below_3_mb(tmp_path):
    made = explain_sentences(untrained("lstm", hidden=64), TEN)
    assert len(made["columns"]) == 10 and all(column["others"] for column in made["columns"])
    page_file, _ = write_report(made, tmp_path / "ten.html")
    assert page_file.stat().st_size < 3_000_000


def test_without_the_library_the_remedy_is_named(monkeypatch, report):
    for missing in (None, SimpleNamespace(submodule_search_locations=[])):
        monkeypatch.setattr(page, "find_spec", lambda name, missing=missing: missing)
        with pytest.raises(ImportError, match=r"pip install 'rnngraph\[plot\]'"):
            html(report)


# --- the command -----------------------------------------------------------------------------


def test_command_writes_the_page_and_says_what_is_in_it(tmp_path, capsys):
    target = tmp_path / "cats.html"
    assert main(["explain", str(STORED), *MISSION, "-o", str(target)]) == 0
    told = capsys.readouterr().out
    assert "The forget gate f keeps" in told and str(target.with_suffix(".json")) in told
    assert json.loads(target.with_suffix(".json").read_text())["format"] == "rnngraph-report-2"


def test_command_takes_numbers(tmp_path):
    cell = rg.load("gru")
    save(tmp_path / "w.safetensors", Checkpoint(
        cell.compile(I=2, H=3).init(), config={"sizes": {"I": 2, "H": 3}}, cell=cell.text))
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(5, 2, 2)))
    assert main(["explain", str(tmp_path / "w.safetensors"), "--array", str(tmp_path / "x.npy"),
                 "-o", str(tmp_path / "r.html")]) == 0  # fmt: skip


@pytest.mark.parametrize(("words", "message"), [
    ([], "give sentences, or numbers"), (["the catt"], "'catt'"),
    (["the cat", "-o", "x.txt"], "end the file's name in .html"),
    (["the cat", "--swap", "cat"], "not a pair"), ([""], "'' has 0 tokens"),
    (["the cat", "--rows", "1"], "--rows is for numbers"),
    (["--array", "x.npy", "--decide", "was=were"], "--decide is for words"),
])  # fmt: skip
def test_command_says_what_is_wrong(words, message, capsys):
    assert main(["explain", str(STORED), *words]) in (1, 2)
    assert message in capsys.readouterr().err


def test_a_checkpoint_without_text_asks_for_the_cell(tmp_path):
    save(tmp_path / "w.safetensors", Checkpoint({}, config={"sizes": {}}))
    with pytest.raises(CheckpointError, match="give the same cell again"):
        trained(tmp_path / "w.safetensors")
