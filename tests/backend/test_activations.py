"""PReLU and bias with ReLU against loops, and the gradients of PReLU."""

import numpy
import pytest

from .cpu import assert_close, each_backend, make_ops, numeric_gradient

SHAPES = [(3, 5, 2, 4), (4, 70), (1, 3, 37), (2, 1, 9)]


def drawn(shape, seed=0):
    rng = numpy.random.default_rng(seed)
    x = rng.standard_normal(shape)
    x += 0.05 * numpy.sign(x)  # away from the kink
    return x, rng.standard_normal(shape[1]), rng.standard_normal(shape)


@each_backend
@pytest.mark.parametrize("shape", SHAPES)
def test_prelu(kind, shape):
    ops = make_ops(kind)
    x, slope, _ = drawn(shape)
    y = numpy.full(shape, numpy.nan)
    ops.prelu(x, slope, y)
    for place in numpy.ndindex(shape):
        wanted = x[place] if x[place] > 0 else slope[place[1]] * x[place]
        assert y[place] == pytest.approx(wanted, rel=1e-14)


@each_backend
@pytest.mark.parametrize("shape", SHAPES)
def test_prelu_gradients(kind, shape):
    ops = make_ops(kind)
    x, slope, dy = drawn(shape, seed=1)
    y = numpy.empty(shape)

    def objective():
        ops.prelu(x, slope, y)
        return (y * dy).sum()

    wanted = numeric_gradient(objective, x), numeric_gradient(objective, slope)
    dx, dslope = numpy.full(shape, numpy.nan), numpy.full(shape[1], 2.0)
    ops.prelu_grad(x, slope, dy, dx)
    ops.prelu_grad_slope(x, dy, dslope)
    assert_close(dx, wanted[0], 1e-8)
    assert_close(dslope - 2, wanted[1], 1e-8)


@each_backend
@pytest.mark.parametrize("slope", [0.0, 0.3])
@pytest.mark.parametrize("shape", SHAPES)
def test_bias_relu(kind, shape, slope):
    ops = make_ops(kind)
    x, bias, _ = drawn(shape, seed=2)
    y = x.copy()
    ops.bias_relu(y, bias, slope)
    for place in numpy.ndindex(shape):
        value = x[place] + bias[place[1]]
        wanted = value if value > 0 else slope * value
        assert y[place] == pytest.approx(wanted, rel=1e-14, abs=1e-300)
