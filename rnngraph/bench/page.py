"""The page of results: every table, and a plot of what matters, from stored results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..files import write_whole
from .measured import Measured, Result
from .report import TITLES, markdown, tables
from .targets import judged

HEAD = """\
# Performance

Measured on {machine}, {date}, with Python {python} and {versions}, by

```
rnngraph bench --group all --threads {threads} --resume --store benchmarks/results.json
rnngraph bench --group --store benchmarks/results.json --write-docs docs
```

What is measured, and how, says [benchmarks/README.md](../benchmarks/README.md). Everything is of
this machine: what holds elsewhere is the order of things.

{plot}
{summary}
"""
PLOT = "![Every row's ratio to its best peer, and its fraction of the machine's limit]" \
       "(images/performance.svg)\n"  # fmt: skip
# Okabe and Ito's colours, which differ for every kind of eye; shapes differ too
FORWARD, TRAINING = ("#0072B2", "o", "forward"), ("#D55E00", "^", "training step")
PER_ROW, TOP = 0.16, 1.6  # inches


def write_page(measured: Measured, folder: Path) -> None:
    """Write ``performance.md`` and, where matplotlib is installed, ``images/performance.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = bool(measured.results) and _plot(measured.results, folder / "images/performance.svg")
    about = dict(measured.about)
    machine = next(iter(measured.machines.values()), None)
    head = HEAD.format(
        machine=machine.name if machine else "a machine", date=about.pop("date", "-"),
        python=about.pop("python", "-"),
        versions=", ".join(f"{k} {v}" for k, v in about.items()) or "no peer",
        threads=" ".join(map(str, sorted(measured.machines))),
        plot=PLOT if drawn else "", summary=_summary(measured.results),
    )  # fmt: skip
    made = [table for table in (judged(measured), *tables(measured)) if table.rows]
    write_whole(folder / "performance.md", f"{head}\n{markdown(made)}".encode())


def _summary(results: Sequence[Result]) -> str:
    """How many rows are ahead, and which are not."""
    judged = [r for r in results if r.best_peer]
    slower = sorted((r for r in judged if r.ratio < 1), key=lambda r: r.ratio)
    if not judged:
        return ""
    text = f"Of {len(judged)} rows that a peer can run, rnngraph is faster on "
    text += f"{len(judged) - len(slower)}."
    named = [f"{r.row.title}, {r.threads} thread{'s' * (r.threads > 1)}: {r.ratio:.2f} of "
             f"{r.best_peer}" for r in slower]  # fmt: skip
    return text + "".join(f"\n- slower: {line}" for line in named) + "\n"


def _plot(results: Sequence[Result], path: Path) -> bool:
    """One line per cell and size, one point per row: ratio left, fraction of the limit right."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = _panels(results)
    heights = [len(lines) for _, lines in panels]
    style: Any = {"font.size": 7, "svg.fonttype": "none", "svg.hashsalt": "rnngraph"}
    with pyplot.rc_context(style):
        figure, axes = pyplot.subplots(
            len(panels), 2, squeeze=False, figsize=(9, PER_ROW * sum(heights) + TOP * len(panels)),
            gridspec_kw={"height_ratios": heights}, facecolor="white", layout="constrained",
        )  # fmt: skip
        for (title, lines), (left, right) in zip(panels, axes, strict=True):
            _panel(left, title, lines, lambda r: r.ratio if r.best_peer else None)
            _panel(right, "", lines, lambda r: 100 * r.of_limit)
            _ratios(left)
            _fractions(right)
        _legend(figure, axes[0][0])
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
    return True


def _panels(results: Sequence[Result]) -> list[tuple[str, dict[str, list[Result]]]]:
    """For each group and number of threads: results by what they are of."""
    found: dict[tuple[str, int], dict[str, list[Result]]] = {}
    for r in results:
        lines = found.setdefault((r.group, r.threads), {})
        lines.setdefault(f"{r.row.name}  B{r.row.rows} H{r.row.hidden}", []).append(r)
    return [(f"{TITLES.get(g, g)}, {n} thread{'s' * (n > 1)}", lines)
            for (g, n), lines in found.items()]  # fmt: skip


def _panel(axis: Any, title: str, lines: dict[str, list[Result]], value: Any) -> None:
    for colour, marker, label in (FORWARD, TRAINING):
        training = label == TRAINING[2]
        points = [(value(r), y) for y, of in enumerate(lines.values()) for r in of
                  if r.row.training is training and value(r) is not None]  # fmt: skip
        if points:
            x, y = zip(*points, strict=True)
            axis.scatter(x, y, s=14, color=colour, marker=marker, zorder=3)
    axis.set_yticks(range(len(lines)), list(lines) if title else [""] * len(lines))
    axis.set_ylim(len(lines) - 0.5, -0.5)
    axis.grid(True, axis="both", color="#dddddd", linewidth=0.5)
    axis.set_title(title, loc="left", fontweight="bold")
    axis.spines[["top", "right"]].set_visible(False)


def _legend(figure: Any, axis: Any) -> None:
    kinds = [axis.scatter([], [], s=14, color=colour, marker=marker, label=label)
             for colour, marker, label in (FORWARD, TRAINING)]  # fmt: skip
    figure.legend(handles=kinds, loc="outside upper right", ncols=2, frameon=False)


def _ratios(axis: Any) -> None:
    axis.set_xscale("log", base=2)
    low, high = axis.get_xlim()
    axis.set_xlim(min(low, 0.5), max(high, 4))
    axis.axvline(1, color="black", linewidth=1)
    axis.xaxis.set_major_formatter(lambda x, _: f"{x:g}x")
    axis.set_xlabel("times faster than the best peer")


def _fractions(axis: Any) -> None:
    axis.set_xlim(0, max(105, axis.get_xlim()[1]))
    axis.axvline(100, color="black", linewidth=1)
    axis.xaxis.set_major_formatter(lambda x, _: f"{x:g} %")
    axis.set_xlabel("of the machine's limit")
