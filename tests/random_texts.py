"""Random cells for hypothesis, written in the language: parsed and checked like any other."""

from __future__ import annotations

from hypothesis import strategies as st

UNARY = ["tanh", "sigmoid", "sin", "relu", "abs", "-"]
SIZES = {"H": 5, "I": 3}


@st.composite
def random_texts(draw) -> str:
    """A cell with vectors of H and scalars: gates, splits, products, a matrix state, contexts."""
    return _Text(draw).written()


class _Text:
    def __init__(self, draw) -> None:
        self.draw = draw
        self.vectors, self.scalars = ["h", "v", "p"], ["s", "q"]
        self.lines: list[str] = []
        self.weights: list[str] = []
        self.matrix = draw(st.booleans())
        if draw(st.booleans()):
            self.vectors.append("E[token]")

    def pick(self, names: list[str]) -> str:
        return names[-1 - self.draw(st.integers(0, min(len(names), 6) - 1))]

    def weight(self, shape: str) -> str:
        self.weights.append(f"W{len(self.weights)}[{shape}]")
        return f"W{len(self.weights) - 1}"

    def vector(self) -> str:
        return self.draw(st.sampled_from([self.elementwise, self.product, self.pair, self.chosen,
                                          self.joined, self.scaled]))()  # fmt: skip

    def elementwise(self) -> str:
        return f"{self.draw(st.sampled_from(UNARY))}({self.pick(self.vectors)})"

    def product(self) -> str:
        bias = self.draw(st.sampled_from(["", " + p", f" + {self.pick(self.vectors)}"]))
        return f"{self.weight('H, H+I')} @ [{self.pick(self.vectors)}, x]{bias}"

    def pair(self) -> str:
        op = self.draw(st.sampled_from(["+", "-", "*"]))
        return f"{self.pick(self.vectors)} {op} {self.pick(self.vectors)}"

    def chosen(self) -> str:
        a, b = self.pick(self.vectors), self.pick(self.vectors)
        return f"where({a} > {self.pick(self.scalars)}, {b}, 0.5 * {a})"

    def joined(self) -> str:
        a, b = self.pick(self.vectors), self.pick(self.vectors)
        if self.matrix and self.draw(st.booleans()):
            return f"M @ {a}"
        return f"[{a}[0:2], {b}[2:H]]"

    def scaled(self) -> str:
        return f"softmax({self.pick(self.vectors)}) * {self.pick(self.scalars)}"

    def scalar(self) -> str:
        a = self.pick(self.vectors)
        return self.draw(st.sampled_from([
            f"sum({a})", f"mean({a} * {self.pick(self.vectors)})", f"max({a})",
            f"sigmoid({self.pick(self.scalars)})", f"{a} @ {self.pick(self.vectors)}",
        ]))  # fmt: skip

    def body(self) -> None:
        for i in range(self.draw(st.integers(1, 7))):
            kind = self.draw(st.sampled_from(["vector", "vector", "vector", "scalar", "split"]))
            if kind == "scalar":
                self.lines.append(f"r{i} = {self.scalar()}")
                self.scalars.append(f"r{i}")
            elif kind == "split":
                stacked = f"{self.weight('2*H, I')} @ x + {self.weight('2*H, H')} @ h"
                self.lines.append(f"f{i}, g{i} = split({stacked}, 2)")
                self.vectors += [f"f{i}", f"g{i}"]
            else:
                self.lines.append(f"u{i} = {self.vector()}")
                self.vectors.append(f"u{i}")

    def written(self) -> str:
        self.body()
        head = ["cell Random", "input x[I], s[], token: int", "context v[H]",
                "state h[H] = 0.5, q[]" + (", M[H, H]" if self.matrix else ""),
                "param p[H], E[H, H]"]  # fmt: skip
        nexts = [f"h' = tanh({self.pick(self.vectors)})", f"q' = sin({self.pick(self.scalars)})"]
        if self.matrix:
            nexts.append(f"M' = 0.5 * M + outer({self.pick(self.vectors)}, h)")
        params = [f"param {', '.join(self.weights)}"] if self.weights else []
        outputs = ["output y = h'", f"output z = {self.pick(self.vectors)}",
                   f"output loss = {self.pick(self.scalars)}"]  # fmt: skip
        return "\n".join([*head, *params, *self.lines, *nexts, *outputs]) + "\n"
