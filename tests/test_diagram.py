"""Diagrams: everything that is in a graph is in its picture, and every picture can be drawn."""

from __future__ import annotations

import os
import re
import stat
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import rnngraph as rg
from rnngraph.check import check
from rnngraph.diagram import Diagram, RenderError, Theme, diagram, render
from rnngraph.diagram.metrics import text_width
from rnngraph.diagram.typeset import Line, Run, name_runs, plain
from rnngraph.graph import Graph
from rnngraph.passes.gradient import gradient
from rnngraph.source import Source
from rnngraph.syntax import parse

rendering = sys.modules["rnngraph.diagram.render"]
CELLS = sorted((Path(__file__).parents[1] / "cells").glob("*.cell"))
PAGE = 1400  # pixels at 96 a inch: what a column of text still shows readably
DELAY = Theme().delay


def load(path: Path) -> Graph:
    return check(parse(Source(path.read_text(), str(path))))


def lstm(prefix: str = "", below: Graph | None = None) -> Graph:
    """An LSTM built by hand; on top of another one it makes a stack."""
    graph = below or Graph("LSTM", "A test cell.", "Nobody 1997")
    x = graph.outputs.popitem()[1] if below else graph.input("x", (3,))
    h, c = graph.state(f"{prefix}h", (4,)), graph.state(f"{prefix}c", (4,))
    seen = graph.apply("concat", h, x, axis=0)
    gates = {}
    for name, op in {"f": "sigmoid", "u": "sigmoid", "o": "sigmoid", "g": "tanh"}.items():
        weight = graph.param(f"{prefix}W_{name}", (4, seen.shape[0]))
        bias = graph.param(f"{prefix}b_{name}", (4,))
        gates[name] = graph.apply(op, weight @ seen + bias)
        graph.name(prefix + name, gates[name], f"{name} gate")
    after = gates["f"] * c + gates["u"] * gates["g"]
    graph.advance(f"{prefix}c", after, "cell state")
    graph.advance(f"{prefix}h", gates["o"] * graph.apply("tanh", after), "hidden state")
    graph.output(f"{prefix}h", graph.states[f"{prefix}h"].next)
    return graph


def stack() -> Graph:
    return lstm("2.", lstm("1."))


def edges(drawing: Diagram) -> list[str]:
    return [line for line in drawing.source.splitlines() if " -> " in line]


GRAPHS = {
    **{path.stem: load(path) for path in CELLS},
    "stack": stack(),
    "lstm by hand": lstm(),
    "gradient": gradient(lstm()),
    "second gradient": gradient(gradient(lstm()), mark="e"),
}
each_graph = pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS.keys())
each_detail = pytest.mark.parametrize("detail", ["gates", "ops"])


# --- what is in a picture ----------------------------------------------------------------------


@each_detail
@each_graph
def test_everything_of_the_interface_is_drawn(graph: Graph, detail: str) -> None:
    boxes = diagram(graph, detail).picture.boxes.values()
    drawn = {plain(box.name) for box in boxes if box.name}
    values = {**graph.inputs, **graph.contexts, **graph.outputs}
    for name, state in graph.states.items():  # a delay line is called by what it is of
        values |= {name if state.line is None else f"{state.line.of} ": state.leaf}
        values |= {f"{name}'": state.next} if state.line is None else {}
    values |= {name: named.node for name, named in graph.names.items()}
    for name, value in values.items():  # one of several names of a value is enough
        spelled = [plain(name_runs(n.rstrip("'"))) for n, v in values.items() if v is value]
        assert any(text.startswith(s[0]) for text in drawn for s in spelled), name
    labels = {box.label for box in boxes}
    assert labels >= {named.label for named in graph.names.values() if named.label}


@each_detail
@each_graph
def test_every_delay_is_one_dashed_arrow(graph: Graph, detail: str) -> None:
    drawing = diagram(graph, detail)
    delays = [arrow for arrow in drawing.picture.arrows if arrow.kind == "delay"]
    moving = [s for s in graph.states.values() if s.next is not None]
    assert len(delays) == len(moving)
    dashed = [line for line in edges(drawing) if "style=dashed" in line]
    assert len(dashed) == len(delays)
    assert all(DELAY in line for line in dashed)


@each_detail
@each_graph
def test_drawing_is_deterministic(graph: Graph, detail: str) -> None:
    assert diagram(graph, detail).source == diagram(graph, detail).source


def test_gates_have_the_kind_of_their_outermost_activation() -> None:
    boxes = diagram(lstm()).picture.boxes
    assert boxes["f"].kind == "sigmoid"
    assert boxes["g"].kind == "tanh"
    assert boxes["h"].kind == boxes["h'"].kind == "state"
    assert boxes["x"].kind == "input"


def test_one_minus_a_gate_is_still_a_gate() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    graph.name("keep", 1 - graph.apply("sigmoid", x))
    graph.output("y", graph.names["keep"].node * x)
    assert diagram(graph).picture.boxes["keep"].kind == "sigmoid"


def test_gates_depend_on_what_their_equation_reads() -> None:
    picture = diagram(lstm()).picture
    behind = {arrow.tail for arrow in picture.arrows if arrow.head == "f" and arrow.kind == "value"}
    assert behind == {"h", "x"}
    assert plain(picture.boxes["f"].equation) == "σ(W_f [hₜ₋₁, xₜ] + b_f)"
    assert plain(picture.boxes["c'"].equation) == "fₜ × cₜ₋₁ + uₜ × gₜ"


def test_ops_writes_weights_into_the_op_that_uses_them() -> None:
    boxes = diagram(lstm(), "ops").picture.boxes.values()
    affine = [plain(box.equation) for box in boxes if box.kind == "weight"]
    assert set(affine) == {"W_f · + b_f", "W_g · + b_g", "Wₒ · + bₒ", "Wᵤ · + bᵤ"}
    assert [box.glyph for box in boxes if box.glyph] == ["×", "×"]


def test_a_subtraction_says_what_is_taken_away() -> None:
    graph = Graph()
    a, b = graph.input("a", (2,)), graph.input("b", (2,))
    graph.output("y", graph.apply("tanh", a - b))
    notes = {arrow.tail: arrow.note for arrow in diagram(graph, "ops").picture.arrows}
    assert notes["a"] == ""
    assert notes["b"] == "−"


def test_a_gradient_is_two_frames() -> None:
    drawing = diagram(gradient(lstm()))
    parts = {key: box.part for key, box in drawing.picture.boxes.items()}
    assert parts["f"] == "forward"
    assert parts["d(h)"] == parts["d(W_f)"] == "backward"
    assert drawing.source.count("subgraph cluster") + drawing.source.count('subgraph "cluster') == 2
    assert plain(drawing.picture.boxes["d(h)"].name) == "δhₜ"
    assert plain(drawing.picture.boxes["d(h)'"].name) == "δhₜ₋₁"


def test_layers_of_a_stack_are_frames() -> None:
    source = diagram(stack()).source
    assert "cluster_recurrence 1" in source
    assert "cluster_recurrence 2" in source


@each_detail
def test_groups_become_frames(detail: str) -> None:
    graph = lstm()
    loop = {s.next.id: "loop" for s in graph.states.values() if s.next is not None}
    drawing = diagram(graph, detail, groups=loop)
    grouped = {key for key, box in drawing.picture.boxes.items() if box.group == "loop"}
    assert {"h'", "c'"} <= grouped
    assert "cluster_loop" in drawing.source


def test_labels_and_sizes_of_any_text_are_escaped() -> None:
    graph = Graph('a <b> & "c"', "x < y & z", "<&>")
    x = graph.input("x", (2,))
    graph.name("n", graph.apply("tanh", x), 'less < than & "more" \\ back')
    graph.output("y", graph.names["n"].node)
    assert b"less" in render(diagram(graph).source, "svg")


def test_delay_line_and_state_without_a_next_value() -> None:
    graph = Graph("delays")
    x = graph.input("x", (2,))
    first, second = graph.state("a", (2,)), graph.state("b", (2,))
    graph.state("c", (2,))
    graph.advance("a", x)
    graph.advance("b", first)
    graph.output("y", second + x)
    for detail in ("gates", "ops"):
        drawing = diagram(graph, detail)
        assert sum(arrow.kind == "delay" for arrow in drawing.picture.arrows) == 2
        assert render(drawing.source, "svg")


LOOKS_BACK = """cell LooksBack
input x[I]
state h[H]
param W[H, I]
z = tanh(W @ prev(x, 2))   "candidate"
h' = h * prev(z) + prev(h) + prev(h, 20)
"""


@pytest.mark.parametrize("layers", [1, 2])
def test_a_delayed_value_is_called_by_its_name_and_time(layers: int) -> None:
    graph = rg.stack(rg.parse(LOOKS_BACK), layers=layers).graph
    boxes = diagram(graph).picture.boxes.values()
    kinds = {plain(box.name): box.kind for box in boxes if box.name}
    mark = "" if layers == 1 else "^(0)"
    late = ("zₜ₋₁", "hₜ₋₂", "h_t−21…t−2", "h_t−20…t−1")
    assert {kinds[name] for name in ("xₜ₋₁", "xₜ₋₂", *(n + mark for n in late))} == {"state"}
    assert kinds["zₜ" + mark] == "tanh"


def test_deep_and_shared_expressions_are_drawn_in_bounded_time() -> None:
    graph = Graph("deep")
    value = graph.input("x", (2,))
    for _ in range(400):
        value = graph.apply("tanh", value * value + 1.0)
    graph.output("y", value)
    assert "…" in plain(diagram(graph).picture.boxes["y"].equation)
    assert diagram(graph, "ops").picture.boxes


def test_unknown_detail_is_refused() -> None:
    with pytest.raises(ValueError, match="'atoms' is not one of gates, ops"):
        diagram(lstm(), "atoms")


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "time", "expected"),
    [
        ("h", "t−1", "hₜ₋₁"),
        ("W_f", "", "W_f"),
        ("W_h", "", "Wₕ"),
        ("alpha", "t", "αₜ"),
        ("Gamma_r", "t", "Γᵣ,ₜ"),
        ("h1", "t", "h₁,ₜ"),
        ("token", "t", "tokenₜ"),
        ("d(h)", "t", "δhₜ"),
        ("dout(y)", "t", "∂L/∂yₜ"),
        ("2.h", "t", "hₜ^(2)"),
        ("c̃", "t", "c̃ₜ"),
        ("_", "", "_"),
    ],
)
def test_names_are_spelled_as_in_a_paper(name: str, time: str, expected: str) -> None:
    assert plain(name_runs(name, time)) == expected


def test_lines_are_as_wide_as_their_text() -> None:
    runs = (Run("σ("), *name_runs("W_f"), Run(" x)"))
    assert Line(runs, 11).width == pytest.approx(
        text_width("σ(", "serif", 11) + text_width("W", "italic", 11)
        + text_width("f", "italic", 8) + text_width(" x)", "serif", 11), abs=1.5
    )  # fmt: skip


# --- pictures ----------------------------------------------------------------------------------


@each_detail
@each_graph
def test_svg_is_well_formed_and_names_everything(graph: Graph, detail: str) -> None:
    drawing = diagram(graph, detail)
    root = ElementTree.fromstring(drawing.svg)
    titles = {t.text for t in root.iter("{http://www.w3.org/2000/svg}title")}
    assert titles >= set(drawing.picture.boxes)
    assert titles >= {name for name in graph.inputs if name in drawing.picture.boxes}


@pytest.mark.parametrize("graph", [GRAPHS["lstm by hand"], GRAPHS["stack"], GRAPHS["gradient"]])
def test_no_text_leaves_its_box(graph: Graph) -> None:
    svg = "{http://www.w3.org/2000/svg}"
    for group in ElementTree.fromstring(diagram(graph).svg).iter(f"{svg}g"):
        shapes = [*group.findall(f".//{svg}path"), *group.findall(f".//{svg}polygon")]
        if group.get("class") != "node" or not shapes:
            continue
        outline = " ".join(s.get("d") or s.get("points") or "" for s in shapes)
        across = [float(x) for x in re.findall(r"(-?[\d.]+),-?[\d.]+", outline)]
        for text in group.iter(f"{svg}text"):
            left, length = float(text.get("x", 0)), float(text.get("textLength", 0))
            assert min(across) <= left
            assert left + length <= max(across) + 0.5


@pytest.mark.parametrize("name", ["lstm", "gru", "peephole_lstm", "stack", "lstm by hand"])
def test_gates_fit_a_page(name: str) -> None:
    width = re.search(r'<svg width="(\d+)pt"', diagram(GRAPHS[name]).svg)
    assert width is not None
    assert int(width[1]) * 96 / 72 <= PAGE


def test_png_is_written_whole_under_its_name(tmp_path: Path) -> None:
    path = diagram(lstm()).render(tmp_path / "deep" / "lstm", format="png")
    assert path == tmp_path / "deep" / "lstm.png"
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert [p.name for p in path.parent.iterdir()] == ["lstm.png"]


def test_suffix_decides_the_format_and_is_added_where_it_lacks(tmp_path: Path) -> None:
    drawing = diagram(lstm())
    assert drawing.render(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert drawing.render(tmp_path / "b").name == "b.svg"
    assert drawing.render(str(tmp_path / "v1.2"), format="svg").name == "v1.2.svg"


def test_unknown_format_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'gif' is not one of svg, png, pdf"):
        diagram(lstm()).render(tmp_path / "lstm", format="gif")
    assert not list(tmp_path.iterdir())


def test_missing_renderers_are_named_with_their_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RNNGRAPH_DOT", raising=False)
    monkeypatch.setattr(rendering, "graphviz_pure", lambda: None)
    monkeypatch.setattr(rendering, "system_dot", lambda: None)
    monkeypatch.setattr(rendering.importlib.util, "find_spec", lambda name: None)
    for format in ("svg", "png"):
        with pytest.raises(RenderError, match="pip install graphviz-pure"):
            render("digraph {}", format)
    with pytest.raises(RenderError, match=r"pip install rnngraph\[cairo\]"):
        render("digraph {}", "pdf")
    data, metadata = diagram(lstm())._repr_mimebundle_()
    assert set(data) == {"text/plain"}
    assert "pip install" in data["text/plain"]
    assert metadata == {}


def test_png_of_text_beyond_european_letters_prefers_the_machines_fonts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RNNGRAPH_DOT", raising=False)
    monkeypatch.setattr(rendering, "system_dot", lambda: str(tmp_path / "dot"))
    assert render("digraph { σ }", "png").startswith(b"\x89PNG")
    with pytest.raises(RenderError, match="dot' was not found"):
        render("digraph { 参数 }", "png")


def test_bad_source_is_answered_with_the_renderers_words() -> None:
    with pytest.raises(RenderError, match="syntax error"):
        render("digraph { -> }", "svg")


def test_environment_names_the_renderer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "mydot"
    program.write_text('#!/bin/sh\ncat > /dev/null\necho "called with $1"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("RNNGRAPH_DOT", str(program))
    if os.name == "posix":
        assert render("digraph {}", "pdf") == b"called with -Tpdf\n"
    monkeypatch.setenv("RNNGRAPH_DOT", str(tmp_path / "absent"))
    with pytest.raises(RenderError, match="absent' was not found"):
        render("digraph {}", "svg")


def test_the_users_graphviz_is_left_alone() -> None:
    from graphviz.backend import dot_command

    before = dot_command.DOT_BINARY
    diagram(lstm()).rendered("svg")
    assert before == dot_command.DOT_BINARY


def test_notebooks_get_a_picture_and_text() -> None:
    data, metadata = diagram(lstm())._repr_mimebundle_()
    assert data["image/svg+xml"].lstrip().startswith("<?xml")
    assert data["text/plain"].startswith("<Diagram of LSTM")
    assert metadata == {"image/svg+xml": {"isolated": True}}


def test_a_reversed_cell_is_no_gradient():
    import rnngraph as rg

    drawn = rg.bidirectional(rg.load("gru")).diagram()
    assert "gradient" not in drawn.source and "cotangent" not in drawn.source
    assert "t+1" in drawn.source.replace("&#43;", "+") or "+1" in drawn.source
