"""A model is a cell: lookup, any recurrent cell, readout and loss, wired into one graph.

The three parts are written in the cell language; nothing here knows which cell is in the middle,
and nothing moves the lookup or the loss out of the loop: the scheduler finds that by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..cell import Cell, parse
from ..graph import Graph, Node
from ..passes.wire import wire
from ..sizes import Size

LOOKUP = """\
cell Lookup
"A vector for each token."
input  token: int
param  {E}[V, I] ~ normal(1)
output {x} = {E}[token]
"""
READOUT = """\
cell Readout
"A distribution over the next token, and what the true one costs in nats."
input  {y}[H], target: int, weight[]
param  {W_y}[V, H] ~ uniform(1/sqrt(H))
param  {b_y}[V] = 0
output logits = {W_y} @ {y} + {b_y}
output loss = weight * cross_entropy(logits, target)
"""
PROJECTION = """\
cell Projection
"A vector for the numbers of a step."
input  signal[N]
param  {E}[I, N] ~ normal(1)
output {x} = {E} @ signal
"""
ESTIMATE = """\
cell Estimate
"Numbers, and how far they are from the true ones."
input  {y}[H], target[M], weight[]
param  {W_y}[M, H] ~ uniform(1/sqrt(H))
param  {b_y}[M] = 0
output value = {W_y} @ {y} + {b_y}
output loss = weight * sum((value - target)**2)
"""


def language_model(cell: Cell, vocabulary: int, *, embedding: int = 16, hidden: int = 32,
                   sizes: Mapping[str, int] | None = None) -> Cell:
    """A language model over `vocabulary` tokens around a cell, with all sizes bound.

    Inputs: token and target, int, and weight (0 where padded). Outputs: logits [vocabulary] and
    loss, weight * cross entropy in nats. The cell keeps its names. Sizes: those in `sizes`; the
    cell's input takes `embedding`; every other symbol takes `hidden`.
    Raises ValueError, with the reason, for a cell that reads anything but one real vector, or has
    no state, or whose first output is no vector, or for a size that it does not have.
    """
    return _around(cell, LOOKUP, READOUT, "language model", {"V": vocabulary},
                   embedding=embedding, hidden=hidden, sizes=sizes)


def regression(cell: Cell, given: int, wanted: int = 1, *, embedding: int = 16, hidden: int = 32,
               sizes: Mapping[str, int] | None = None) -> Cell:
    """A model that reads `given` numbers at every step and gives `wanted`, around a cell.

    Inputs: signal [given], target [wanted] and weight. Outputs: value [wanted] and loss, weight *
    squared error. Sizes and errors are those of `language_model`.
    """
    return _around(cell, PROJECTION, ESTIMATE, "regression", {"N": given, "M": wanted},
                   embedding=embedding, hidden=hidden, sizes=sizes)


def _around(cell: Cell, before: str, after: str, kind: str, widths: Mapping[str, int], *,
            embedding: int, hidden: int, sizes: Mapping[str, int] | None) -> Cell:
    names = _free_names(cell.graph)
    first, last = (parse(text.format(**names)) for text in (before, after))
    interface = {*first.graph.inputs, *last.graph.inputs, *last.graph.outputs} - {names["y"]}
    check(cell.graph, kind, interface)
    middle = cell.bind(None, **sizes_of(cell, embedding, hidden, sizes)).graph
    (reads, x), (gives, y) = _only(middle.inputs), next(iter(middle.outputs.items()))
    parts = [_bound(first, {**widths, "I": x.shape[0]}), middle,
             _bound(last, {**widths, "H": y.shape[0]})]
    whole = wire(parts, {reads: names["x"], names["y"]: gives}, title=f"{middle.title} {kind}",
                 doc=middle.doc, source=middle.source, family=middle.family,
                 outputs=list(last.graph.outputs))
    return Cell(whole)


def _bound(part: Cell, widths: Mapping[str, int]) -> Graph:
    return part.bind(None, **{name: widths[name] for name in part.sizes}).graph


def check(graph: Graph, kind: str, interface: Collection[str]) -> None:
    """Raise ValueError if a cell cannot be the middle of such a model; say why."""
    clash = sorted(_taken(graph) & set(interface))
    reasons = [
        (len(graph.inputs) != 1, f"has {_listed('input', graph.inputs)}"),
        (bool(graph.contexts), f"has {_listed('context', graph.contexts)}"),
        (any(len(n.shape) != 1 or n.dtype != "real" for n in graph.inputs.values()),
         "does not read a real vector"),
        (not graph.states, "has no state"),
        (any(len(n.shape) != 1 or n.dtype != "real" for n in list(graph.outputs.values())[:1]),
         "does not give a real vector"),
        (bool(clash), f"uses the name {' and '.join(clash)}, which the model around it needs"),
    ]
    wrong = [reason for is_so, reason in reasons if is_so]
    if wrong:
        raise ValueError(f"cell {graph.title} {', and '.join(wrong)}; a {kind} needs a "
                         "cell with one real vector input, at least one state and a vector output")


def sizes_of(cell: Cell, embedding: int, hidden: int, sizes: Mapping[str, int] | None = None
             ) -> dict[str, int]:
    """A number for every size of the cell; see `language_model`."""
    # a cell that reads vectors as wide as those it gives takes one size for both
    (_, x), y = _only(cell.graph.inputs), next(iter(cell.graph.outputs.values()))
    of_input = _symbols(x) - _symbols(y)
    chosen = {name: embedding if name in of_input else hidden for name in cell.sizes}
    return {**chosen, **(sizes or {})}


def _symbols(node: Node) -> set[str]:
    return {name for dim in node.shape if isinstance(dim, Size) for name in dim.symbols()}


def _only(named: Mapping[str, Node]) -> tuple[str, Node]:
    ((name, node),) = named.items()
    return name, node


def _taken(graph: Graph) -> set[str]:
    return {*graph.leaves, *graph.names, *graph.outputs} - set(graph.inputs)


def _free_names(graph: Graph) -> dict[str, str]:
    """Names for what the lookup and the readout add, with _ behind those that the cell uses."""
    free = {}
    for name in ("E", "x", "y", "W_y", "b_y"):
        # two wires cannot end at one name, so the readout's input avoids the cell's input too
        taken = _taken(graph) | (set(graph.inputs) if name == "y" else set())
        free[name] = name
        while free[name] in taken:
            free[name] += "_"
    return free


def _listed(kind: str, named: Mapping[str, Node]) -> str:
    if not named:
        return f"no {kind}"
    return f"{len(named)} {kind}{'s' if len(named) > 1 else ''} ({', '.join(named)})"
