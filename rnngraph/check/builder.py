"""The evaluator on a graph, with what its interface needs: leaves, states, names, outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..graph import Graph, Line, Varies
from ..ops import show_shape
from ..syntax.tree import Expr, Name
from .declare import Shape, init_of, law_of, state_init
from .equations import unit_values
from .evaluate import Evaluator
from .faults import Exhausted, Fault, Unknown
from .scope import Scope
from .walk import Unit

# steps of a delay that are states of their own; a longer one is a single state, which costs as
# much to run, and far less to compile
LONGEST_CHAIN = 8


class Builder(Evaluator):
    """The evaluator on a graph, with what the graph's interface needs."""

    build: Graph

    def __init__(
        self,
        scope: Scope,
        graph: Graph,
        prefix: str = "",
        given: Mapping[str, Any] | None = None,
    ) -> None:
        """``prefix`` stands before all names of a cell inside another one, ``given`` are the
        inputs and states that the outer one decides."""
        super().__init__(scope, graph)
        self.prefix, self.given = prefix, given or {}
        self.labels: dict[str, str] = {}
        self.unknown: list[str] = []
        self.ahead: dict[str, Shape] = {}  # shapes of gates that ``prev`` may look at
        self.waiting: list[tuple[str, Name]] = []  # delay lines of gates, and the gates

    def attempt(self, action: Callable[[], None]) -> bool:
        """Do something that may stop at a mistake, which is remembered."""
        try:
            action()
        except Exhausted:
            raise
        except Fault as fault:
            self.scope.report(fault)
            return False
        except Unknown as missing:
            self.unknown.append(str(missing))
            return False
        return True

    def declare(self, shapes: Mapping[str, Shape]) -> None:
        """Make the leaves, in the order of the text."""
        for d in self.scope.declared.values():
            if d.name not in shapes:
                continue
            shape, name = shapes[d.name], self.prefix + d.name
            if d.name in self.given:
                self.values[d.name] = self.given[d.name]
            elif d.kind == "input":
                self.values[d.name] = self.build.input(name, shape, d.dtype)
            elif d.kind == "context":
                self.values[d.name] = self.build.context(name, shape, d.dtype)
            elif d.kind == "param":
                self.values[d.name] = self.build.param(name, shape)
                self.attempt(lambda d=d, s=shape: self._init(d, s))  # type: ignore[misc]
            elif d.kind == "noise":
                self.attempt(lambda d=d, s=shape: self._noise(d, s))  # type: ignore[misc]
            else:
                self.values[d.name] = self.build.state(name, shape)
        for d in self.scope.declared.values():
            if d.kind == "state" and d.name in shapes and d.name not in self.given:
                self.attempt(lambda d=d: self._state_init(d))  # type: ignore[misc]

    def _init(self, d: Any, shape: Shape) -> None:
        self.build.inits[self.prefix + d.name] = init_of(Evaluator(self.scope, Graph()), d, shape)

    def _noise(self, d: Any, shape: Shape) -> None:
        law = law_of(Evaluator(self.scope, Graph()), d)
        to = Varies.STEP if d.each == "step" else Varies.ROW
        self.values[d.name] = self.build.noise(self.prefix + d.name, shape, law, to)

    def _state_init(self, d: Any) -> None:
        init = state_init(self, d)
        if isinstance(init, str):
            if init not in self.values:
                raise Unknown(init)
            param, leaf = self.values[init], self.values[d.name]
            if param.shape != leaf.shape:
                text = f"'{d.name}' cannot begin with '{init}'"
                raise Fault(text, d.init.value.span, [
                    (d.init.value.span, f"this is {show_shape(param.shape)}"),
                    (d.span, f"this is {show_shape(leaf.shape)}"),
                ], self.declaration(d.init.value))  # fmt: skip
            init = self.prefix + init
        self.build.states[self.prefix + d.name].init = init

    def assign(self, unit: Unit) -> None:
        """Evaluate a unit and remember its values."""
        for target, value, e, label in unit_values(self, unit):
            node = self.node(value, e)
            if target.primed:
                self._advance(target, node, e, label)
            self.values[str(target)] = node
            self.labels[str(target)] = label

    def _advance(self, target: Name, node: Any, e: Expr, label: str) -> None:
        node = self.typed(node, e)
        leaf = self.values.get(target.id)
        if leaf is None:
            raise Unknown(target.id)
        if node.shape != leaf.shape:
            text = f"the next value of '{target.id}' does not have its shape"
            what = f"this is {show_shape(node.shape)}" if node.shape else "this is a scalar"
            place = self.scope.declared[target.id].span
            note = (f"'{target.id}' is declared as {show_shape(leaf.shape)} here", place)
            raise Fault(text, e.span, [(e.span, what)], [note])
        if target.id not in self.given:
            self.build.advance(self.prefix + target.id, node, label)

    def finish(self) -> None:
        """Fill delay lines of gates, and name the values, in the order of the text."""
        for key, gate in self.waiting:
            self.attempt(lambda k=key, g=gate: self._fill_late(k, g))  # type: ignore[misc]
        for unit in self.scope.units:
            for target in unit.targets:
                if not target.primed and target.id in self.values and " " not in target.id:
                    label = self.labels.get(target.id, "")
                    self.build.name(self.prefix + target.id, self.values[target.id], label)

    def outputs(self) -> list[Name]:
        """What the cell gives."""
        if self.scope.outputs:
            return self.scope.outputs
        states = [d for d in self.scope.declared.values() if d.kind == "state"]
        if states:
            return [Name(states[0].name, True, span=states[0].span)]
        note = "write output y = ..., or declare a state"
        self.scope.report(Fault("this cell has no output", self.scope.cell.span, notes=[note]))
        return []

    def output(self, output: Name) -> None:
        """Make a value an output of the graph."""
        if output.id in self.build.outputs:
            note = f"give one of them another name: output y = {output}"
            raise Fault(f"two outputs are named '{output.id}'", output.span, notes=[note])
        value = self.reference(output)
        self.build.output(output.id, self.typed(value, output))

    # --- delay lines ---------------------------------------------------------------------

    def delayed(self, name: str, steps: int, value: Any, part: Name) -> Any:
        """``value`` of some steps before: by a chain of states, or by one that holds so many."""
        if steps > LONGEST_CHAIN:
            line = self._line(name, Line(self.prefix + name, steps, whole=True), value, part)
            oldest = self.build.apply("slice", line, axis=0, start=0, stop=1)
            return self.build.apply("reshape", oldest, shape=line.shape[1:])
        for step in range(1, steps + 1):
            value = self._line(name, Line(self.prefix + name, step), value, part)
        return value

    def _line(self, name: str, line: Line, value: Any, part: Name) -> Any:
        """The state of a delay line that ``value`` feeds, made when it is first asked for."""
        key = f"{self.prefix}prev_{name}_{line.steps}"
        if key in self.scope.places:
            raise Fault(f"'{key}' is the name of a delay line here", self.scope.places[key])
        if key not in self.build.states:
            shape = self._delayed_shape(name, value, part)
            shape = (line.steps, *shape) if line.whole else shape
            self.values[key] = self.build.state(key, shape, line=line)
            self._feed(key, value, part)
        return self.values[key]

    def _delayed_shape(self, name: str, value: Any, part: Name) -> Shape:
        if value is not None:
            return value.shape  # type: ignore[no-any-return]
        if name not in self.ahead:
            if self.scope.reports:
                raise Unknown(name)
            note = f"declare a state of its shape: state p[H], and p' = {name}"
            raise Fault(f"the shape of '{name}' cannot be found", part.span, notes=[note])
        return self.ahead[name]

    def _feed(self, key: str, value: Any, part: Name) -> None:
        """A line begins with a value, or with a gate as soon as that is known."""
        if value is None:
            self.waiting.append((key, part))
        else:
            self._fill(key, value)

    def _fill(self, key: str, node: Any) -> None:
        state, line = self.build.states[key], self.values[key]
        if state.line is not None and state.line.whole:
            newest = self.build.apply("reshape", node, shape=(1, *node.shape))
            others = self.build.apply("slice", line, axis=0, start=1, stop=line.shape[0])
            node = self.build.apply("concat", others, newest, axis=0)
        self.build.advance(key, node)

    def _fill_late(self, key: str, gate: Name) -> None:
        """The line of a gate begins with the gate, now that it is known."""
        node = self.typed(self.reference(gate), gate)
        foreseen = self.ahead[gate.id]
        if node.shape != foreseen:
            shapes = [show_shape(shape) for shape in (foreseen, node.shape)]
            text = f"'{gate.id}' would be {shapes[0]} one step before, and {shapes[1]} now"
            raise Fault(text, gate.span, notes=self.declaration(gate))
        self._fill(key, node)
