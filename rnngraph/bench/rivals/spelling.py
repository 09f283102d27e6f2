"""Programs as Python source, for an array framework: one table for its ops, one frame for loops.

    def loop0(p, z, s):         one loop: parameters, sequences read, first states
        ...                     -> sequences written, last states
    def program(p, x, over):    the whole; ``over(loop, p, z, s)`` runs a loop

The source is what runs, so that anybody can read what rnngraph was measured against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .packing import Packing
from .program import ONCE, NoProgram, Phase, Program, Value

# templates in the operands; np is the framework's array namespace
COMMON = {
    "neg": "-{0}", "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}",
    "pow": "{0} ** {1}", "mod": "{0} - np.floor({0} / {1}) * {1}", "lt": "{0} < {1}",
    "le": "{0} <= {1}", "gt": "{0} > {1}", "ge": "{0} >= {1}", "eq": "{0} == {1}",
    "ne": "{0} != {1}", "and_": "{0} & {1}", "or_": "{0} | {1}", "not_": "~{0}",
    "where": "np.where({0}, {1}, {2})", "spread": "{0}",
    "outer": "{0}[..., :, None] * {1}[..., None, :]", "addcmul": "{0} + {1} * {2}",
    **{op: f"np.{op}({{0}})" for op in ("exp", "expm1", "log", "log1p", "tanh", "sqrt", "abs",
                                        "sign", "floor", "sin", "cos")},
}  # fmt: skip


@dataclass(frozen=True)
class Language:
    """What differs from framework to framework: templates by op, how constants, sums and slices
    are said, and the frame of a loop."""

    templates: dict[str, str]
    header: str
    transposes: bool  # a product wants its matrix as [K, N]
    loop: Callable[[Loop], list[str]]


@dataclass(frozen=True)
class Loop:
    """Names and lines of one loop, for its frame."""

    name: str
    parameters: Sequence[str]
    reads: Sequence[str]
    states: Sequence[str]
    nexts: Sequence[str]
    writes: Sequence[str]
    body: Sequence[str]
    backwards: bool


def spell(program: Program, packing: Packing, language: Language) -> str:
    """The source of a program with its parameters packed."""
    return _Writer(program, packing, language).source


class _Writer:
    def __init__(self, program: Program, packing: Packing, language: Language) -> None:
        self.program, self.language, self.columns = program, language, packing.columns
        self.parameters = {v.number: f"p{i}" for i, v in enumerate(packing.leaves)}
        self.values = self._needed()
        self.phases = sorted({v.phase for v in self.values} - {ONCE})
        loops = [phase for phase in self.phases if phase[0] % 2]
        self.numbers = {phase: number for number, phase in enumerate(loops)}
        functions = [line for phase in loops for line in [*language.loop(self._loop(phase)), ""]]
        self.source = "\n".join([language.header, "", *functions, *self._program(), ""])

    def _needed(self) -> list[Value]:
        stack = [*self.program.outputs.values(), *self.program.nexts.values()]
        found: dict[int, Value] = {}
        while stack:
            value = stack.pop()
            if value.number not in found and value.number not in self.parameters:
                found[value.number] = value
                stack.extend(value.operands)
        return [found[number] for number in sorted(found)]

    # --- names -----------------------------------------------------------------------------

    def name(self, value: Value, at: Phase) -> str:
        """A value's name in a phase; aligned later."""
        if value.op == "constant":
            number = float(value.attrs["value"])
            return repr(number) if number >= 0 else f"({number!r})"
        return self.parameters.get(value.number, f"v{value.number}")

    def aligned(self, value: Value, user: Value) -> str:
        """A scalar that varies gets axes to broadcast over the user's shape."""
        name = self.name(value, user.phase)
        missing = len(user.shape) - len(value.shape)
        if value.shape != () or missing == 0 or value.phase == ONCE:
            return name
        return f"{name}[..., {', '.join(['None'] * missing)}]"

    # --- the whole ---------------------------------------------------------------------------

    def _program(self) -> list[str]:
        lines = ["def program(p, x, over):"]
        if self.parameters:
            lines.append(f"    {', '.join(self.parameters.values())}, = p")
        for phase in [ONCE, *self.phases]:
            of = [v for v in self.values if v.phase == phase]
            lines += [f"    {line}" for line in
                      (self._call(phase) if phase[0] % 2 else self._lines(of))]  # fmt: skip
        results = ", ".join(self.name(v, ONCE) for v in self.program.outputs.values())
        return [*lines, f"    return {results}"]

    def _call(self, phase: Phase) -> list[str]:
        loop = self._loop(phase)
        starts = [f"np.full((x.shape[1], {_shape(s.leaf.shape)}), {float(s.init)!r})"
                  for s in self.program.states[phase]]  # fmt: skip
        given = (_tuple(loop.parameters), _tuple(loop.reads), _tuple(starts))
        return [f"({_tuple(loop.writes)}, _) = over({loop.name}, {', '.join(given)})"]

    def _loop(self, phase: Phase) -> Loop:
        program = self.program
        inside = [v for v in self.values if v.phase == phase]
        numbers = {v.number for v in inside}
        states = program.states[phase]
        nexts = [program.nexts[s.name] for s in states]
        used = [x for v in inside for x in v.operands] + nexts
        outside = {x.number: x for x in used if x.number not in numbers and x.op != "constant"}
        parameters = [x for x in outside.values() if x.phase == ONCE]
        reads = [x for x in outside.values() if x.phase != ONCE]
        wanted = [*program.outputs.values(),
                  *(x for v in self.values if v.phase != phase for x in v.operands)]  # fmt: skip
        writes = {x.number: x for x in wanted if x.number in numbers}
        leaves = {v.attrs["name"]: f"v{v.number}" for v in inside if v.op == "state"}
        return Loop(
            f"loop{self.numbers[phase]}",
            [self.name(x, phase) for x in parameters], [self.name(x, phase) for x in reads],
            [leaves[s.name] for s in states], [self.name(x, phase) for x in nexts],
            [self.name(x, phase) for x in writes.values()],
            self._lines([v for v in inside if v.op != "state"]),
            program.directions[phase] < 0,
        )  # fmt: skip

    # --- lines -------------------------------------------------------------------------------

    def _lines(self, values: Sequence[Value]) -> list[str]:
        split: dict[int, list[Value]] = {}
        for v in values:
            if v.op == "slice" and v.attrs["axis"] == 0 and len(v.shape) == 1:
                split.setdefault(v.operands[0].number, []).append(v)
        done: set[int] = set()
        lines = []
        for v in values:
            parts = split.get(v.operands[0].number, []) if v.operands and v.op == "slice" else []
            if v.number in done or v.op == "constant":
                continue
            if _partition(parts):
                lines.append(self._split(parts))
                done |= {part.number for part in parts}
            else:
                lines.append(f"{self.name(v, v.phase)} = {self.spell(v)}")
        return lines

    def _split(self, parts: Sequence[Value]) -> str:
        parts = sorted(parts, key=lambda v: v.attrs["start"])
        names = ", ".join(f"v{v.number}" for v in parts)
        widths = [v.shape[0] for v in parts]
        template = self.language.templates["split"]
        ends = [v.attrs["stop"] for v in parts][:-1]
        return f"{names} = " + template.format(self.name(parts[0].operands[0], ONCE),
                                               widths=widths, ends=ends)  # fmt: skip

    def spell(self, v: Value) -> str:
        """The right side of a value's line."""
        special = getattr(self, f"_{v.op}", None)
        if special is not None:
            return str(special(v))
        names = [self.aligned(x, v) for x in v.operands]
        template = self.language.templates.get(v.op) or COMMON.get(v.op)
        if template is None:
            raise NoProgram(f"'{v.op}' is not spelled for other frameworks")
        return template.format(*names, **v.attrs)

    def _input(self, v: Value) -> str:
        return "x"

    def _affine(self, v: Value) -> str:
        names = [self.name(x, v.phase) for x in v.operands]
        start = names.pop() if v.attrs["starts"] else "None"
        if self.language.transposes:
            matrices = v.operands[1 : len(names) : 2]
            names[1::2] = [self.name(x, v.phase) + ("" if x.number in self.columns else ".T")
                           for x in matrices]  # fmt: skip
        whole = v.phase[0] % 2 == 0
        made = start
        pairs = list(zip(names[::2], names[1::2], strict=True))
        for vector, weight in pairs:
            kind = "linear" if made == start and v.attrs["starts"] != "carry" else "plus_product"
            if whole and kind == "plus_product":
                further = self.language.templates["linear"].format("None", vector, weight)
                made = f"{made} + {further}"
            else:
                made = self.language.templates[kind].format(made, vector, weight)
        return made

    def _layer_norm(self, v: Value) -> str:
        names = [self.name(x, v.phase) for x in v.operands]
        source, gain, bias = [*names, "None", "None"][:3]
        return f"layer_norm({source}, {v.shape[0]}, {gain}, {bias}, {v.attrs['eps']!r})"

    def _slice(self, v: Value) -> str:
        (operand,) = v.operands
        after = len(operand.shape) - v.attrs["axis"] - 1
        window = f"{v.attrs['start']}:{v.attrs['stop']}"
        return f"{self.name(operand, v.phase)}[..., {', '.join([window, *[':'] * after])}]"

    def _concat(self, v: Value) -> str:
        axis = v.attrs["axis"] - len(v.shape)
        parts = [self._materialised(x, v) for x in v.operands]
        joined = _tuple(parts)
        return f"np.concatenate({joined}, {axis})"

    def _materialised(self, x: Value, v: Value) -> str:
        if x.op != "constant":
            if x.phase == ONCE and v.phase != ONCE:
                wide = f"{self._lead(v)} + ({_shape(x.shape)})"
                return f"np.broadcast_to({self.name(x, v.phase)}, {wide})"
            return self.name(x, v.phase)
        lead = "()" if v.phase == ONCE else self._lead(v)
        return f"np.full({lead} + ({_shape(x.shape)}), {float(x.attrs['value'])!r})"

    def _lead(self, v: Value) -> str:
        like = next(x for x in v.operands if x.phase != ONCE)
        return f"{self.name(like, v.phase)}.shape[:{-len(like.shape) or None}]"

    def _matmul(self, v: Value) -> str:
        a, b = (self.name(x, v.phase) for x in v.operands)
        if len(v.operands[1].shape) == 1:
            return f"np.matmul({a}, {b}[..., None])[..., 0]"
        return f"np.matmul({a}, {b})"

    def _transpose(self, v: Value) -> str:
        return f"np.swapaxes({self.name(v.operands[0], v.phase)}, -1, -2)"

    def _reshape(self, v: Value) -> str:
        (x,) = v.operands
        lead = f"{self.name(x, v.phase)}.shape[:{-len(x.shape) or None}]"
        return f"{self.name(x, v.phase)}.reshape({lead} + ({_shape(v.shape)}))"

    def _expand(self, v: Value) -> str:
        name, axes = self.name(v.operands[0], v.phase), v.attrs["axes"]
        index = ", ".join(":" if i in axes else "None" for i in range(len(v.shape)))
        lead = f"{name}.shape[:{-len(v.operands[0].shape) or None}]"
        return f"np.broadcast_to({name}[..., {index}], {lead} + ({_shape(v.shape)}))"

    def _sum(self, v: Value) -> str:
        return f"{self.name(v.operands[0], v.phase)}.sum({self._axis(v)})"

    def _max(self, v: Value) -> str:
        return f"np.amax({self.name(v.operands[0], v.phase)}, {self._axis(v)})"

    def _min(self, v: Value) -> str:
        return f"np.amin({self.name(v.operands[0], v.phase)}, {self._axis(v)})"

    def _axis(self, v: Value) -> int:
        return int(v.attrs["axis"] - len(v.operands[0].shape))

    def _eye(self, v: Value) -> str:
        return f"np.eye({v.attrs['n']})"

    def _iota(self, v: Value) -> str:
        return f"np.arange({v.attrs['n']})"


def _partition(parts: Sequence[Value]) -> bool:
    """True where windows are all of a value, one after the other."""
    if len(parts) < 2:
        return False
    stop = 0
    for part in sorted(parts, key=lambda v: v.attrs["start"]):
        if part.attrs["start"] != stop:
            return False
        stop = part.attrs["stop"]
    return bool(stop == parts[0].operands[0].shape[0])


def _shape(shape: Iterable[Any]) -> str:
    return "".join(f"{n}, " for n in shape)


def _tuple(names: Sequence[str]) -> str:
    return f"({''.join(f'{name}, ' for name in names)})"


__all__ = ["COMMON", "Language", "Loop", "spell"]
