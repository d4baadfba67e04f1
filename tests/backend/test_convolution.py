"""Convolution against loops written from its formula, its gradients, and many odd shapes."""

from itertools import product

import numpy
import pytest

from caffe_lite.backend import ConvGeometry, Ops
from tests.backend.cpu import assert_close, each_backend, each_type, make_ops, numeric_gradient

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}

# (x shape, outputs, geometry); every hyper-parameter differs from its default in some case.
SMALL = {
    "plain": ((2, 3, 5, 6), 4, ConvGeometry((3, 2), (1, 1), (0, 0), (1, 1))),
    "all at once": ((2, 4, 7, 6), 6, ConvGeometry((3, 2), (2, 1), (1, 2), (2, 3), 2)),
    "one axis": ((3, 2, 9), 3, ConvGeometry((4,), (2,), (3,), (1,))),
    "three axes": ((1, 2, 4, 3, 5), 2, ConvGeometry((2, 3, 2), (1, 2, 3), (1, 1, 0), (1, 1, 2))),
    "depthwise": ((2, 3, 5, 4), 6, ConvGeometry((3, 3), (2, 1), (1, 1), (1, 1), 3)),
    "stride beyond kernel": ((1, 2, 8, 7), 3, ConvGeometry((2, 1), (3, 4), (1, 0), (1, 1))),
    "pad beyond kernel": ((2, 1, 3, 2), 2, ConvGeometry((2, 3), (1, 2), (3, 4), (1, 1))),
    "long kernel and stride": ((2, 1, 420), 2, ConvGeometry((300,), (70,), (11,), (1,))),
    "pixels that no tap meets": ((1, 2, 6, 9), 2, ConvGeometry((1, 2), (1, 4), (0, 0), (1, 1))),
}


def by_loops(x, weight, bias, g):
    """y[n, o, p] = bias[o] + sum over channels and taps, with zeros outside the image."""
    y = numpy.zeros((len(x), len(weight), *g.output(x.shape[2:])))
    per_group = len(weight) // g.group
    for n, o, *p in product(*map(range, y.shape)):
        y[n, o, *p] = bias[o]
        for c, *tap in product(*map(range, weight.shape[1:])):
            at = [p[i] * g.stride[i] - g.pad[i] + tap[i] * g.dilation[i] for i in range(len(tap))]
            if all(0 <= a < size for a, size in zip(at, x.shape[2:], strict=True)):
                channel = o // per_group * weight.shape[1] + c
                y[n, o, *p] += weight[o, c, *tap] * x[n, channel, *at]
    return y


def arrays(ops, shape, outputs, g, seed=0):
    rng = numpy.random.default_rng(seed)
    x = rng.standard_normal(shape)
    weight = rng.standard_normal((outputs, shape[1] // g.group, *g.kernel))
    bias, dy = (
        rng.standard_normal(outputs),
        rng.standard_normal((shape[0], outputs, *g.output(shape[2:]))),
    )
    return [a.astype(ops.dtype) for a in (x, weight, bias, dy)]


@each_backend
@pytest.mark.parametrize("name", SMALL)
def test_forward_equals_loops(kind, name):
    ops = make_ops(kind)
    shape, outputs, g = SMALL[name]
    x, weight, bias, dy = arrays(ops, shape, outputs, g)
    y = numpy.full(dy.shape, numpy.nan)
    ops.convolution(x, weight, bias, y, g)
    assert_close(y, by_loops(x, weight, bias, g), 1e-13)


@each_backend
@pytest.mark.parametrize("name", SMALL)
def test_gradients(kind, name):
    ops = make_ops(kind)
    shape, outputs, g = SMALL[name]
    x, weight, bias, dy = arrays(ops, shape, outputs, g, seed=1)
    y = numpy.empty_like(dy)

    def objective():
        ops.convolution(x, weight, bias, y, g)
        return (y * dy).sum()

    dx = numpy.full(x.shape, numpy.nan)
    ops.convolution_grad_data(dy, weight, dx, g)
    assert_close(dx, numeric_gradient(objective, x), 1e-7, "dx")
    dweight = numpy.ones(weight.shape)
    ops.convolution_grad_weight(x, dy, dweight, g)
    assert_close(dweight - 1, numeric_gradient(objective, weight), 1e-7, "dweight")


def random_case(rng):
    """Random sizes, so that tiles, panels, phases and runs of images end at different places."""
    group = int(rng.choice([1, 1, 2, 3]))
    channels, outputs = (int(rng.integers(1, 20)) * group for _ in range(2))
    if rng.random() < 0.2:
        channels, outputs = group, group * int(rng.integers(1, 4))
    kernel, stride, pad, dilation = (
        tuple(int(v) for v in rng.integers(low, high, 2))
        for low, high in ((1, 6), (1, 4), (0, 4), (1, 3))
    )
    g = ConvGeometry(kernel, stride, pad, dilation, group)
    size = tuple(int(v) for v in rng.integers(1, 40, 2))
    return (int(rng.choice([1, 2, 5, 17])), channels, *size), outputs, g


@each_type
@pytest.mark.parametrize("kind", ["numpy", "native"])
def test_random_shapes(kind, dtype):
    ops, reference = make_ops(kind, dtype), Ops(dtype=dtype)
    rng = numpy.random.default_rng(7)
    tried = 0
    while tried < 100:
        shape, outputs, g = random_case(rng)
        if min(g.output(shape[2:])) < 1:
            continue
        tried += 1
        x, weight, bias, dy = arrays(ops, shape, outputs, g)
        wanted = [numpy.empty_like(dy), numpy.empty_like(x), weight.copy()]
        got = [numpy.full_like(dy, numpy.nan), numpy.full_like(x, numpy.nan), weight.copy()]
        for o, (y, dx, dweight) in ((reference, wanted), (ops, got)):
            o.convolution(x, weight, bias, y, g)
            o.convolution_grad_data(dy, weight, dx, g)
            o.convolution_grad_weight(x, dy, dweight, g)
        for name, a, b in zip(("y", "dx", "dweight"), got, wanted, strict=True):
            assert_close(a, b, TOLERANCE[dtype], f"{name} of x {shape}, {outputs} outputs, {g}")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["numpy", "native"])
def test_float32_keeps_its_digits_over_large_sums(kind):
    shape, outputs = (3, 24, 61, 63), 20
    g = ConvGeometry((5, 3), (1, 1), (2, 1), (1, 1))
    single, exact = make_ops(kind, "float32"), Ops(dtype="float64")
    x, weight, bias, dy = arrays(exact, shape, outputs, g)
    results = {}
    for ops in (single, exact):
        y, dx, dweight = (ops.zeros(a.shape) for a in (dy, x, weight))
        some = [ops.asarray(a) for a in (x, weight, bias, dy)]
        ops.convolution(*some[:3], y, g)
        ops.convolution_grad_data(some[3], some[1], dx, g)
        ops.convolution_grad_weight(some[0], some[3], dweight, g)
        results[ops] = y, dx, dweight
    for got, wanted in zip(results[single], results[exact], strict=True):
        assert_close(got, wanted, 5e-6)


@each_backend
def test_nan_and_infinity_reach_the_outputs_that_see_them(kind):
    ops = make_ops(kind)
    g = ConvGeometry((3, 3), (1, 1), (1, 1), (1, 1))
    x, weight, bias, dy = arrays(ops, (2, 2, 7, 8), 9, g)
    y, dx, dweight = numpy.empty_like(dy), numpy.empty_like(x), numpy.zeros_like(weight)
    x[0, 1, 3, 4] = numpy.nan
    dy[1, 5, 0, 7] = numpy.inf
    with ops.quiet():
        ops.convolution(x, weight, bias, y, g)
        ops.convolution_grad_data(dy, weight, dx, g)
        ops.convolution_grad_weight(x, dy, dweight, g)
    window = numpy.zeros(y.shape, bool)
    window[0, :, 2:5, 3:6] = True
    numpy.testing.assert_array_equal(numpy.isnan(y), window)
    touched = numpy.zeros(x.shape, bool)
    touched[1, :, :2, 6:] = True
    numpy.testing.assert_array_equal(numpy.isinf(dx), touched)
    assert not numpy.isfinite(dweight[5]).any(), "infinity in dy did not reach its output's weights"
    assert numpy.isnan(dweight[0, 1]).all(), "NaN in x did not reach its channel's weights"


@each_backend
def test_im2col_and_back(kind):
    ops = make_ops(kind)
    for shape, _, g in SMALL.values():
        rng = numpy.random.default_rng(3)
        x = rng.standard_normal(shape)
        columns = numpy.empty((shape[0], shape[1] * g.taps, *g.output(shape[2:])))
        ops.im2col(x, columns, g)
        # Convolution with a weight of 1 at one tap gives that tap's column.
        tap = g.taps - 1
        unit = numpy.zeros((1, 1, *g.kernel))
        unit.reshape(-1)[tap] = 1
        one = ConvGeometry(g.kernel, g.stride, g.pad, g.dilation)
        picked = by_loops(x[:, -1:], unit, numpy.zeros(1), one)
        numpy.testing.assert_array_equal(columns[:, -1:], picked)
        # col2im is the transpose of im2col.
        other, back = rng.standard_normal(columns.shape), numpy.empty_like(x)
        ops.col2im(other, back, g)
        numpy.testing.assert_allclose((back * x).sum(), (other * columns).sum(), rtol=1e-10)
