"""The numbers of a report, as plain data: what report.json holds and the page shows.

    Report ::= format, title, axis, cell, values, inputs, units, columns, saturation, ablation,
               story
    cell   ::= name, doc, text, diagram (SVG), arrows ([tail, head], keys of boxes)
    values ::= name, label, box (key in the diagram), range ([low, high] or null), units, group
               group: which of the report's units its units are, or null
    inputs ::= name, units, of what the cell reads as numbers (its box in the diagram has that name)
    column ::= title, labels, lines, decided, forms, decision, inputs, values, means, norms, kept,
               diagonal, others
               lines: the line of each step in the alignment; inputs, values: {name: [T][units]};
               means, norms: of all units, {name: [T]}; kept: {state: [T][units]}, of what was
               there; diagonal: {state: whether that is all there is, or units feed each other}
               decision: [T], the preference that would be read off after each step
    other  ::= step, last, label, source, before, after, differences ({name: [T][units]}), routes?,
               causes?
               source: which column is read there, where it is one
    routes ::= names, values ([T][routes], before each step), units ({route: {state: [T][units]}}),
               change, error, points
    causes ::= steps, patched ({name: [steps]}), units ({states: {unit: [steps]}}), carrying
               patched: the part of the change that comes with a value at a step
    carrying ::= [states, lost ([units]), sets ([units, lost, controls, median, most])]
               lost: the part of the change that is lost while units are held halfway; median,
               most: of the controls, null where there are none
    units  ::= effect ([units], of the values that share them), measured by, states
    saturation ::= {name: {left, right: [units]}}
    ablation   ::= by ("accuracy" or "decision"), held, states, conditions, units, effect ([units]),
               whole ([conditions]), without ([units][conditions]), controls, median ([conditions])

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
from ..inspect import Routes, Swap, retention, routes, saturation, swap
from ..inspect.saturation import range_of
from ..train.loop import Array, Arrays
from .ablation import Ablated, column_ablation
from .causes import Causes, causes
from .column import Column, Other, aligned
from .units import Units, units_of

FORMAT = "rnngraph-report-2"
Compared = tuple[Swap, Routes | None, Causes | None]


@dataclass(frozen=True)
class Shown:
    """A value of the cell that has a strip: a named value, or a state's next value."""

    name: str
    label: str
    node: Node
    box: str


def report(cell: Cell, compiled: Compiled, params: Arrays, columns: Sequence[Column], *,
           title: str = "", axis: str = "word", ablation: Ablated | None = None,
           story: Sequence[str] = ()) -> dict[str, Any]:
    """The report of a trained model.

    cell: with sizes bound, alone (the part of the model that is drawn); compiled: the model;
    axis: what a step is called; ablation: each unit alone (default: as `column_ablation` does).
    Raises ValueError for no column, or a cell without a value that varies from step to step.
    """
    if not columns:
        raise ValueError("there is nothing to explain: no sentence, no row")
    shown = [one for one in shown_values(cell.graph) if one.node.dtype == "real"]
    if not shown:
        raise ValueError(f"cell {cell.name} names no value that varies from step to step")
    places = aligned([column.labels for column in columns])
    groups = units_of(cell.graph)
    told = [_Told(cell.graph, compiled, params, column, shown, groups) for column in columns]
    ablated = ablation or column_ablation(compiled, params, cell.graph, columns)
    drawing, effects = cell.diagram(), _effects(groups, told, ablated)
    return {
        "format": FORMAT, "title": title or cell.name, "axis": axis, "story": list(story),
        "cell": {"name": cell.name, "doc": cell.graph.doc, "text": cell.text,
                 "diagram": drawing.svg,
                 "arrows": [[arrow.tail, arrow.head] for arrow in drawing.picture.arrows]},
        "values": [_value(one, groups, effects) for one in shown],
        "inputs": [{"name": name, "units": int(np.prod(shape, initial=1))}
                   for name, shape in told[0].reads.items()],
        "units": effects,
        "columns": [one.data(lines) for one, lines in zip(told, places, strict=True)],
        "saturation": _saturation(compiled, told, shown),
        "ablation": _ablation(ablated),
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

    def __init__(self, cell: Graph, compiled: Compiled, params: Arrays, column: Column,
                 shown: Sequence[Shown], groups: Sequence[Units]) -> None:
        self.column, self.shown = column, shown
        names = [one.name for one in shown]
        self.trace = compiled.trace(params, column.inputs, names=names)
        y, _ = compiled.run(params, column.inputs, outputs=(column.decision.output,))
        self.output = np.asarray(y[column.decision.output], np.float64)
        self.kept = retention(compiled, params, column.inputs)
        self.reads = {name: node.shape for name, node in compiled.graph.inputs.items()
                      if node.dtype == "real" and name in cell.inputs}
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
            "inputs": {name: _by_unit(column.inputs[name]) for name in self.reads},
            "values": {one.name: _by_unit(self.trace[one.name]) for one in self.shown},
            **self._summaries(),
            "kept": {name: _by_unit(rho) for name, rho in self.kept.rho.items()},
            "diagonal": {name: bool(whole) for name, whole in self.kept.diagonal.items()},
            "others": others,
        }  # fmt: skip

    def _summaries(self) -> dict[str, Any]:
        """Of all units of a value, at each step."""
        flat = {one.name: self.trace[one.name].reshape(len(self.output), -1) for one in self.shown}
        return {"means": {name: _rounded(rows.mean(1), 4) for name, rows in flat.items()},
                "norms": {name: _rounded(np.linalg.norm(rows, axis=1), 4)
                          for name, rows in flat.items()}}

    def _other(self, other: Other, found: Compared) -> dict[str, Any]:
        swapped, way, cause = found
        before = float(self.column.decision.of({self.column.decision.output: self.output})[0])
        change = float(self.column.decision.of(
            {self.column.decision.output: swapped.outputs[self.column.decision.output]})[0])
        return {
            "step": other.step, "last": other.last, "label": other.label, "source": other.source,
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
             "controls": _rounded(held.controls, 4), **_middle(held.controls)}
            for held in one.sets]} for one in found.carrying],
    }  # fmt: skip


def _middle(controls: Array) -> dict[str, Any]:
    """What stands in a table of random controls, [controls]."""
    some = len(controls) > 0
    return {"median": _rounded(np.median(controls), 4) if some else None,
            "most": _rounded(controls.max(), 4) if some else None}


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


def _value(one: Shown, groups: Sequence[Units], effects: Sequence[Mapping[str, Any]]
           ) -> dict[str, Any]:
    ends = range_of(one.node)
    own = [list(group.shapes) for group in groups if one.node.id in group.aligned]
    group = next((at for at, effect in enumerate(effects) if effect["states"] in own), None)
    return {"name": one.name, "label": one.label, "box": one.box,
            "range": list(ends) if ends else None,
            "units": int(np.prod(one.node.shape, initial=1)), "group": group}  # fmt: skip


def _effects(groups: Sequence[Units], told: Sequence[_Told], ablated: Ablated
             ) -> list[dict[str, Any]]:
    """How much each unit matters, group of units by group: by accuracy that is lost without it,
    else by the largest part of a change that a cut's routes carry through it; and where there is
    none, by what becomes of the decisions without it."""
    measured = [(group, "routes", _through(group, told)) for group in groups]
    if ablated.by == "accuracy" or not any(effect.any() for _, _, effect in measured):
        measured = [(ablated.units, "ablation", ablated.effect)]
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


def _ablation(ablated: Ablated) -> dict[str, Any]:
    found, score = ablated.found, "accuracy" if ablated.by == "accuracy" else "margin"
    controls = getattr(found.controls, score)
    return {
        "by": ablated.by, "held": ablated.held, "states": list(ablated.units.shapes),
        "conditions": [str(name) for name in found.conditions],
        "units": [list(units) for units in found.units], "effect": _rounded(ablated.effect, 4),
        "whole": _rounded(getattr(found.whole, score), 4),
        "without": _rounded(getattr(found.without, score), 4), "controls": _rounded(controls, 4),
        "median": _rounded(np.median(controls, 0), 4) if len(controls) else None,
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
