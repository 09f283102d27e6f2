"""Wiring: several step graphs become one, outputs of earlier ones feeding inputs of later ones.

    parts:  lookup (token -> x)    cell (x -> y)    readout (y, target -> loss)
    wires:  input x of the cell is output x of the lookup, ...
    whole:  token, target -> loss, with the states, parameters and named values of all parts

Within one time-step; nothing is delayed. The scheduler then sees the whole, and finds by itself
what belongs in the loop and what before and after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from ..graph import Graph, Node
from ..rewrite import translate


def wire(parts: Sequence[Graph], wires: Mapping[str, str], *, title: str, doc: str = "",
         source: str = "", family: str = "", outputs: Iterable[str] | None = None,
         shared: Collection[str] = ()) -> Graph:
    """One graph of `parts`, in the order in which values flow.

    wires[input] = output: the input of a later part is that output of an earlier one, and is no
    input of the whole. outputs names the outputs of the whole (default: those that feed nothing).
    shared names inputs, contexts and params that are one and the same in all parts that have them.
    Raises ValueError if two parts share a name, or a wire has no such ends, or its ends differ in
    shape or type.
    """
    parts = list(parts)
    _check_names(parts, wires, shared)
    whole = Graph(title, doc, source, family)
    made: dict[str, Node] = {}
    for part in parts:
        mapping = _leaves(whole, part, wires, made)
        translate(whole, part.roots(), mapping)
        for state in part.states.values():
            if state.next is not None:
                whole.advance(state.name, mapping[state.next.id], state.label)
        for name, named in part.names.items():
            whole.name(name, mapping[named.node.id], named.label)
        made |= {name: mapping[node.id] for name, node in part.outputs.items()}
    fed = set(wires.values())
    for name in outputs if outputs is not None else (n for n in made if n not in fed):
        whole.output(name, made[name])
    return whole


def _leaves(whole: Graph, part: Graph, wires: Mapping[str, str], made: Mapping[str, Node]
            ) -> dict[int, Node]:
    mapping: dict[int, Node] = {}
    for name, node in part.inputs.items():
        mapping[node.id] = (_joined(name, node, wires[name], made) if name in wires
                            else _shared(whole.inputs, name, node)
                            or whole.input(name, node.shape, node.dtype))
    for name, node in part.contexts.items():
        mapping[node.id] = (_shared(whole.contexts, name, node)
                            or whole.context(name, node.shape, node.dtype))
    for name, node in part.params.items():
        mapping[node.id] = (_shared(whole.params, name, node)
                            or whole.param(name, node.shape, part.inits[name]))
    for name, noise in part.noises.items():
        leaf = noise.leaf
        mapping[leaf.id] = whole.noise(name, leaf.shape, noise.law, leaf.varies)
    for state in part.states.values():
        leaf = whole.state(state.name, state.leaf.shape, state.init, state.delay, state.line)
        mapping[state.leaf.id] = leaf
    return mapping


def _shared(table: Mapping[str, Node], name: str, node: Node) -> Node | None:
    """The leaf that an earlier part brought along, if one did."""
    found = table.get(name)
    if found is not None and (found.shape, found.dtype) != (node.shape, node.dtype):
        raise ValueError(f"'{name}' is shared, but {found.dtype} {list(found.shape)} in one part "
                         f"and {node.dtype} {list(node.shape)} in another")
    return found


def _joined(name: str, node: Node, output: str, made: Mapping[str, Node]) -> Node:
    if output not in made:
        raise ValueError(f"input '{name}' is wired to '{output}', no output of an earlier part")
    source = made[output]
    if (source.shape, source.dtype) != (node.shape, node.dtype):
        raise ValueError(f"output '{output}' is {source.dtype} {list(source.shape)}, "
                         f"but input '{name}' is {node.dtype} {list(node.shape)}")
    return source


def _check_names(parts: Sequence[Graph], wires: Mapping[str, str], shared: Collection[str]
                 ) -> None:
    declared = Counter(name for part in parts for name in part.leaves
                       if name not in wires and name not in shared)
    declared.update(name for part in parts for name in {*part.names, *part.outputs} - set(
        part.leaves))
    twice = sorted(name for name, count in declared.items() if count > 1)
    if twice:
        raise ValueError(f"two of the parts have a name in common: {', '.join(twice)}")
    unknown = sorted(set(wires) - {name for part in parts for name in part.inputs})
    if unknown:
        raise ValueError(f"no part has an input '{unknown[0]}' to wire")
