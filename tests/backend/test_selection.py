"""Crop, tile and eltwise max against their definitions, and their gradients."""

import numpy
import pytest

from .cpu import assert_close, each_backend, make_ops, numeric_gradient

CROPS = [
    ((3, 4, 6, 7), (0, 0, 1, 2), (3, 4, 4, 3)),
    ((5, 2, 3), (2, 0, 1), (2, 2, 1)),
    ((7,), (3,), (2,)),
]


@each_backend
@pytest.mark.parametrize(("whole", "start", "part"), CROPS)
def test_crop(kind, whole, start, part):
    ops, rng = make_ops(kind), numpy.random.default_rng(0)
    x, dy, y = rng.standard_normal(whole), rng.standard_normal(part), numpy.empty(part)
    ops.crop(x, start, y)
    for place in numpy.ndindex(part):
        assert y[place] == x[tuple(a + b for a, b in zip(place, start, strict=True))]

    def objective():
        ops.crop(x, start, y)
        return (y * dy).sum()

    wanted = numeric_gradient(objective, x)
    dx = numpy.full(whole, numpy.nan)
    ops.crop_grad(dy, start, dx)
    assert_close(dx, wanted, 1e-8)


@each_backend
@pytest.mark.parametrize(("outer", "tiles", "inner"), [(3, 4, 5), (1, 2, 7), (6, 1, 1)])
def test_tile(kind, outer, tiles, inner):
    ops, rng = make_ops(kind), numpy.random.default_rng(0)
    x, dy = rng.standard_normal((outer, inner)), rng.standard_normal((outer, tiles, inner))
    y = numpy.empty(dy.shape)
    ops.tile(x, y)
    for o, t, i in numpy.ndindex(y.shape):
        assert y[o, t, i] == x[o, i]

    def objective():
        ops.tile(x, y)
        return (y * dy).sum()

    wanted = numeric_gradient(objective, x)
    dx = numpy.full(x.shape, numpy.nan)
    ops.tile_grad(dy, dx)
    assert_close(dx, wanted, 1e-8)


@each_backend
@pytest.mark.parametrize("count", [2, 4])
def test_eltwise_max(kind, count):
    ops, rng = make_ops(kind), numpy.random.default_rng(0)
    xs = list(rng.permutation(count * 30).reshape(count, 5, 6) / 7)
    dy, y, winner = rng.standard_normal((5, 6)), numpy.empty((5, 6)), numpy.empty((5, 6), "int32")

    def objective():
        ops.eltwise_max(xs, y, winner)
        return (y * dy).sum()

    wanted = [numeric_gradient(objective, x) for x in xs]
    objective()
    numpy.testing.assert_array_equal(y, numpy.max(xs, axis=0))
    numpy.testing.assert_array_equal(winner, numpy.argmax(xs, axis=0))
    for i in range(count):
        dx = numpy.full((5, 6), numpy.nan)
        ops.eltwise_max_grad(dy, winner, i, dx)
        assert_close(dx, wanted[i], 1e-8)


@each_backend
def test_whose_maximum_it_is_among_equals(kind):
    ops = make_ops(kind)
    rows = [1, 2, 1, 1], [1, 1, 1, 0], [1, 2, 3, 1], [0, 2, 3, 1]
    xs = [numpy.array(row, float) for row in rows]
    y, winner = numpy.empty(4), numpy.empty(4, "int32")
    ops.eltwise_max(xs, y, winner)
    numpy.testing.assert_array_equal(winner, [1, 0, 2, 0])
    numpy.testing.assert_array_equal(y, [1, 2, 3, 1])
