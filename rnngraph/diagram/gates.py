"""The picture of a cell as a paper draws it: inputs, states, gates and outputs.

An arrow means "depends on"; what lies between two boxes is in the equation of the second. Where a
cotangent reads forward values, its equation names them; arrows for that would cover the drawing.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..graph import Graph, Node
from ..ops import OPS
from .equation import Equations
from .picture import Arrow, Box, Picture
from .roles import Roles
from .theme import Theme
from .typeset import Run


def gates_picture(graph: Graph, groups: Mapping[int, str], theme: Theme) -> Picture:
    """Boxes for inputs, states, named values and outputs only."""
    roles = Roles(graph)
    shown = _shown(roles)
    picture = begin(roles)
    equations = Equations(roles.names)
    for node in shown.values():
        box = start_box(roles, node, groups)
        if node.operands:
            box.equation = equations.fitted(node, theme.equation_size, theme.equation_width)
        picture.boxes[box.key] = box
    behind = _behind(roles, shown)
    for node in shown.values():
        arrows = [arrow(roles, shown[source], node) for source in behind[node.id]]
        picture.arrows += [a for a in arrows if a.kind != "reads"]
    add_delays(roles, picture)
    return picture


def begin(roles: Roles) -> Picture:
    """A picture with the graph's texts, and no box yet."""
    graph = roles.graph
    title = f"{graph.title}, with its gradient" if roles.mirrored else graph.title
    return Picture(title, graph.doc, graph.source, mirrored=roles.mirrored)


def start_box(roles: Roles, node: Node, groups: Mapping[int, str]) -> Box:
    """The box of a node, all but its equation."""
    leaf = not node.operands
    return Box(
        roles.key(node), roles.kind(node), roles.names.get(node.id, []),
        roles.labels.get(node.id, ""), shape=roles.shape(node) if leaf else "",
        output=node.id in roles.outputs, group=groups.get(node.id, ""), part=roles.part(node),
    )  # fmt: skip


def arrow(roles: Roles, tail: Node, head: Node) -> Arrow:
    """The arrow between two shown nodes; a backward value only reads a forward one."""
    crossing = roles.part(tail) == "forward" and roles.part(head) == "backward"
    return Arrow(roles.key(tail), roles.key(head), "reads" if crossing else "value")


def add_delays(roles: Roles, picture: Picture) -> None:
    """One delay arrow for every state, from its next value back to the previous one."""
    for state in roles.graph.states.values():
        if state.next is None:
            continue
        tail, head = roles.key(state.next), roles.key(state.leaf)
        note = "" if abs(state.delay) == 1 else f"{abs(state.delay)} steps"
        if tail in picture.boxes and head in picture.boxes:
            picture.arrows.append(Arrow(tail, head, "delay", note))
            picture.befores.append(head)
            picture.nexts.append(tail)


def _shown(roles: Roles) -> dict[int, Node]:
    """Nodes with a box of their own: the interface, named values, shared cotangents."""
    count = 0
    shown: dict[int, Node] = {}
    for node in roles.nodes:
        wanted = node.id in roles.nexts or node.id in roles.outputs
        if not wanted and (node.op == "param" or not (node.operands or node.id in roles.names)):
            continue
        if node.id not in roles.names and _is_shared_cotangent(roles, node):
            count += 1
            roles.names[node.id] = [Run("δ", "italic"), Run(str(count), "sub")]
            roles.keys[node.id] = f"δ{count}"
        if wanted or node.id in roles.names:
            shown[node.id] = node
    return shown


def _is_shared_cotangent(roles: Roles, node: Node) -> bool:
    if node.id not in roles.cotangents or OPS[node.op].cost == 0:
        return False
    return len(roles.users[node.id]) > 1


def _behind(roles: Roles, shown: Mapping[int, Node]) -> dict[int, list[int]]:
    """For every node, the shown nodes that its expression refers to, in order of occurrence."""
    behind: dict[int, list[int]] = {}
    for node in roles.nodes:
        found: dict[int, None] = {}
        for x in node.operands:
            found.update(dict.fromkeys([x.id] if x.id in shown else behind[x.id]))
        behind[node.id] = list(found)
    return behind
