"""Walking expressions: which names they use, and an order in which equations can be evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..syntax.tree import (
    Binary,
    Binding,
    Call,
    Equation,
    Expr,
    Fn,
    Index,
    Join,
    Keyword,
    Name,
    Output,
    Repeat,
    Slice,
    Transpose,
    Unary,
)


def children(e: Expr | Keyword) -> Iterator[Expr]:
    """The parts of an expression, from left to right (the called function is not one)."""
    match e:
        case Unary(operand=part) | Transpose(value=part) | Keyword(value=part):
            yield part
        case Binary(left=left, right=right):
            yield from (left, right)
        case Call(arguments=arguments, keywords=keywords):
            yield from arguments
            yield from (k.value for k in keywords)
        case Slice(start=start, stop=stop):
            yield from (part for part in (start, stop) if part is not None)
        case Index(value=value, indices=indices):
            yield value
            yield from indices
        case Join(parts=parts):
            yield from parts


def references(e: Expr) -> Iterator[Name | Call]:
    """All names and calls in an expression, from left to right."""
    stack = [e]
    while stack:
        part = stack.pop()
        if isinstance(part, Name | Call):
            yield part
        stack.extend(reversed(list(children(part))))


def at_once(e: Expr) -> Iterator[Name | Call]:
    """The references that an expression needs in the same step: not what ``prev`` looks at."""
    stack = [e]
    while stack:
        part = stack.pop()
        if isinstance(part, Name | Call):
            yield part
        inside = list(children(part))
        stack.extend(reversed(inside[1:] if looks_back(part) else inside))


def looks_back(e: Expr | Keyword) -> bool:
    """Whether an expression is ``prev(name, ...)``."""
    return (isinstance(e, Call) and e.function.id == "prev" and bool(e.arguments)
            and isinstance(e.arguments[0], Name))  # fmt: skip


@dataclass
class Unit:
    """What is evaluated at once: an equation, an output with its equation, a repeat, or a
    constant with places."""

    item: Equation | Output | Repeat | Binding
    targets: tuple[Name, ...]
    uses: dict[str, Name] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """The names it defines, states with their prime."""
        return [str(target) for target in self.targets]


def values_of(item: Equation | Output | Repeat | Binding) -> Iterator[Expr]:
    """The right sides of what defines names."""
    for one in item.items if isinstance(item, Repeat) else (item,):
        if one.value is not None:
            yield one.value


def uses_of(e: Expr, functions: Mapping[str, Fn], bound: Iterable[str] = ()) -> dict[str, Name]:
    """The names an expression needs, by spelling, also through the functions it calls."""
    found: dict[str, Name] = {}
    seen: set[str] = set()
    work: list[tuple[Expr, frozenset[str]]] = [(e, frozenset(bound))]
    while work:
        part, hidden = work.pop()
        for ref in at_once(part):
            if isinstance(ref, Name):
                if ref.primed or ref.id not in hidden:
                    found.setdefault(str(ref), ref)
            elif ref.function.id in functions and ref.function.id not in seen:
                seen.add(ref.function.id)
                fn = functions[ref.function.id]
                work.append((fn.body, frozenset(p.name for p in fn.parameters)))
    return found


def arrange(units: Sequence[Unit]) -> tuple[list[Unit], list[list[Unit]]]:
    """Units in an order in which each comes after what it uses, and the cycles that prevent it.

    The order is that of the text wherever it can be.
    """
    owner = {key: unit for unit in units for key in unit.keys}
    done: dict[int, bool] = {}  # False while a unit is on the path
    order: list[Unit] = []
    cycles: list[list[Unit]] = []
    for root in units:
        if id(root) in done:
            continue
        done[id(root)] = False
        path = [(root, _owners(root, owner))]
        while path:
            unit, pending = path[-1]
            following = next(pending, None)
            if following is None:
                path.pop()
                done[id(unit)] = True
                order.append(unit)
            elif id(following) not in done:
                done[id(following)] = False
                path.append((following, _owners(following, owner)))
            elif not done[id(following)]:
                on_path = [u for u, _ in path]
                cycles.append(on_path[on_path.index(following) :])
    return order, cycles


def _owners(unit: Unit, owner: Mapping[str, Unit]) -> Iterator[Unit]:
    return iter([owner[key] for key in unit.uses if key in owner])
