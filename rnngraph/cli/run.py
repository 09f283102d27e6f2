"""``rnngraph run``: a cell over arrays from files, results into files."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..cell import Cell
from ..compiled import Compiled
from ..graph import Graph
from ..inference import sizes_told
from ..runtime.arrays import Array
from ..schedule.formats import PRECISIONS
from .arguments import (
    add_cell,
    add_machine,
    add_sizes,
    cell_of,
    consts_of,
    natural,
    positive,
    sizes_of,
)
from .files import STDIO, check_writable, read, read_named, write, write_named
from .terminal import note

EPILOG = """\
Arrays are [T, B, ...]: time-steps, sequences, then the declared shape. An array without B is one
sequence, and its results come without B too. Text has a line for every time-step and a blank line
between sequences. Sizes are taken from the arrays as far as these tell.

A .npz result holds the outputs by name, final states as state/NAME and traced values as
trace/NAME; --state reads it back, so that a run goes on where another ended. Without --params,
parameters are drawn as the cell's text says. Training checkpoints (.safetensors) are read as well.

examples:
  rnngraph run lstm --input x.npy --sizes H=32 -o y.npz
  rnngraph run lstm --input x.npy --params trained.safetensors --trace f,c -o y.npz
  rnngraph run lstm --input more.npy --params trained.safetensors --state y.npz
  seq 9 | rnngraph run gru --input - --sizes H=4
  rnngraph run my.cell --input x=words.npy --input v=topic.npy --lengths 12 7 9 --reverse
"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``run``."""
    add_cell(parser)
    parser.add_argument(
        "-i",
        "--input",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help=".npy, .npz (by name), .txt, or - for text from standard input; may be repeated",
    )
    parser.add_argument(
        "-o",
        "--output",
        default=STDIO,
        metavar="FILE",
        help=".npz, .npy or .txt (default: text to standard output)",
    )
    parser.add_argument("--params", metavar="FILE", help="parameters: .npz or .safetensors")
    parser.add_argument("--seed", type=natural, default=0, help="for parameters that are drawn")
    parser.add_argument(
        "--noise", type=natural, metavar="SEED", help="draw noise (default: it is its mean)"
    )
    parser.add_argument("--save-params", metavar="FILE", help="write the parameters")
    parser.add_argument("--state", metavar="FILE", help="initial states: .npz")
    parser.add_argument("--trace", metavar="NAMES", help="named values to keep: f,c or all")
    parser.add_argument(
        "--lengths",
        type=natural,
        nargs="+",
        metavar="N",
        help="sequence b ends after so many steps",
    )
    parser.add_argument("--reverse", action="store_true", help="run backwards in time")
    parser.add_argument("--batch-first", action="store_true", help="arrays are [B, T, ...]")
    parser.add_argument("--steps", type=positive, help="for a cell without inputs")
    parser.add_argument("--rows", type=positive, help="for a cell without inputs")
    parser.add_argument(
        "--threads", type=positive, default=1, metavar="N", help="threads it may use (default: 1)"
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="of the weights of matrix products: less of it is faster (default: that of --dtype)",
    )
    parser.add_argument(
        "--parallel-scan", action="store_true", help="linear recurrences in pieces of time at once"
    )
    add_sizes(parser)
    add_machine(parser)


def run(args: Namespace) -> int:
    """Run the cell and write what came out."""
    check_writable(args.output)
    cell = cell_of(args)
    inputs = _inputs(cell.graph, args.input)
    single = _is_single(cell.graph, inputs)
    given = _params(cell.graph, args)
    state = read_named(args.state, "state") if args.state else {}
    compiled = _compile(cell, args, {**inputs, **given, **state})
    params = given or _drawn(compiled, args.seed)
    if args.save_params:
        write_named(args.save_params, params)
    batch = Batch(compiled.graph, single, args.batch_first)
    options = {
        name: getattr(args, name)
        for name in ("lengths", "steps", "rows")
        if getattr(args, name) is not None
    }
    options |= {"reverse": args.reverse, "batch_first": args.batch_first}
    if args.noise is not None:
        options["seed"] = args.noise
    call = (params, batch.widened(inputs), batch.widened_states(state))
    results, finals = compiled.run(*call, outputs=compiled.graph.outputs, **options)
    traced = _traced(compiled, call, args.trace, options)
    _write(args, batch, results, finals, traced)
    return 0


# --- what is given -----------------------------------------------------------------------------


def _inputs(graph: Graph, words: list[str]) -> dict[str, Array]:
    """Inputs and contexts by name."""
    names = [*graph.inputs, *graph.contexts]
    found: dict[str, Array] = {}
    for word in words:
        name, path = _named(word, names)
        content = read(path)
        if not isinstance(content, dict):
            content = {name or _only(names, path): content}
        elif name is not None:
            raise ValueError(f"'{path}' holds arrays by name: give it without '{name}='")
        twice = next((given for given in content if given in found), None)
        if twice is not None:
            raise ValueError(f"'{twice}' is given twice, the second time by '{path}'")
        found |= content
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"the cell reads {missing[0]}: give --input {missing[0]}=FILE")
    return {name: _declared(graph, name, array) for name, array in found.items()}


def _named(word: str, names: list[str]) -> tuple[str | None, str]:
    name, sign, path = word.partition("=")
    if not sign or Path(word).exists():
        return None, word
    if name not in names:
        raise ValueError(f"the cell has no input '{name}'; it reads {_listed(names)}")
    return name, path


def _only(names: list[str], path: str) -> str:
    if len(names) != 1:
        wanted = " ".join(f"--input {name}=FILE" for name in names)
        which = f", so say which '{path}' is: {wanted}" if names else ""
        raise ValueError(f"the cell reads {_listed(names)}{which}")
    return names[0]


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"


def _declared(graph: Graph, name: str, array: Array) -> Array:
    """An array from text has a last axis and floats even where the cell reads single integers."""
    leaf = graph.leaves.get(name)
    if leaf is None:
        return array
    if not leaf.shape and array.ndim > 1 and array.shape[-1] == 1:
        array = array[..., 0]
    if not leaf.shape and array.ndim == 2 and array.shape[0] == 1 and name in graph.inputs:
        array = array[0]  # a sequence of numbers in one line
    counts = leaf.dtype == "int" and array.dtype.kind == "f"
    return array.astype(np.int64) if counts and np.all(array == np.rint(array)) else array


def _params(graph: Graph, args: Namespace) -> dict[str, Array]:
    if not args.params:
        return {}
    found = read_named(args.params, "params")
    unused = [name for name in found if name not in graph.params]
    if len(unused) == len(found):
        raise ValueError(
            f"'{args.params}' holds {', '.join(found) or 'nothing'}, none of the "
            f"cell's parameters {', '.join(graph.params)}"
        )
    if unused:
        note(f"note: not used from '{args.params}': {', '.join(unused)}")
    return {name: found[name] for name in found if name in graph.params}


def _drawn(compiled: Compiled, seed: int) -> dict[str, Array]:
    if compiled.graph.params:
        note(f"note: parameters drawn with seed {seed}; give trained ones with --params")
    return compiled.init(seed)


def _compile(cell: Cell, args: Namespace, arrays: Mapping[str, Array]) -> Compiled:
    told = sizes_told(cell.graph, arrays, sizes_of(args))
    untold = [name for name in cell.sizes if name not in told]
    if untold:
        choices = " ".join(f"{name}=32" for name in untold)
        raise ValueError(f"the arrays do not tell {', '.join(untold)}: add --sizes {choices}")
    return cell.compile(
        dtype=args.dtype,
        target=args.target,
        threads=args.threads,
        precision=args.precision,
        parallel_scan=args.parallel_scan,
        consts=consts_of(args),
        **told,
    )


# --- one sequence or many ----------------------------------------------------------------------


def _is_single(graph: Graph, inputs: Mapping[str, Array]) -> bool:
    """True when every array lacks the axis of rows."""
    ranks = [(inputs[name].ndim, len(leaf.shape) + 1) for name, leaf in graph.inputs.items()]
    ranks += [(inputs[name].ndim, len(leaf.shape)) for name, leaf in graph.contexts.items()]
    return bool(ranks) and all(have == alone for have, alone in ranks)


class Batch:
    """Adds the axis of rows to a single sequence's arrays, and takes it away from its results."""

    def __init__(self, graph: Graph, single: bool, batch_first: bool) -> None:
        self.graph, self.single = graph, single
        self.axis = 0 if batch_first else 1

    def widened(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Inputs [T, B, ...] and contexts [B, ...]."""
        if not self.single:
            return dict(inputs)
        return {
            name: np.expand_dims(array, self.axis if name in self.graph.inputs else 0)
            for name, array in inputs.items()
        }

    def widened_states(self, states: Mapping[str, Array]) -> dict[str, Array]:
        """States [B, ...]; a state without rows counts for a single sequence."""
        ranks = {name: len(state.leaf.shape) for name, state in self.graph.states.items()}
        return {
            name: array[None] if self.single and array.ndim == ranks.get(name) else array
            for name, array in states.items()
        }

    def narrowed(self, array: Array, axis: int | None = None) -> Array:
        """A result as the caller's arrays are."""
        axis = self.axis if axis is None else axis
        return np.take(array, 0, axis) if self.single and array.ndim > axis else array


# --- what comes out ----------------------------------------------------------------------------


def _traced(
    compiled: Compiled, call: tuple[Any, ...], names: str | None, options: dict[str, Any]
) -> dict[str, Array]:
    if names is None:
        return {}
    chosen = None if names == "all" else [name for name in names.split(",") if name]
    return compiled.trace(*call, names=chosen, **options)


def _write(
    args: Namespace,
    batch: Batch,
    results: Mapping[str, Array],
    finals: Mapping[str, Array],
    traced: Mapping[str, Array],
) -> None:
    outputs = {name: _as_given(batch, name, value) for name, value in results.items()}
    others = {f"trace/{name}": batch.narrowed(value) for name, value in traced.items()}
    text = Path(args.output).suffix.lower() != ".npz"
    if text:
        outputs |= others
    states = {f"state/{name}": batch.narrowed(value, 0) for name, value in finals.items()}
    write(args.output, outputs, {**others, **states}, batch.single)
    if args.output != STDIO:
        note(f"wrote {args.output}")


def _as_given(batch: Batch, name: str, value: Array) -> Array:
    varies = batch.graph.outputs[name].varies.name
    if varies == "STEP":
        return batch.narrowed(value)
    return batch.narrowed(value, 0) if varies == "ROW" else value
