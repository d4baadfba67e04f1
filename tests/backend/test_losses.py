"""Softmax and cross-entropy against their formulas row by row, and their gradients."""

import math

import numpy
import pytest

from caffe_lite.backend import Ops
from tests.backend.cpu import assert_close, each_backend, each_type, make_ops, numeric_gradient

FLT_MIN = float(numpy.finfo("float32").tiny)
SHAPES = [(3, 5, 4), (4, 7, 1), (1, 3, 70), (2, 40, 1)]
each_shape = pytest.mark.parametrize("shape", SHAPES)


@each_backend
@each_shape
def test_softmax(kind, shape):
    ops = make_ops(kind)
    rng = numpy.random.default_rng(1)
    x, dy = rng.standard_normal(shape) * 2, rng.standard_normal(shape)
    y, dx = numpy.empty(shape), numpy.empty(shape)

    def objective():
        ops.softmax(x, y)
        return (y * dy).sum()

    numeric = numeric_gradient(objective, x)
    objective()
    for n, j in numpy.ndindex(shape[0], shape[2]):
        powers = [math.exp(v) for v in x[n, :, j]]
        numpy.testing.assert_allclose(y[n, :, j], [p / sum(powers) for p in powers], rtol=1e-12)
    ops.softmax_grad(y, dy, dx)
    assert_close(dx, numeric, 1e-8)
    in_place, grad_in_place = x.copy(), dy.copy()
    ops.softmax(in_place, in_place)
    ops.softmax_grad(y, grad_in_place, grad_in_place)
    numpy.testing.assert_array_equal(in_place, y)
    numpy.testing.assert_array_equal(grad_in_place, dx)


@each_backend
@each_type
def test_softmax_of_extremes(kind, dtype):
    ops = make_ops(kind, dtype)
    x = numpy.zeros((4, 37, 1), dtype)
    x[0, 5] = 1e4
    x[1, :, 0] = -1e4
    x[2, 3] = -numpy.inf
    x[3, 36] = numpy.nan
    y = numpy.empty_like(x)
    with ops.quiet():
        ops.softmax(x, y)
    assert y[0, 5, 0] == 1 and y[0].sum() == 1
    numpy.testing.assert_allclose(y[1], 1 / 37, rtol=1e-6)
    assert y[2, 3, 0] == 0
    numpy.testing.assert_allclose(y[2, 4:], 1 / 36, rtol=1e-6)
    assert numpy.isnan(y[3]).all(), "a row with NaN is not NaN"


@each_backend
@each_shape
@pytest.mark.parametrize("ignore", [None, 1, -1])
def test_loss(kind, shape, ignore):
    ops = make_ops(kind)
    rng = numpy.random.default_rng(2)
    x = rng.standard_normal(shape)
    label = rng.integers(0, shape[1], (shape[0], shape[2])).astype(float)
    if ignore == -1:
        label[0, 0] = -1
    prob, losses = numpy.empty(shape), numpy.empty(label.shape)

    def objective():
        ops.softmax(x, prob)
        return float(ops.softmax_loss(prob, label, ignore, losses)[0])

    numeric = numeric_gradient(objective, x)
    total, count = objective(), ops.softmax_loss(prob, label, ignore, losses)[1]
    wanted = 0
    for n, j in numpy.ndindex(*label.shape):
        loss = 0 if label[n, j] == ignore else -math.log(prob[n, int(label[n, j]), j])
        numpy.testing.assert_allclose(losses[n, j], loss, rtol=1e-12)
        wanted += loss
    numpy.testing.assert_allclose(total, wanted, rtol=1e-12)
    assert count.shape == () and count == (label != ignore).sum()
    for scale in (0.6, numpy.array(0.6)):
        dx = numpy.full(shape, numpy.nan)
        ops.softmax_loss_grad(prob, label, ignore, scale, dx)
        assert_close(dx, 0.6 * numeric, 1e-7)


@each_backend
@each_type
def test_loss_of_certainties(kind, dtype):
    """A probability of 0 gives the loss of FLT_MIN, NaN gives NaN, and labels are truncated."""
    ops = make_ops(kind, dtype)
    prob = numpy.array([[1, 0, 0], [1, 0, 0], [numpy.nan, 0, 0]], dtype).reshape(3, 3, 1)
    label, losses = numpy.array([[0.9], [1], [0]], dtype), numpy.empty((3, 1), dtype)
    total, count = ops.softmax_loss(prob, label, None, losses)
    numpy.testing.assert_allclose(losses[:2, 0], [0, -math.log(FLT_MIN)], rtol=1e-6)
    assert numpy.isnan(losses[2]) and numpy.isnan(total) and count == 3


@each_backend
def test_label_fault(kind):
    ops = make_ops(kind, "float32")
    label = numpy.array([[0, 2], [4, 255]], "float32")
    assert ops.label_fault(label, 5, 255) is None
    assert ops.label_fault(label, 5, None) == 255
    assert ops.label_fault(label, 4, 255) == 4
    assert ops.label_fault(numpy.array([[-1.0]], "float32"), 3, None) == -1
    assert numpy.isnan(ops.label_fault(numpy.array([[numpy.nan]], "float32"), 3, None))


@each_backend
def test_labels_out_of_range_touch_no_other_memory(kind):
    ops = make_ops(kind, "float32")
    prob = numpy.full((6, 3, 1), 1 / 3, "float32")
    label = numpy.array([-5, 3, 1e9, -1e9, numpy.inf, numpy.nan], "float32").reshape(6, 1)
    losses, dx = numpy.empty((6, 1), "float32"), numpy.empty_like(prob)
    with ops.quiet():
        ops.softmax_loss(prob, label, None, losses)
        ops.softmax_loss_grad(prob, label, None, 1.0, dx)
    numpy.testing.assert_allclose(losses, math.log(3), rtol=1e-6)
    numpy.testing.assert_allclose(dx.sum(axis=1), 0, atol=1e-6)


@each_type
@pytest.mark.parametrize("kind", ["numpy", "native"])
def test_many_classes(kind, dtype):
    ops, reference = make_ops(kind, dtype), Ops(dtype=dtype)
    rng = numpy.random.default_rng(3)
    for shape in ((230, 801, 1), (7, 30, 333)):
        x = (rng.standard_normal(shape) * 6).astype(dtype)
        dy = rng.random(shape).astype(dtype)
        label = rng.integers(0, shape[1], (shape[0], shape[2])).astype(dtype)
        results = []
        for o in (reference, ops):
            prob, dx, dsoftmax = (numpy.full_like(x, numpy.nan) for _ in range(3))
            losses = numpy.empty_like(label)
            o.softmax(x, prob)
            total, count = o.softmax_loss(prob, label, 3, losses)
            o.softmax_loss_grad(prob, label, 3, 0.01, dx)
            o.softmax_grad(prob, dy, dsoftmax)
            results.append((prob, losses, total, count, dx, dsoftmax))
        for got, wanted in zip(results[1], results[0], strict=True):
            assert_close(got, wanted, 3e-6 if dtype == "float32" else 1e-13)
