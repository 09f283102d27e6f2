"""Register tiles: whatever their height and width, a row has the same bits."""

import numpy as np
import pytest

import rnngraph as rg
from rnngraph import entries
from rnngraph.backends.llvm import outer
from rnngraph.schedule import packing
from rnngraph.schedule.packing import Machine, Shape

ROWS = (1, 2, 3, 5, 6, 7, 8, 13, 15)


def cell_of(products):
    """A cell whose kernel holds so many products."""
    names = [f"g{i}" for i in range(products)]
    lines = [f"{name} = tanh(W_{name} @ [h, x])" for name in names]
    params = [f"param W_{name}[H, H+I] ~ uniform(0.5)" for name in names]
    return rg.parse("\n".join(["cell C", "input x[I]", "state h[H]", *params, *lines,
                               f"h' = ({' + '.join(names)}) / {products}"]))  # fmt: skip


def outputs(products, units):
    compiled = cell_of(products).compile(I=5, H=units)
    params = compiled.init(seed=1)
    x = np.random.default_rng(0).normal(size=(4, max(ROWS), 5)).astype(np.float32)
    return [compiled.run(params, np.ascontiguousarray(x[:, :rows]))[0] for rows in ROWS]


@pytest.mark.parametrize(("products", "units"), [(1, 21), (2, 16), (3, 21), (4, 16), (6, 21)])
def test_tall_tiles_and_what_is_left_of_rows(products, units, monkeypatch):
    monkeypatch.setattr(entries, "folder", lambda: None)
    plain = outputs(products, units)
    monkeypatch.setattr(packing, "SECOND", 0)  # as if the weights were far away
    for found, rows in zip(outputs(products, units), ROWS, strict=True):
        assert np.array_equal(found, plain[-1][:, :rows]), rows
        assert np.array_equal(plain[ROWS.index(rows)], plain[-1][:, :rows]), rows


@pytest.mark.parametrize("rows", range(1, 9))
def test_heights_cover_any_number_of_rows(rows):
    heights = Shape(units=16, rows=rows, vectors=1, lanes=16).heights
    assert heights[0] == rows and heights[-1] == 1
    for count in range(40):
        left = count
        for height in heights:
            left %= height
        assert left == 0


@pytest.mark.parametrize("units", range(1, 40))
def test_the_last_vector_is_as_narrow_as_its_units_allow(units):
    shape = Shape(units, rows=4, vectors=1, lanes=16)
    last = units % 16 or 16
    narrow = shape.width(last)
    assert narrow in shape.widths
    assert last <= narrow <= max(packing.NARROWEST, 2 * last - 1)


def test_tiles_fit_the_registers():
    machine = Machine(lanes=16, registers=32)
    for kernel in kernels_of(cell_of(4).compile(I=5, H=600)):
        shape = packing.tile_shape(kernel, machine)
        assert shape.rows * shape.vectors * 4 <= 24
        assert shape.rows == 6  # 600 x 605 x 4 weights are far away


def kernels_of(compiled):
    from rnngraph.compile import Request, stages
    from rnngraph.schedule.grammar import Product, Tile

    schedule = stages(compiled.graph, Request(tuple(compiled.graph.outputs)))["schedule"]
    kernels = [k for p in schedule.procedures for phase in p.phases for k in phase.kernels]
    return [k for k in kernels if isinstance(k, Tile)
            and any(isinstance(a, Product) for a in k.accumulators)]  # fmt: skip


@pytest.mark.parametrize(("products", "units"), [(1, 16), (4, 21), (7, 16), (9, 21)])
def test_block_by_block_a_row_has_the_same_bits(products, units, monkeypatch):
    monkeypatch.setattr(entries, "folder", lambda: None)
    whole = outputs(products, units)
    monkeypatch.setattr(packing, "FIRST", 3 * products * units)  # a few elements of the operand
    monkeypatch.setattr(packing, "TALL", 99)
    for found, one, rows in zip(outputs(products, units), whole, ROWS, strict=True):
        assert np.array_equal(found, one), rows


@pytest.mark.parametrize(("lanes", "registers"), [(16, 32), (8, 16), (4, 16), (4, 32)])
@pytest.mark.parametrize("products", range(1, 12))
def test_passes_cover_every_product_once(products, lanes, registers):
    machine = Machine(lanes, registers)
    for kernel in kernels_of(cell_of(products).compile(I=300, H=40)):
        shape, groups = packing.tile_shape(kernel, machine), packing.groups(kernel)
        at_once = packing.at_once(products, machine)
        assert shape.rows * shape.vectors * at_once <= 3 * registers // 4
        passes = packing.passes(kernel, machine)
        made = [(way.group, product) for way in passes for product in way.products]
        if made:
            every = [(g, p) for g, group in enumerate(groups) for p, _ in group.members]
            assert sorted(made) == sorted(every)
        else:
            assert at_once == products


def test_a_lone_row_is_not_left_over():
    shape = Shape(units=16, rows=3, vectors=1, lanes=8)
    assert (shape.heights, shape.lone) == ((3, 2, 1), 1)
    assert Shape(units=16, rows=4, vectors=1, lanes=8).lone == 0
    assert Shape(units=16, rows=1, vectors=1, lanes=8).lone == 0


def weight_gradients(reverse):
    compiled = cell_of(3).compile(I=5, H=21)
    params, x = compiled.init(seed=1), np.random.default_rng(0).normal(size=(9, 7, 5))
    y, _, pullback = compiled.vjp(params, x.astype(np.float32), reverse=reverse)
    return pullback(np.ones_like(y)).params


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("packed", [1, 4, 63])
def test_outer_sums_have_the_same_bits_from_a_packed_side(reverse, packed, monkeypatch):
    monkeypatch.setattr(entries, "folder", lambda: None)
    plain = weight_gradients(reverse)
    monkeypatch.setattr(outer, "MANY", 1)
    monkeypatch.setattr(outer, "PACKED", packed)
    for name, value in weight_gradients(reverse).items():
        assert np.array_equal(value, plain[name]), name
