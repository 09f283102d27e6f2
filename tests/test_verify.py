"""The verifiers have teeth: each rule is broken once, and named."""

import dataclasses

import pytest
from cells_for_tests import CELLS
from stages import schedules

from rnngraph.graph import Graph, Node, Varies
from rnngraph.schedule.grammar import Extent, Reduction, Tile
from rnngraph.schedule.verify import ScheduleError, verify_schedule
from rnngraph.verify import VerifyError, verify


@pytest.mark.parametrize("title", CELLS)
def test_schedules_are_well_formed(title):
    for of in ("forward", "gradient"):
        for made in schedules(title, of).values():
            assert verify_schedule(made) is made


# --- graphs --------------------------------------------------------------------------------


def a_graph():
    g = Graph("Small")
    h = g.state("h", (3,))
    new = g.apply("tanh", g.param("W", (3, 3)) @ h + g.input("x", (3,)))
    g.advance("h", new)
    g.output("y", new)
    return g


def set_shape(g):
    g.outputs["y"].shape = (4,)


def set_varies(g):
    g.outputs["y"].varies = Varies.ONCE


def set_dtype(g):
    g.outputs["y"].dtype = "int"


def swap(g):
    g.nodes[2], g.nodes[3] = g.nodes[3], g.nodes[2]


def forward_reference(g):
    g.nodes[2].operands = (g.nodes[1], g.nodes[-1])


def foreign_operand(g):
    g.nodes[-1].operands = (a_graph().nodes[-2],)


def foreign_output(g):
    g.output("y", a_graph().outputs["y"])


def wrong_operands(g):
    g.nodes[-1].operands = (g.nodes[1], g.nodes[0])


def unknown_op(g):
    g.nodes[-1].op = "tangle"


def refused_shapes(g):
    g.nodes[2].operands = (g.nodes[0], g.nodes[1])


def undeclared(g):
    del g.inputs["x"]


def no_output(g):
    g.outputs.clear()


def idle_state(g):
    g.state("c", (2,))


def wrong_start(g):
    g.states["h"].init = "W"


def missing_start(g):
    g.states["h"].init = "h0"


def slow_next(g):
    g.states["h"].next = g.full(0.0, (3,))


def two_kinds(g):
    g.context("x", (3,))


BROKEN = {
    set_shape: r"tanh\(.*: its shape is \[3\], not \[4\]",
    set_varies: "it varies by step, not by once",
    set_dtype: "it is real, not int",
    swap: "is at place 2",
    forward_reference: "does not come before it",
    foreign_operand: "belongs to graph Small",
    foreign_output: "output y belongs to another graph",
    wrong_operands: "'tanh' takes 1 operands, not 2",
    unknown_op: "there is no op 'tangle'",
    refused_shapes: "the left of '@' must be a matrix",
    undeclared: "no input of that name is declared",
    no_output: "no output",
    idle_state: "state c: has no next value",
    wrong_start: "begins as 'W', which has another shape",
    missing_start: "begins as 'h0', which is no parameter",
    slow_next: "does not vary by step",
    two_kinds: "'x' is declared as two things",
}


@pytest.mark.parametrize("breaking", BROKEN, ids=lambda f: f.__name__)
def test_broken_graphs_are_refused(breaking):
    graph = verify(a_graph())
    breaking(graph)
    with pytest.raises(VerifyError, match=BROKEN[breaking]):
        verify(graph)


def test_a_node_is_its_own():
    graph = a_graph()
    last = graph.nodes[-1]
    graph.nodes[-1] = Node(graph, last.id, last.op, last.operands, last.attrs, last.shape,
                           last.dtype, last.varies)  # fmt: skip
    with pytest.raises(VerifyError, match="output y belongs to another graph"):
        verify(graph)


# --- schedules -----------------------------------------------------------------------------


def with_phases(made, change):
    """The schedule with the phases of its first procedure changed."""
    first, *rest = made.procedures
    first = dataclasses.replace(first, phases=tuple(change(list(first.phases))))
    return dataclasses.replace(made, procedures=(first, *rest))


def with_kernels(made, change):
    """The schedule with the kernels of its last phase changed."""
    def last(phases):
        *before, phase = phases
        return [*before, dataclasses.replace(phase, kernels=tuple(change(list(phase.kernels))))]

    return with_phases(made, last)


def moved(view, **how):
    return dataclasses.replace(view, **how)


def with_store(made, **how):
    def change(kernels):
        *before, tile = kernels
        (node, view), *rest = tile.stores
        return [*before, dataclasses.replace(tile, stores=((node, moved(view, **how)), *rest))]

    return with_kernels(made, change)


def lstm():
    return schedules("JoinedLSTM", "forward")["hoist"]


def over_itself(made):
    """The next state is stored where the state is read."""
    def change(kernels):
        def stay(view):
            return moved(view, shift=0) if view.buffer.name == "state h" else view

        return [dataclasses.replace(k, stores=tuple((n, stay(v)) for n, v in k.stores))
                for k in kernels]  # fmt: skip

    return with_kernels(made, change)


def without_a_term(made):
    def change(kernels):
        first, *rest = kernels[0].accumulators
        terms = tuple(dataclasses.replace(t, weight=moved(t.weight, shape=(4, 3),
                      strides=t.weight.strides)) for t in first.terms)
        first = dataclasses.replace(first, terms=terms)
        return [dataclasses.replace(kernels[0], accumulators=(first, *rest)), *kernels[1:]]

    return with_kernels(made, change)


def without_loads(made):
    return with_kernels(made, lambda kernels: [
        dataclasses.replace(k, closure=dataclasses.replace(k.closure, loads={})) for k in kernels])


FAULTY = {
    "reads '.*' before it is written": lambda m: with_phases(m, lambda p: p[::-1]),
    "output .* reads '.*' before": lambda m: with_phases(m, lambda p: p[:-1]),
    "reaches outside its .* elements": lambda m: with_store(m, offset=1),
    "reaches outside its time-steps": lambda m: with_store(m, shift=5),
    "writes twice": lambda m: with_store(m, strides=(0,)),
    "reads and writes 'state h'": over_itself,
    "a product's shapes do not agree": without_a_term,
    "is not known where": without_loads,
    "stored through a window of another shape": lambda m: with_store(m, shape=(2,)),
}  # fmt: skip


@pytest.mark.parametrize("message", FAULTY)
def test_faulty_schedules_are_refused(message):
    with pytest.raises(ScheduleError, match=message):
        verify_schedule(FAULTY[message](lstm()))


def test_undeclared_buffers_are_refused():
    made = lstm()
    buffers = {k: dataclasses.replace(b, extent=Extent.STEPS) if k == "state c" else b
               for k, b in made.buffers.items()}  # fmt: skip
    with pytest.raises(ScheduleError, match="not declared so"):
        verify_schedule(dataclasses.replace(made, buffers=buffers))


def test_memory_is_not_shared_by_the_living():
    made = schedules("JoinedLSTM", "gradient")["lower"]
    assert made.memory, "this cell no longer shares memory: take another"
    buffers = [b for b in made.buffers.values() if b.name in made.saved]
    shared = {b.name: buffers[0].name for b in buffers[1:] if b.shape == buffers[0].shape}
    with pytest.raises(ScheduleError, match=r"writes twice|before it is written"):
        verify_schedule(dataclasses.replace(made, memory=shared))


def test_work_inside_one_sum_is_never_in_memory():
    made = schedules("Residual", "gradient")["lower"]
    kernels = [k for p in made.procedures for phase in p.phases for k in phase.kernels]
    sums = [a for k in kernels if isinstance(k, Tile) for a in k.accumulators
            if isinstance(a, Reduction)]  # fmt: skip
    assert sums and all(a.closure.body for a in sums)
