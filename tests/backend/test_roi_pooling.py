"""Pooling of regions against a loop written from Fast R-CNN's definition, and its gradient."""

import math

import numpy
import pytest

from .cpu import assert_close, each_backend, make_ops, numeric_gradient

# (image, x1, y1, x2, y2), in coordinates of a picture four times as large.
REGIONS = [(0, 0, 0, 43, 35), (1, 6, 2, 20, 30), (1, 9, 9, 9, 9), (0, -40, 20, 12, 100)]
SCALE = 0.25


def half_up(a):
    return math.copysign(math.floor(abs(a) + 0.5), a)


def window(first, last, i, count, size):
    start, end = half_up(first * SCALE), half_up(last * SCALE)
    step = max(end - start + 1, 1) / count
    begin, stop = math.floor(i * step) + start, math.ceil((i + 1) * step) + start
    return range(int(min(max(begin, 0), size)), int(min(max(stop, 0), size)))


def pooled(x, out_h, out_w):
    y = numpy.zeros((len(REGIONS), x.shape[1], out_h, out_w))
    place = numpy.full(y.shape, -1)
    for r, c, i, j in numpy.ndindex(y.shape):
        image, x1, y1, x2, y2 = REGIONS[r]
        best = None
        for h in window(y1, y2, i, out_h, x.shape[2]):
            for w in window(x1, x2, j, out_w, x.shape[3]):
                if best is None or x[image, c, h, w] > best:
                    best = y[r, c, i, j] = x[image, c, h, w]
                    place[r, c, i, j] = h * x.shape[3] + w
    return y, place


@each_backend
@pytest.mark.parametrize("output", [(3, 4), (7, 2), (1, 1)])
def test_forward(kind, output):
    ops = make_ops(kind)
    x = numpy.random.default_rng(0).standard_normal((2, 3, 9, 11))
    wanted, place = pooled(x, *output)
    y, mask = numpy.full(wanted.shape, numpy.nan), numpy.full(wanted.shape, -9, "int32")
    ops.roi_pool(x, numpy.array(REGIONS, float), y, mask, SCALE)
    numpy.testing.assert_array_equal(y, wanted)
    numpy.testing.assert_array_equal(mask, place)


@each_backend
def test_gradient(kind):
    """The regions overlap, so their gradients are summed."""
    ops, rng = make_ops(kind), numpy.random.default_rng(1)
    x, rois = rng.standard_normal((2, 2, 9, 11)), numpy.array(REGIONS, float)
    dy = rng.standard_normal((len(REGIONS), 2, 3, 2))
    y, mask = numpy.empty(dy.shape), numpy.empty(dy.shape, "int32")

    def objective():
        ops.roi_pool(x, rois, y, mask, SCALE)
        return (y * dy).sum()

    wanted = numeric_gradient(objective, x)
    ops.roi_pool(x, rois, y, mask, SCALE)
    dx = numpy.full(x.shape, numpy.nan)
    ops.roi_pool_grad(dy, rois, mask, dx)
    assert_close(dx, wanted, 1e-8)


@each_backend
@pytest.mark.parametrize("image", [-1, 2, 1000])
def test_a_region_of_no_image_gives_nothing(kind, image):
    ops = make_ops(kind)
    y, mask = numpy.full((1, 3, 2, 2), numpy.nan), numpy.full((1, 3, 2, 2), 5, "int32")
    rois = numpy.array([[image, 0, 0, 9, 9]], float)
    ops.roi_pool(numpy.ones((2, 3, 4, 5)), rois, y, mask, 1.0)
    assert (y == 0).all(), "y of a missing image is not 0"
    assert (mask == -1).all(), "mask of a missing image is not -1"
    dx = numpy.full((2, 3, 4, 5), numpy.nan)
    ops.roi_pool_grad(numpy.ones(y.shape), rois, mask, dx)
    assert (dx == 0).all(), "a missing image has a gradient"
