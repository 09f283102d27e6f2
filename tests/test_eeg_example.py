"""examples/eeg.py: a real time series, from its samples to a page with an axis of time."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("mpld3")
SCRIPT = Path(__file__).parent.parent / "examples" / "eeg.py"


def test_the_example_writes_a_page_of_the_recording(tmp_path, capsys):
    example = runpy.run_path(str(SCRIPT))
    signal = example["channels"]()
    assert signal.shape == (800, 4) and np.allclose(signal.std(0), 1)
    example["main"](str(tmp_path / "eeg.html"), steps=150)
    error, still = (float(word.strip("():")) for word in capsys.readouterr().out.split()
                    if word.strip("():").replace(".", "").isdigit() and "." in word)
    assert error < still
    made = json.loads((tmp_path / "eeg.json").read_text(encoding="utf-8"))
    assert made["axis"] == "time" and (tmp_path / "eeg.html").stat().st_size > 100_000
    assert [column["title"] for column in made["columns"]] == [f"channel {k}" for k in range(4)]
    assert made["columns"][0]["labels"][0] == "640"
    read = np.array(made["columns"][0]["values"]["h"])
    assert read.shape == (example["SHOWN"], example["HIDDEN"]) and np.ptp(read) > 0.1
