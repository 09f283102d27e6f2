"""The numbers of a report, as plain data: what report.json holds and the page shows.

    Report ::= format, title, axis, cell, values, units, columns, saturation, ablation?, story
    cell   ::= name, doc, text, diagram (SVG), arrows ([tail, head], keys of boxes)
    values ::= name, label, equation, box (key in the diagram), range ([low, high] or null), units
    column ::= title, labels, lines, decided, forms, decision, values, carried, others
               lines: the line of each step in the alignment; values: {name: [T][units]}
               decision: [T], the preference that would be read off after each step
    other  ::= step, last, label, before, after, differences ({name: [T][units]}), routes?, causes?
    routes ::= names, values ([T][routes], before each step), units ({route: {state: [T][units]}}),
               change, error, points
    causes ::= steps, patched ({name: [steps]}), units ({states: {unit: [steps]}}), carrying
               patched: the part of the change that comes with a value at a step
    carrying ::= [states, lost ([units]), sets ([units, lost, controls])]
               lost: the part of the change that is lost while units are held halfway
    units  ::= effect ([units], of the values that share them), measured by, states
    saturation ::= {name: {left, right: [units]}}
    ablation   ::= states, conditions, units, whole, without, controls, margin

A unit is an index into the elements of one step of a value, in row-major order. Numbers have
four significant digits, decisions and sums of routes seven.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..cell import Cell
from ..compiled import Compiled
from ..graph import Graph, Node, Varies
from ..inspect import Ablation, Routes, Swap, retention, routes, saturation, swap
from ..inspect.saturation import range_of
from ..train.loop import Array, Arrays
from .causes import Causes, causes
from .column import Column, Other, aligned
from .units import Units, units_of

FORMAT = "rnngraph-report-1"
Compared = tuple[Swap, Routes | None, Causes | None]


@dataclass(frozen=True)
class Shown:
    """A value of the cell that has a strip: a named value, or a state's next value."""

    name: str
    label: str
    node: Node
    box: str


def report(cell: Cell, compiled: Compiled, params: Arrays, columns: Sequence[Column], *,
           title: str = "", axis: str = "word", ablation: tuple[Units, Ablation] | None = None,
           story: Sequence[str] = ()) -> dict[str, Any]:
    """The report of a trained model.

    cell: with sizes bound, alone (the part of the model that is drawn); compiled: the model;
    axis: what a step is called. ablation: each unit alone, by condition, where there is one.
    Raises ValueError for no column, or a cell without a value that varies from step to step.
    """
    if not columns:
        raise ValueError("there is nothing to explain: no sentence, no row")
    shown = [one for one in shown_values(cell.graph) if one.node.dtype == "real"]
    if not shown:
        raise ValueError(f"cell {cell.name} names no value that varies from step to step")
    places = aligned([column.labels for column in columns])
    groups = units_of(cell.graph)
    told = [_Told(compiled, params, column, shown, groups) for column in columns]
    drawing = cell.diagram()
    return {
        "format": FORMAT, "title": title or cell.name, "axis": axis, "story": list(story),
        "cell": {"name": cell.name, "doc": cell.graph.doc, "text": cell.text,
                 "diagram": drawing.svg,
                 "arrows": [[arrow.tail, arrow.head] for arrow in drawing.picture.arrows]},
        "values": [_value(one, told[0].trace) for one in shown],
        "units": _effects(groups, told, ablation),
        "columns": [one.data(lines) for one, lines in zip(told, places, strict=True)],
        "saturation": _saturation(compiled, told, shown),
        "ablation": _ablation(*ablation) if ablation else None,
    }  # fmt: skip


def shown_values(graph: Graph) -> list[Shown]:
    """Named values that vary, then states, in the order of the text."""
    found = [Shown(name, named.label, named.node, name) for name, named in graph.names.items()
             if named.node.varies is Varies.STEP]
    for name, state in graph.states.items():
        # a state that only keeps an input for the next step shows nothing of the cell
        if state.next is not None and state.next.op not in ("input", "context", "param"):
            found.append(Shown(name, state.label, state.next, f"{name}'"))
    return found


class _Told:
    """What is computed of one column."""

    def __init__(self, compiled: Compiled, params: Arrays, column: Column,
                 shown: Sequence[Shown], groups: Sequence[Units]) -> None:
        self.column, self.shown = column, shown
        names = [one.name for one in shown]
        self.trace = compiled.trace(params, column.inputs, names=names)
        y, _ = compiled.run(params, column.inputs, outputs=(column.decision.output,))
        self.output = np.asarray(y[column.decision.output], np.float64)
        self.kept = retention(compiled, params, column.inputs)
        self.others = [_compared(compiled, params, column, other, names, groups)
                       for other in column.others]

    def data(self, lines: Sequence[int]) -> dict[str, Any]:
        column = self.column
        weights = column.decision.weights[column.decided, 0]
        ahead = (self.output[:, 0] * weights).reshape(len(self.output), -1).sum(-1)
        others = [self._other(*both) for both in zip(column.others, self.others, strict=True)]
        return {
            "title": column.title, "labels": list(column.labels), "lines": list(lines),
            "decided": column.decided, "forms": list(column.forms),
            "question": column.decision.title, "decision": _rounded(ahead, 7),
            "values": {one.name: _by_unit(self.trace[one.name]) for one in self.shown},
            "kept": {name: _by_unit(rho) for name, rho in self.kept.rho.items()},
            "others": others,
        }  # fmt: skip

    def _other(self, other: Other, found: Compared) -> dict[str, Any]:
        swapped, way, cause = found
        before = float(self.column.decision.of({self.column.decision.output: self.output})[0])
        change = float(self.column.decision.of(
            {self.column.decision.output: swapped.outputs[self.column.decision.output]})[0])
        return {
            "step": other.step, "last": other.last, "label": other.label,
            "before": _rounded(before, 7), "after": _rounded(before + change, 7),
            "differences": {one.name: _by_unit(swapped.difference[one.name])
                            for one in self.shown if one.name in swapped.difference},
            "routes": _routes(way) if way else None, "causes": _causes(cause) if cause else None,
        }  # fmt: skip


def _compared(compiled: Compiled, params: Arrays, column: Column, other: Other,
              names: Sequence[str], groups: Sequence[Units]) -> Compared:
    swapped = swap(compiled, params, column.inputs, other.inputs)
    if all(np.array_equal(value, other.inputs[name]) for name, value in column.inputs.items()):
        return swapped, None, None
    return (swapped, routes(compiled, params, column.inputs, other.inputs, column.decision),
            causes(compiled, params, column, other, names, groups))


def _causes(found: Causes) -> dict[str, Any]:
    return {
        "steps": list(found.steps),
        "patched": {name: _rounded(effect, 4) for name, effect in found.patched.items()},
        "units": {name: {str(unit): _rounded(effect, 4) for unit, effect in by_unit.items()}
                  for name, by_unit in found.units.items()},
        "carrying": [{"states": list(one.states), "lost": _rounded(one.lost, 4), "sets": [
            {"units": list(held.units), "lost": _rounded(held.lost, 4),
             "controls": _rounded(held.controls, 4)} for held in one.sets]}
            for one in found.carrying],
    }  # fmt: skip


def _routes(way: Routes) -> dict[str, Any]:
    used = [at for at, _ in enumerate(way.names) if np.any(way.values[:, at, 0])]
    names = [way.names[at] for at in used]
    return {
        "names": names, "values": _rounded(way.values[:, used, 0], 7),
        "units": {name: {state: _by_unit(value) for state, value in way.units[name].items()}
                  for name in names if name in way.units},
        "change": _rounded(way.change[0], 7), "error": _rounded(way.error[0], 2),
        "points": int(way.points[0]),
    }  # fmt: skip


def _value(one: Shown, trace: Mapping[str, Array]) -> dict[str, Any]:
    ends = range_of(one.node)
    return {"name": one.name, "label": one.label, "box": one.box,
            "range": list(ends) if ends else None,
            "units": int(np.prod(one.node.shape, initial=1))}  # fmt: skip


def _effects(groups: Sequence[Units], told: Sequence[_Told], ablation: tuple[Units, Ablation] | None
             ) -> list[dict[str, Any]]:
    """How much each unit matters, group of units by group: by ablation, else by the largest
    part of a change that a cut's routes carry through it."""
    if ablation is not None:
        lost = ablation[1].whole.margin.mean() - ablation[1].without.margin.mean(1)
        measured = [(ablation[0], "ablation", lost)]
    else:
        measured = [(group, "routes", _through(group, told)) for group in groups]
    return [{"states": list(group.shapes), "by": by, "effect": _rounded(effect, 4)}
            for group, by, effect in measured]


def _through(group: Units, told: Sequence[_Told]) -> Array:
    most = np.zeros(group.count)
    for one in told:
        for _, way, _ in one.others:
            parts = way.units.values() if way else ()
            found = [value[:, 0].reshape(len(value), group.count, -1).sum(-1)
                     for by_state in parts for state, value in by_state.items()
                     if state in group.shapes]
            if found:
                most = np.maximum(most, np.abs(np.sum(found, 0)).max(0))
    return most


def _saturation(compiled: Compiled, told: Sequence[_Told], shown: Sequence[Shown]
                ) -> dict[str, Any]:
    """Over all steps of all columns."""
    joined = {one.name: np.concatenate([each.trace[one.name] for each in told]) for one in shown}
    found = saturation(compiled, joined)
    return {name: {"left": _rounded(one.left.reshape(-1), 4),
                   "right": _rounded(one.right.reshape(-1), 4)} for name, one in found.items()}


def _ablation(group: Units, found: Ablation) -> dict[str, Any]:
    return {
        "states": list(group.shapes), "conditions": [str(name) for name in found.conditions],
        "units": [list(units) for units in found.units],
        "whole": _rounded(found.whole.accuracy, 4), "without": _rounded(found.without.accuracy, 4),
        "controls": _rounded(found.controls.accuracy, 4),
        "margin": {"whole": _rounded(found.whole.margin, 4),
                   "without": _rounded(found.without.margin, 4)},
    }  # fmt: skip


def _by_unit(value: Array) -> Any:
    """[T][units] of one row, from [T, 1, *shape]."""
    return _rounded(np.asarray(value)[:, 0].reshape(len(value), -1), 4)


def _rounded(value: Any, digits: int) -> Any:
    """Nested lists of numbers with so many significant digits; None for what is no number."""
    array = np.asarray(value, np.float64)
    if array.ndim:
        return [_rounded(part, digits) for part in array]
    return float(f"{array:.{digits}g}") if np.isfinite(array) else None


__all__ = ["FORMAT", "Shown", "report", "shown_values"]
