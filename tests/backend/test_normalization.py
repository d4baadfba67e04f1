"""Local response and batch normalization against their formulas, and their gradients."""

import numpy
import pytest

from caffe_lite.backend import Ops
from tests.backend.cpu import assert_close, each_backend, each_type, make_ops, numeric_gradient

# (x shape, size, alpha, beta, k), with large alpha so that every channel of the window matters.
LRN = {
    "CaffeNet's, but alpha": ((2, 7, 3, 4), 5, 1.3, 0.75, 1.0),
    "window of 3, other beta and k": ((1, 5, 2, 3), 3, 0.7, 0.6, 2.5),
    "window beyond the channels": ((2, 2, 3, 2), 7, 1.1, 1.2, 1.5),
    "even window": ((1, 6, 2, 2), 4, 0.9, 0.75, 1.2),
}


@each_backend
@pytest.mark.parametrize("name", LRN)
def test_lrn_equals_its_formula(kind, name):
    ops = make_ops(kind)
    shape, size, alpha, beta, k = LRN[name]
    x = numpy.random.default_rng(2).standard_normal(shape)
    y, scale = numpy.empty(shape), numpy.empty(shape)
    ops.lrn_across(x, y, scale, size, alpha, beta, k)
    for n, c, h, w in numpy.ndindex(*shape):
        total = sum(
            x[n, other, h, w] ** 2
            for other in range(c - (size - 1) // 2, c - (size - 1) // 2 + size)
            if 0 <= other < shape[1]
        )
        wanted = k + alpha / size * total
        numpy.testing.assert_allclose(scale[n, c, h, w], wanted, rtol=1e-13)
        numpy.testing.assert_allclose(y[n, c, h, w], x[n, c, h, w] * wanted**-beta, rtol=1e-13)


@each_backend
@pytest.mark.parametrize("name", LRN)
def test_lrn_gradient(kind, name):
    ops = make_ops(kind)
    shape, *rest = LRN[name]
    rng = numpy.random.default_rng(3)
    x, dy = rng.standard_normal(shape), rng.standard_normal(shape)
    y, scale, dx = numpy.empty(shape), numpy.empty(shape), numpy.full(shape, numpy.nan)

    def objective():
        ops.lrn_across(x, y, scale, *rest)
        return (y * dy).sum()

    wanted = numeric_gradient(objective, x)
    objective()
    ops.lrn_across_grad(x, y, scale, dy, dx, *rest[:3])
    assert_close(dx, wanted, 1e-8)


@each_type
@pytest.mark.parametrize("kind", ["numpy", "native"])
def test_lrn_over_strips(kind, dtype):
    """Many pixels and channels: strips, slices and threads end inside the image."""
    ops, reference = make_ops(kind, dtype), Ops(dtype=dtype)
    rng = numpy.random.default_rng(4)
    for shape in ((5, 96, 27, 29), (2, 700, 9, 13), (33, 3, 40, 41)):
        x, dy = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
        results = []
        for o in (reference, ops):
            y, scale, dx = (numpy.full_like(x, numpy.nan) for _ in range(3))
            o.lrn_across(x, y, scale, 5, 0.8, 0.75, 1.1)
            o.lrn_across_grad(x, y, scale, dy, dx, 5, 0.8, 0.75)
            results.append((y, scale, dx))
        for got, wanted in zip(results[1], results[0], strict=True):
            assert_close(got, wanted, 2e-6 if dtype == "float32" else 1e-14)


@each_backend
def test_lrn_keeps_nan_to_its_window(kind):
    ops = make_ops(kind)
    x = numpy.random.default_rng(5).standard_normal((1, 9, 2, 3))
    x[0, 4, 1, 1] = numpy.nan
    y, scale = numpy.empty_like(x), numpy.empty_like(x)
    with ops.quiet():
        ops.lrn_across(x, y, scale, 3, 1.0, 0.75, 1.0)
    wanted = numpy.zeros(x.shape, bool)
    wanted[0, 3:6, 1, 1] = True
    numpy.testing.assert_array_equal(numpy.isnan(y), wanted)


@each_backend
@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (1, 2, 7, 3), (6, 5), (4, 3, 11)])
def test_batch_norm(kind, shape):
    ops = make_ops(kind)
    rng = numpy.random.default_rng(6)
    x, dy = rng.standard_normal(shape) * 3 + 5, rng.standard_normal(shape)
    mean, var = numpy.empty(shape[1]), numpy.empty(shape[1])
    y, dx = numpy.empty(shape), numpy.empty(shape)
    eps = 1e-12  # the gradient's formula assumes that mean(y^2) is 1

    def objective():
        ops.batch_norm_stats(x, mean, var)
        ops.batch_norm_apply(x, mean, numpy.sqrt(var + eps), y)
        return (y * dy).sum()

    numeric = numeric_gradient(objective, x)
    objective()
    for c in range(shape[1]):
        numpy.testing.assert_allclose(mean[c], x[:, c].mean(), rtol=1e-13)
        numpy.testing.assert_allclose(var[c], x[:, c].var(), rtol=1e-12)
    ops.batch_norm_grad(y, numpy.sqrt(var + eps), dy, dx)
    assert_close(dx, numeric, 1e-6)
    in_place = x.copy()
    ops.batch_norm_apply(in_place, mean, numpy.sqrt(var + eps), in_place)
    numpy.testing.assert_array_equal(in_place, y)
