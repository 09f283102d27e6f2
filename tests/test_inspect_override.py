"""Given values are read by all that reads them, and change nothing where they are not given."""

import numpy as np
import pytest
from cells_for_tests import CELLS, cell, draw, draw_states
from inspected import KINDS, B, H, T, model, sentences
from tolerances import assert_close

import rnngraph as rg
from rnngraph.backends.reference import evaluate
from rnngraph.inspect import Overridable
from rnngraph.inspect.override import shared
from rnngraph.passes.override import inputs_of, overridable, override

STEPS, ROWS = 4, 2

# --- the pass, on every form of graph ------------------------------------------------------------


def evaluated(graph, masked):
    """The graph, and it with every value overridden (by one value for each node) or none."""
    given, initial = draw(graph, STEPS, ROWS), draw_states(graph, ROWS)
    rng, nodes, pairs = np.random.default_rng(3), {}, {}
    for name, node in overridable(graph).items():
        shape = STEPS, ROWS, *node.shape
        value = nodes.setdefault(node.id, rng.normal(size=shape))
        pairs[name] = np.full(shape, float(masked)), value if masked else np.full(shape, np.nan)
    changed = override(graph, pairs)
    return pairs, *(evaluate(g, {**given, **more}, STEPS, ROWS, initial, graph.names)
                    for g, more in ((graph, {}), (changed, inputs_of(pairs))))


@pytest.mark.parametrize("title", CELLS)
def test_nothing_changes_where_nothing_is_given(title):
    _, plain, same = evaluated(cell(title), masked=False)
    for kind in ("outputs", "finals", "values"):
        for name, value in getattr(plain, kind).items():
            found = getattr(same, kind)[name]
            assert np.array_equal(*np.broadcast_arrays(found, value)), name


@pytest.mark.parametrize("title", CELLS)
def test_what_is_given_is_seen_everywhere(title):
    graph = cell(title)
    pairs, _, given = evaluated(graph, masked=True)
    for name in given.values.keys() & pairs.keys():
        assert np.array_equal(given.values[name], pairs[name][1]), name
    for name, state in graph.states.items():
        last = pairs[name][1][-1 if state.delay > 0 else 0]
        assert name in graph.names or np.array_equal(given.finals[name], last), name


def test_what_cannot_be_overridden():
    graph = cell("lstm.cell")
    with pytest.raises(ValueError, match=r"'q' .* is not there, .* can is f, u, o, g, h, c, x"):
        override(graph, ["q"])
    with pytest.raises(ValueError, match=r"'W_f' .* does not hold real numbers that vary"):
        override(graph, ["W_f"])
    with pytest.raises(ValueError, match="declared twice"):
        override(override(graph, ["f"]), ["f"])
    with pytest.raises(ValueError, match=r"'token' .* does not hold real"):
        override(model("lstm")[0].graph, ["token"])


# --- compiled ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_overrides_are_what_the_reference_says(kind):
    compiled, params = model(kind)
    whole, x, rng = shared(compiled), sentences(), np.random.default_rng(5)
    names = [name for name in whole.nodes if name in compiled.named]
    plain, same = (each.trace(params, x, *more, names=names)
                   for each, more in ((compiled, ()), (whole, ({},))))
    assert all(np.array_equal(same[name], value) for name, value in plain.items())
    given = {name: (rng.random((T, B, *whole.nodes[name].shape)) < 0.2,
                    rng.normal(size=whole.nodes[name].shape)) for name in names}
    trace = whole.trace(params, x, given, names=names)
    y, final = whole.run(params, x, given, outputs=["logits"])
    full = {name: tuple(np.broadcast_to(each, (T, B, *whole.nodes[name].shape)) for each in pair)
            for name, pair in given.items()}
    want = evaluate(override(compiled.graph, given), {**params, **x, **inputs_of(full)}, T, B,
                    {}, compiled.graph.names)
    for found, wanted in ((y, want.outputs), (final, want.finals), (trace, want.values)):
        for name in found.keys() & wanted.keys():
            assert_close(found[name], wanted[name], "parity", "f64", f"{kind}: {name}")
    for name, (mask, value) in full.items():
        assert np.array_equal(trace[name][mask], value[mask])
        assert (trace[name] != plain[name]).any()


def test_gradients_go_to_what_is_given():
    lstm = rg.load("lstm").compile(I=3, H=H, dtype="f64")
    params, whole = lstm.init(seed=2), Overridable(lstm, ["f", "c", "x"])
    rng = np.random.default_rng(0)
    x = rng.normal(size=(T, B, 3))
    given = {name: (rng.random((T, B, *node.shape)) < 0.3, rng.normal(size=(T, B, *node.shape)))
             for name, node in whole.nodes.items()}
    dy = rng.normal(size=(T, B, H))
    _, _, pullback = whole.vjp(params, x, given)
    found = pullback(dy)

    def along(**moves):
        ends = []
        for sign in (1, -1):
            moved = {k: (m, v + sign * 1e-6 * moves.get(k, 0)) for k, (m, v) in given.items()}
            start = {k: v + sign * 1e-6 * moves.get(k, 0) for k, v in params.items()}
            y, _ = whole.run(start, x + sign * 1e-6 * moves.get("input", 0), moved)
            ends.append((y * dy).sum())
        return (ends[0] - ends[1]) / 2e-6

    for name, (mask, value) in given.items():
        gradient, move = found.inputs[f"value({name})"], rng.normal(size=value.shape)
        assert not gradient[~mask].any() and gradient[mask].any()
        assert_close(along(**{name: move}), (gradient * move).sum(), "difference")
    move = rng.normal(size=x.shape)
    assert not found.inputs["x"][given["x"][0]].any()
    assert_close(along(input=move), (found.inputs["x"] * move).sum(), "difference")
    move = rng.normal(size=params["W_f"].shape)
    assert_close(along(W_f=move), (found.params["W_f"] * move).sum(), "difference")


def test_lengths_options_and_broadcasts():
    compiled, params = model("lstm")
    whole, x = shared(compiled), sentences()
    y, final = whole.run(params, x, {"c": (True, 0.5)}, lengths=[T, 2, T, T], outputs=["logits"])
    assert list(y) == ["logits"] and (final["c"] == 0.5).all()
    assert not y["logits"][2:, 1].any() and y["logits"][2:, 0].any()
    alone, _ = whole.run(params, x, {"c": (np.arange(H) == 1, np.zeros(H))}, outputs=["logits"])
    from_start = np.zeros((T, 1, H), bool)
    from_start[:, :, 1] = True
    same, _ = whole.run(params, x, {"c": (from_start, 0)}, outputs=["logits"])
    assert np.array_equal(alone["logits"], same["logits"])


@pytest.mark.parametrize(("given", "message"), [
    ({"f": (1, 0)}, "'f' cannot be overridden here; choose from c"),
    ({"c": (np.ones((T, B, 3)), 0)},
     r"the mask of 'c' has shape \[6, 4, 3\], expected \[T, B, ...\] = \[6, 4, 5\]"),
    ({"c": (1, np.ones((3, B, H)))}, r"the value of 'c' has shape \[3, 4, 5\]"),
    ({"c": (0.5, 0)}, "the mask of 'c' must hold truth values"),
    ({"c": (1, "x")}, "the value of 'c' holds"),
    ({"c": 1}, r"must be a pair \(mask, value\)"),
])  # fmt: skip
def test_what_does_not_fit_is_named(given, message):
    compiled, params = model("lstm")
    with pytest.raises(rg.ArgumentError, match=message):
        Overridable(compiled, ["c"]).run(params, sentences(), given)


def test_names_and_axes_that_do_not_fit():
    compiled, params = model("lstm")
    with pytest.raises(rg.ArgumentError, match="'q' is no real value"):
        Overridable(compiled, ["q"])
    x = {name: value.swapaxes(0, 1) for name, value in sentences().items()}
    with pytest.raises(rg.ArgumentError, match=r"\[6, 4, 5\], expected \[B, T, ...\] = \[4, 6, 5"):
        Overridable(compiled, ["c"]).run(params, x, {"c": (1, np.ones((T, B, H)))},
                                         batch_first=True)
    with pytest.raises(rg.ArgumentError, match="unknown option 'lenghts'"):
        Overridable(compiled, ["c"]).run(params, sentences(), {}, lenghts=[T] * B)


OPTIONS = [{"reset": np.arange(T)[:, None] == [2, 3, 1, 4]}, {"seed": 3, "first_step": 2},
           {"reverse": True, "lengths": [T, 5, 4, T]}]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: next(iter(options)))
def test_options_are_those_of_a_run(options):
    cell = rg.load("recurrent_dropout_lstm").compile(I=3, H=H, dtype="f64")
    params, whole, rng = cell.init(seed=2), Overridable(cell, ["c"]), np.random.default_rng(0)
    x, at = rng.normal(size=(T, B, 3)), 3
    mask = (np.arange(T) == at)[:, None, None]
    plain = cell.trace(params, x, **options)
    assert same(whole.trace(params, x, {}, **options), plain)
    given = whole.trace(params, x, {"c": (mask, 0.5)}, **options)
    untouched = slice(at + 1, T) if options.get("reverse") else slice(at)
    assert not same(given, plain) and (given["c"][at] == 0.5).all()
    assert all(np.array_equal(given[name][untouched], plain[name][untouched]) for name in plain)
    turned = {name: option.T if name == "reset" else option for name, option in options.items()}
    found = whole.trace(params, x.swapaxes(0, 1), {"c": (mask.swapaxes(0, 1), 0.5)},
                        batch_first=True, **turned)
    assert same({name: value.swapaxes(0, 1) for name, value in found.items()}, given)


def same(one, other):
    return all(np.array_equal(value, other[name]) for name, value in one.items())
