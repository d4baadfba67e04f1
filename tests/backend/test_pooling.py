"""Pooling against loops written from Caffe's rules for windows that cross the border."""

from itertools import product

import numpy
import pytest

from caffe_lite.backend import Ops
from tests.backend.cpu import assert_close, each_backend, each_type, make_ops, numeric_gradient

LOWEST = -float(numpy.finfo("float32").max)

# (x shape, output, kernel, stride, pad)
SMALL = {
    "overlapping": ((2, 3, 7, 9), (4, 5), (3, 2), (2, 2), (1, 0)),
    "beyond the image": ((1, 2, 6, 7), (3, 4), (3, 2), (2, 2), (0, 0)),
    "padded on all sides": ((2, 1, 5, 4), (4, 5), (4, 3), (2, 1), (2, 1)),
    "stride beyond kernel": ((1, 3, 8, 11), (3, 3), (2, 1), (3, 4), (0, 0)),
    "global": ((3, 2, 5, 6), (1, 1), (5, 6), (1, 1), (0, 0)),
    "wide": ((1, 2, 5, 70), (3, 35), (3, 3), (2, 2), (1, 1)),
    "empty windows": ((1, 1, 3, 4), (3, 2), (1, 2), (2, 3), (0, 0)),
}
each_case = pytest.mark.parametrize("name", SMALL)


def windows(shape, output, kernel, stride, pad):
    """For each output, the pixels of its window inside the image, and the window's clipped size."""
    height, width = shape[2:]
    for n, c, i, j in product(range(shape[0]), range(shape[1]), *map(range, output)):
        top, left = i * stride[0] - pad[0], j * stride[1] - pad[1]
        size = (min(top + kernel[0], height + pad[0]) - top) * (
            min(left + kernel[1], width + pad[1]) - left
        )
        rows = range(max(top, 0), min(top + kernel[0], height))
        columns = range(max(left, 0), min(left + kernel[1], width))
        yield (n, c, i, j), [(n, c, h, w) for h in rows for w in columns], max(size, 1)


def drawn(name, ties=False):
    shape, output = SMALL[name][:2]
    rng = numpy.random.default_rng(len(name))
    x = rng.integers(-2, 3, shape).astype(float) if ties else rng.standard_normal(shape)
    return x, rng.standard_normal((*shape[:2], *output))


@each_backend
@each_case
@pytest.mark.parametrize("ties", [False, True])
def test_max(kind, name, ties):
    ops = make_ops(kind)
    x, dy = drawn(name, ties)
    y, bare, mask = (numpy.full(dy.shape, -7, t) for t in (float, float, "int32"))
    ops.max_pool(x, y, mask, *SMALL[name][2:])
    ops.max_pool(x, bare, None, *SMALL[name][2:])
    dx = numpy.full(x.shape, numpy.nan)
    ops.max_pool_grad(dy, mask, dx, *SMALL[name][2:])
    wanted = numpy.zeros(x.shape)
    for at, pixels, _ in windows(x.shape, *SMALL[name][1:]):
        first = max(
            pixels, key=lambda p: x[p], default=None
        )  # max returns the first of equal values
        value = LOWEST if first is None else x[first]
        assert y[at] == bare[at] == value
        assert mask[at] == (-1 if first is None else first[2] * x.shape[3] + first[3])
        if first is not None:
            wanted[first] += dy[at]
    assert_close(dx, wanted, 1e-14)


@each_backend
@each_case
def test_average(kind, name):
    ops = make_ops(kind)
    x, dy = drawn(name)
    y, wanted = numpy.full(dy.shape, numpy.nan), numpy.zeros(dy.shape)
    ops.ave_pool(x, y, *SMALL[name][2:])
    for at, pixels, size in windows(x.shape, *SMALL[name][1:]):
        wanted[at] = sum(x[p] for p in pixels) / size
    assert_close(y, wanted, 1e-13)

    def objective():
        ops.ave_pool(x, y, *SMALL[name][2:])
        return (y * dy).sum()

    dx = numpy.full(x.shape, numpy.nan)
    ops.ave_pool_grad(dy, dx, *SMALL[name][2:])
    if x.size < 300:
        assert_close(dx, numeric_gradient(objective, x), 1e-8)
    ops.ave_pool(x, y, *SMALL[name][2:])
    numpy.testing.assert_allclose((dx * x).sum(), (y * dy).sum(), rtol=1e-10)


@each_backend
@pytest.mark.parametrize("name", ["beyond the image", "stride beyond kernel", "global"])
def test_stochastic(kind, name):
    shape, output, kernel, stride, pad = SMALL[name]
    ops = make_ops(kind)
    x = numpy.abs(drawn(name)[0])
    uniform = numpy.random.default_rng(1).random((*shape[:2], *output))
    y, mean = numpy.empty(uniform.shape), numpy.empty(uniform.shape)
    mask = numpy.empty(uniform.shape, "int32")
    ops.stochastic_pool(x, y, mask, uniform, kernel, stride)
    ops.stochastic_pool_test(x, mean, kernel, stride)
    for at, pixels, _ in windows(shape, output, kernel, stride, pad):
        values = numpy.array([x[p] for p in pixels])
        pick = pixels[int(numpy.searchsorted(numpy.cumsum(values), uniform[at] * values.sum()))]
        assert y[at] == x[pick] and mask[at] == pick[2] * shape[3] + pick[3]
        numpy.testing.assert_allclose(mean[at], (values**2).sum() / values.sum())


@each_backend
@each_type
def test_max_of_nan_and_infinity(kind, dtype):
    """As in Caffe, only a larger value replaces the maximum, so NaN never does."""
    ops = make_ops(kind, dtype)
    for width in (4, 60):
        x = numpy.zeros((1, 1, 2, width), dtype)
        x[0, 0, :, :2] = numpy.nan
        x[0, 0, 0, 2:4] = [-numpy.inf, numpy.nan]
        x[0, 0, 1, 2:4] = [numpy.nan, numpy.inf]
        y = numpy.empty((1, 1, 1, width // 2), dtype)
        mask = numpy.empty(y.shape, "int32")
        ops.max_pool(x, y, mask, (2, 2), (2, 2), (0, 0))
        assert y[0, 0, 0, 0] == numpy.dtype(dtype).type(LOWEST) and mask[0, 0, 0, 0] == -1
        assert y[0, 0, 0, 1] == numpy.inf and mask[0, 0, 0, 1] == width + 3


@each_type
@pytest.mark.parametrize("kind", ["numpy", "native"])
def test_random_shapes(kind, dtype):
    ops, reference = make_ops(kind, dtype), Ops(dtype=dtype)
    rng = numpy.random.default_rng(5)
    for _ in range(60):
        shape = tuple(int(v) for v in rng.integers(1, (9, 40, 30, 60)))
        kernel, stride = (tuple(int(v) for v in rng.integers(1, 6, 2)) for _ in range(2))
        pad = tuple(int(v) for v in rng.integers(0, kernel))
        room = [shape[2 + axis] + 2 * pad[axis] - kernel[axis] for axis in (0, 1)]
        output = tuple(max(1, -(-room[axis] // stride[axis]) + 1) for axis in (0, 1))
        x = rng.integers(-9, 9, shape).astype(dtype)
        dy = rng.standard_normal((*shape[:2], *output)).astype(dtype)
        results = []
        for o in (reference, ops):
            y, average = numpy.full_like(dy, -5), numpy.full_like(dy, -5)
            mask = numpy.full(dy.shape, -5, "int32")
            dx, dx_average = numpy.full_like(x, -5), numpy.full_like(x, -5)
            o.max_pool(x, y, mask, kernel, stride, pad)
            o.max_pool_grad(dy, mask, dx, kernel, stride, pad)
            o.ave_pool(x, average, kernel, stride, pad)
            o.ave_pool_grad(dy, dx_average, kernel, stride, pad)
            results.append((y, mask, dx, average, dx_average))
        for got, wanted in zip(results[1], results[0], strict=True):
            assert_close(got, wanted, 1e-5 if dtype == "float32" else 1e-13)
