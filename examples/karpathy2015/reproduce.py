"""The row of 64 units of Karpathy, Johnson & Fei-Fei 2015, table 1, and the pictures beside it.

    python examples/karpathy2015/reproduce.py --war-and-peace book.txt --linux linux-source.tar.xz

Trains LSTM, RNN and GRU with 1, 2 and 3 layers on each text, and writes into the folder

    TEXT/CELL-LAYERS/        checkpoints, and the report of `rnngraph characters`
    results.json             everything that was measured, with the setting and the machine
    results.md               the table, beside the paper's

It may be stopped (Ctrl-C) and started again at any time: what is finished is kept, and a training
goes on from its last checkpoint. See README.md for what differs from the paper.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import rnngraph as rg
from rnngraph.bench.machine import cpu_name
from rnngraph.characters import examine
from rnngraph.train.progress import console
from rnngraph.train.run import LAST, train_text

CELLS, LAYERS = ("lstm", "rnn", "gru"), (1, 2, 3)
SETTING = {"hidden": 64, "embedding": 64, "batch": 50, "window": 100, "rate": 5e-3,
           "last_rate": 5e-4, "clip": 1.0, "validate_every": 250}
KERNEL_CHARACTERS = 6_206_996  # as many as the paper has
# nats per character on the test part, table 1 of the paper, by layers: noted from memory, still
# to be checked against the paper
PAPER = {
    "war-and-peace": {"lstm": (1.449, 1.442, 1.540), "rnn": (1.446, 1.401, 1.396),
                      "gru": (1.398, 1.373, 1.472)},
    "linux": {"lstm": (1.355, 1.331, 1.366), "rnn": (1.407, 1.371, 1.383),
              "gru": (1.335, 1.298, 1.357)},
}


@dataclass(frozen=True)
class Text:
    """A text, and the share of it that is validated and tested on."""

    name: str
    path: Path
    held_out: float


def main() -> int:
    args = arguments()
    out, folder = console(), Path(args.folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts = list(given_texts(args, folder))
    if not texts:
        sys.exit("give --war-and-peace FILE, --linux FILE, or both; README.md says how to get them")
    results = folder / "results.json"
    done = json.loads(results.read_text(encoding="utf-8")) if results.exists() else []
    for layers, text, cell in ((n, t, c) for n in LAYERS for t in texts for c in CELLS):
        place = {"text": text.name, "cell": cell, "layers": layers}
        if any(place.items() <= row.items() and row["asked"] == args.asked for row in done):
            continue
        out.rule(f"{text.name}: {cell}, {layers} layer{'s' if layers > 1 else ''}")
        measured = trained(text, cell, layers, folder / text.name / f"{cell}-{layers}", args.asked)
        if measured is None:
            return 130
        done = [row for row in done if not place.items() <= row.items()]
        done.append(place | measured)
        results.write_text(json.dumps(done, indent=1), encoding="utf-8")
        (folder / "results.md").write_text(table(done), encoding="utf-8")
    out.print(table(done), markup=False)
    for text in texts if args.report else ():
        for row in (row for row in done if row["text"] == text.name):
            home = folder / text.name / f"{row['cell']}-{row['layers']}"
            examine(home, text.path, home / "report", ngrams=folder / text.name / "ngrams.npz")
    return 0


def trained(text: Text, cell: str, layers: int, home: Path, asked: dict) -> dict | None:
    """What came of one training, or None if it was interrupted; asked: its epochs or steps."""
    began, resume = time.monotonic(), (home / LAST).exists()
    setting = {} if resume else {**SETTING, "layers": layers, "held_out": text.held_out}
    result = train_text(rg.load(cell), text.path, home, resume=resume, **asked, **setting)
    if result.interrupted:
        return None
    return {"asked": asked, "steps": result.steps, "validation": result.validation,
            "test": result.test, "seconds": time.monotonic() - began, "resumed": resume,
            "machine": cpu_name(), "python": platform.python_version()}


def table(done: list[dict]) -> str:
    """The measured row and the paper's, as Markdown."""
    lines = ["| text | cell | layers | steps | nats per character | paper, 50 epochs (unchecked) |",
             "| --- | --- | --- | --- | --- | --- |"]
    for row in sorted(done, key=lambda r: (r["text"], r["cell"], r["layers"])):
        paper = PAPER[row["text"]][row["cell"]][row["layers"] - 1]
        lines.append(f"| {row['text']} | {row['cell']} | {row['layers']} | {row['steps']:,} | "
                     f"{row['test']:.3f} | {paper:.3f} |")
    return "\n".join(lines) + "\n"


def given_texts(args: argparse.Namespace, folder: Path) -> Iterator[Text]:
    """The texts that were named, with the parts that the paper held out of each."""
    if args.war_and_peace:
        yield Text("war-and-peace", Path(args.war_and_peace), 0.1)
    if args.linux:
        target = folder / "linux.txt"
        if not target.exists():
            target.write_text(kernel_text(Path(args.linux)), encoding="utf-8")
        yield Text("linux", target, 0.05)


def kernel_text(source: Path) -> str:
    """The .c and .h files of kernel/, shuffled by a fixed seed and cut to the paper's length.

    source: the archive of Debian's linux-source package, or an unpacked source tree.
    """
    files = from_archive(source) if source.is_file() else from_folder(source)
    if not files:
        sys.exit(f"{source} has no kernel/*.c; it should be a kernel's sources")
    order = sorted(files, key=PurePosixPath)
    random.Random(0).shuffle(order)
    return "".join(files[name] for name in order)[:KERNEL_CHARACTERS]


def from_archive(source: Path) -> dict[str, str]:
    found = {}
    with tarfile.open(source) as archive:
        for member in archive:
            _, _, inside = member.name.partition("/")
            if member.isfile() and inside.startswith("kernel/") and inside.endswith((".c", ".h")):
                content = archive.extractfile(member)
                found[inside] = content.read().decode("utf-8", "replace") if content else ""
    return found


def from_folder(source: Path) -> dict[str, str]:
    paths = [path for path in (source / "kernel").rglob("*") if path.suffix in (".c", ".h")]
    return {path.relative_to(source).as_posix(): path.read_text("utf-8", "replace")
            for path in paths}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--war-and-peace", metavar="FILE", help="the novel as plain text")
    parser.add_argument("--linux", metavar="FILE", help="linux-source-6.1.tar.xz, or a source tree")
    parser.add_argument("--folder", default="karpathy2015", help="(default: karpathy2015)")
    parser.add_argument("--epochs", type=float, default=50.0,
                        help="passes over each text; the paper's are 50 (default)")
    parser.add_argument("--steps", type=int, help="updates of each model, instead of --epochs")
    parser.add_argument("--report", action="store_true", help="the pictures of every model, too")
    args = parser.parse_args()
    args.asked = {"steps": args.steps} if args.steps else {"epochs": args.epochs}
    return args


if __name__ == "__main__":
    sys.exit(main())
