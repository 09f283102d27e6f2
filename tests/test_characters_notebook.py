"""The notebooks of examples/ run from top to bottom."""

import json
from pathlib import Path

import pytest

from rnngraph.explain.report import FORMAT

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs(path, monkeypatch, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient").NotebookClient
    notebook = nbformat.read(path, as_version=4)
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent))
    at = {"metadata": {"path": str(tmp_path)}}
    client(notebook, timeout=300, kernel_name="python3", resources=at).execute()
    outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    told = [out.text for out in outputs if out.output_type == "stream" and out.name == "stdout"]
    assert any("the parts sum to it" in text for text in told)
    assert any("image/png" in out.get("data", {}) for out in outputs)
    page = tmp_path / "rnngraph-report" / "report.html"
    report = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert report["format"] == FORMAT and len(report["columns"]) == 2
    assert any(report["story"][0] in text for text in told)
    assert report["ablation"]["by"] == "accuracy"  # of the language that it has learnt
    assert report["title"] in page.read_text(encoding="utf-8")


def test_notebooks_are_kept_without_outputs():
    nbformat = pytest.importorskip("nbformat")
    paths = sorted(EXAMPLES.rglob("*.ipynb"))
    assert paths
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        assert not any(cell.get("outputs") for cell in notebook.cells), path
