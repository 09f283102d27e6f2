"""Parameters of ours from a state dict of another package, and the other way round.

A state dict is a mapping of names to NumPy arrays or PyTorch tensors; PyTorch itself is not
needed, so that a safetensors file will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrangement import bidirectional, stack
from ..cell import Cell, load
from ..compiled import Compiled
from ..graph import Graph
from ..inference import sizes_told
from ..runtime.arrays import REAL
from .layout import (
    Arrays,
    Block,
    Layout,
    LayoutError,
    blocks,
    counts,
    fixed,
    gathered,
    parsed,
    scattered,
    window,
)
from .spelling import Place, arrangement, places
from .table import layout_of

Array = np.ndarray[Any, Any]
Consts = Mapping[str, float]


def from_state(
    state: Mapping[str, Any],
    layout: str | Layout,
    *,
    prefix: str = "",
    consts: Consts | None = None,
    dtype: str | None = None,
    cell: str = "",
) -> tuple[Compiled, dict[str, Array]]:
    """The layout's cell of the library, and its parameters: ``(compiled, params)``.

    Layers, directions and sizes are those that the arrays tell. ``layout`` is a name such as
    "torch.LSTM"; ``prefix`` is what the module's names begin with in a larger model ("encoder.");
    ``consts`` are constants of the cell that no array tells; ``dtype`` is "f32" or "f64" (default:
    that of the arrays); ``cell`` another cell, by name or path, with the same parameters.

    Raises LayoutError as ``load_state`` does.
    """
    chosen = layout_of(layout)
    theirs = _arrays(state, prefix)
    layers, both = arrangement(theirs, chosen.spelling)
    whole = arranged(cell or chosen.cell, layers, both)
    ours: dict[str, Array] = {}
    for place in places(whole.graph.params):
        own = _at(place, chosen, theirs)
        some = gathered(chosen, own, _told_by(chosen, own))
        ours |= {place.ours(name): array for name, array in some.items()}
    if not ours:
        raise LayoutError(f"no array of the layout is there, but {_listed(theirs)}")
    wide = any(array.dtype == np.float64 for array in theirs.values())
    compiled = told(whole, ours, dtype or ("f64" if wide else "f32"), consts)
    return compiled, load_state(compiled, state, chosen, prefix=prefix, consts=consts)


def arranged(cell: str, layers: int, both: bool) -> Cell:
    """A cell by name or path, in layers, each in both directions."""
    one = load(cell)
    return stack(bidirectional(one) if both else one, layers=layers)


def told(cell: Cell, params: Arrays, dtype: str, consts: Consts | None = None) -> Compiled:
    """The cell, with the sizes that its parameters tell. Raises LayoutError where they do not."""
    shaped = {name: array for name, array in params.items() if array.ndim}
    sizes = sizes_told(cell.graph, shaped, {})
    untold = [name for name in cell.sizes if name not in sizes]
    if untold:
        raise LayoutError(
            f"the arrays do not tell {', '.join(untold)} of '{cell.name}'; "
            f"of its parameters there are {_listed(params)}"
        )
    return Compiled(cell.bind(consts, **sizes).graph, dtype=dtype)


def load_state(
    compiled: Compiled,
    state: Mapping[str, Any],
    layout: str | Layout,
    *,
    prefix: str = "",
    consts: Consts | None = None,
) -> dict[str, Array]:
    """Parameters of a compiled cell from a state dict: ``{name: [*shape]}``.

    Any cell will do that has the layout's parameters: a stack, both directions, one of your own.
    Names outside ``prefix`` are left alone. A module without biases gives zeros. Two biases become
    their sum; all else keeps its bits, NaN too.

    Raises LayoutError naming the array that is missing, unknown, of another shape, holds no real
    numbers or more digits than the cell's dtype, or has what the cell has not.
    """
    chosen, graph = layout_of(layout), compiled.graph
    consts = consts or {}
    _check_cell(chosen, graph)
    shaped = {name: np.zeros(leaf.shape) for name, leaf in graph.params.items()}
    expected = _scattered(chosen, graph, shaped, _supplied(chosen, consts))
    theirs = _with_biases(_arrays(state, prefix), expected)
    _check_arrays(theirs, expected, REAL[compiled.dtype], prefix)
    made: dict[str, Array] = {}
    for place in places(graph.params):
        own = _at(place, chosen, theirs)
        _check_fixed(chosen, own, place, consts, prefix)
        made |= {place.ours(name): array for name, array in gathered(chosen, own).items()}
    return {
        name: _shaped(name, made[name], tuple(leaf.shape)).astype(REAL[compiled.dtype], "C")
        for name, leaf in graph.params.items()
    }


def save_state(
    compiled: Compiled,
    params: Mapping[str, Any],
    layout: str | Layout,
    *,
    prefix: str = "",
    consts: Consts | None = None,
) -> dict[str, Array]:
    """The state dict that a module of another package loads: ``{name: [*shape]}``.

    ``load_state`` gives the same bits back. Where theirs has two biases the first takes ours and
    the other is -0.0, which changes nothing that it is added to. ``consts`` are those that theirs
    keeps as an array.

    Raises LayoutError naming the parameter that is missing or of another shape.
    """
    chosen, graph = layout_of(layout), compiled.graph
    _check_cell(chosen, graph)
    given = {name: _array(name, params[name]) for name in graph.params if name in params}
    for name, leaf in graph.params.items():
        if name not in given:
            raise LayoutError(f"missing parameter '{name}'; there are {_listed(params)}")
        _check_shape(name, given[name], tuple(leaf.shape))
    return {prefix + name: array
            for name, array in _scattered(chosen, graph, given, consts or {}).items()}  # fmt: skip


# --- arrays ------------------------------------------------------------------------------------


def _arrays(state: Mapping[str, Any], prefix: str) -> dict[str, Array]:
    if not isinstance(state, Mapping):
        raise LayoutError(f"a state dict is a dict by name, not {type(state).__name__}")
    found = {name.removeprefix(prefix): _array(name, value) for name, value in state.items()
             if name.startswith(prefix)}  # fmt: skip
    if not found:
        raise LayoutError(f"no array begins with '{prefix}'; there are {_listed(state)}")
    return found


def _array(name: str, value: Any) -> Array:
    """A tensor or an array as an array of real numbers."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        # NumPy has no bfloat16; every one of them is a float
        value = (value.float() if "bfloat16" in str(value.dtype) else value).numpy()
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise LayoutError(f"'{name}' holds {array.dtype}, expected real numbers such as float32")
    return array


def _with_biases(theirs: dict[str, Array], expected: Arrays) -> dict[str, Array]:
    """With zeros for the biases of a module that was made without."""
    if any(name.rpartition(".")[2].startswith("bias") for name in theirs):
        return theirs
    biases = {n: a for n, a in expected.items() if n.rpartition(".")[2].startswith("bias")}
    return theirs | {name: np.zeros(a.shape, np.float32) for name, a in biases.items()}


def _stems(layout: Layout) -> list[str]:
    return list(dict.fromkeys(block.name for block in blocks(layout)))


def _at(place: Place, layout: Layout, theirs: Arrays) -> dict[str, Array]:
    pairs = ((name, place.theirs(name, layout.spelling)) for name in _stems(layout))
    return {name: theirs[spelt] for name, spelt in pairs if spelt in theirs}


def _told_by(layout: Layout, own: Arrays) -> list[str]:
    """The parameters of which every part is there."""
    return [name for name, text in layout.params.items()
            if all(block.name in own for parts in parsed(text) for block in parts)]  # fmt: skip


def _shaped(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    """A single number of a stack is a number of ours."""
    _check_shape(name, array, (1,) if array.ndim and not shape else shape)
    return array.reshape(shape)


def _scattered(layout: Layout, graph: Graph, ours: Arrays, consts: Consts) -> dict[str, Array]:
    made: dict[str, Array] = {}
    for place in places(graph.params):
        own = {name: ours[place.ours(name)] for name in layout.params}
        found = scattered(layout, own, widths_at(graph, place), consts)
        made |= {place.theirs(name, layout.spelling): array for name, array in found.items()}
    return made


def widths_at(graph: Graph, place: Place) -> dict[str, int]:
    """The lengths of the states of a layer and direction, by their bare names."""
    shapes = {name: state.leaf.shape for name, state in graph.states.items()}
    return {_bare(name): shape[-1] for name, shape in shapes.items()
            if shape and name == place.ours(_bare(name))}  # fmt: skip


def _bare(name: str) -> str:
    return name.rpartition(".")[2]


def _supplied(layout: Layout, consts: Consts) -> dict[str, float]:
    """Constants, any number for those that are not given: only shapes are asked for."""
    return dict.fromkeys(layout.consts, 0.0) | dict(consts)


# --- mistakes ----------------------------------------------------------------------------------


def _check_cell(layout: Layout, graph: Graph) -> None:
    there = places(graph.params)
    if layout.spelling == "cell" and any(place.way for place in there):
        raise LayoutError(f"the layout has one direction only, but '{graph.title}' has two")
    needed = {place.ours(name) for place in there for name in layout.params}
    strangers = sorted(needed ^ set(graph.params))
    if strangers or not needed:
        raise LayoutError(
            f"the layout makes {', '.join(layout.params)}, as '{layout.cell}' has them, but "
            f"'{graph.title}' has {_listed(graph.params)}"
        )


def _check_arrays(theirs: Arrays, expected: Arrays, dtype: np.dtype[Any], prefix: str) -> None:
    for name, array in expected.items():
        if name not in theirs:
            shape = list(array.shape)
            raise LayoutError(
                f"missing array '{prefix}{name}' of shape {shape}; there are {_listed(theirs)}"
            )
        _check_shape(prefix + name, theirs[name], array.shape)
        if theirs[name].dtype.itemsize > dtype.itemsize:
            raise LayoutError(
                f"'{prefix}{name}' holds {theirs[name].dtype}, which {dtype} cannot hold exactly: "
                "compile the cell with dtype='f64', or round the arrays first"
            )
    unknown = [name for name in theirs if name not in expected]
    if unknown:
        raise LayoutError(
            f"unexpected array '{prefix}{unknown[0]}' of shape {list(theirs[unknown[0]].shape)}; "
            f"expected are {_listed(expected)}"
        )


def _check_shape(name: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise LayoutError(f"'{name}' has shape {list(array.shape)}, expected {list(shape)}")


def _check_fixed(layout: Layout, own: Arrays, place: Place, consts: Consts, prefix: str) -> None:
    stacked = counts(layout)
    for text, value in layout.fixed.items():
        ((block,),) = parsed(text)
        found = window(own, block, stacked)
        spelt = prefix + place.theirs(block.name, layout.spelling)
        _check_value(block, spelt, found, value, consts)


def _check_value(block: Block, spelt: str, found: Array, value: str, consts: Consts) -> None:
    kind, _, const = value.partition(" ")
    where = spelt if block.place is None else f"{spelt}[{block.place}]"
    if kind == "const" and const not in consts:
        raise LayoutError(
            f"'{where}' is {found.flat[0]:g}, which is a constant of the cell: "
            f"give consts={{'{const}': {found.flat[0]:g}}}, when compiling too"
        )
    if not np.array_equal(found, fixed(value, found.shape, consts).astype(found.dtype)):
        wanted = {"zero": "0", "identity": "the identity"}.get(kind) or f"{consts[const]:g}"
        raise LayoutError(f"'{where}' must be {wanted}: the cell has no parameter for it")


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names) or "none"
