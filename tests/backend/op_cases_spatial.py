"""Cases of convolution, pooling and normalization."""

import math

import numpy

from caffe_lite.backend import ConvGeometry
from tests.backend.op_case_base import CASES, Results, blank, case, hosts, named, normal

# Convolution: (x shape, outputs, geometry)
CONVOLUTIONS = {
    "stride and pad": ((3, 4, 7, 9), 6, ConvGeometry((3, 2), (2, 1), (1, 2), (1, 1))),
    "dilation": ((2, 3, 9, 8), 5, ConvGeometry((3, 2), (1, 2), (2, 1), (2, 3))),
    "groups": ((2, 6, 6, 5), 9, ConvGeometry((3, 3), (1, 2), (0, 1), (1, 1), 3)),
    "one image": ((1, 3, 8, 7), 4, ConvGeometry((5, 4), (3, 2), (2, 0), (1, 1))),
    "pointwise": ((3, 5, 4, 6), 7, ConvGeometry((1, 1), (1, 1), (0, 0), (1, 1))),
    "pointwise groups": ((2, 6, 3, 5), 4, ConvGeometry((1, 1), (1, 1), (0, 0), (1, 1), 2)),
    "pointwise stride": ((2, 3, 5, 7), 4, ConvGeometry((1, 1), (2, 3), (0, 0), (1, 1))),
    "stride beyond kernel": ((2, 3, 9, 8), 4, ConvGeometry((2, 1), (3, 4), (1, 0), (1, 1))),
    "depthwise": ((2, 5, 7, 6), 5, ConvGeometry((3, 2), (2, 1), (1, 1), (1, 2), 5)),
    "depthwise times 3": ((3, 2, 6, 7), 6, ConvGeometry((2, 3), (1, 2), (0, 2), (2, 1), 2)),
    "one axis": ((3, 4, 11), 5, ConvGeometry((4,), (2,), (1,), (2,))),
    "three axes": (
        (2, 4, 4, 5, 6),
        6,
        ConvGeometry((2, 3, 1), (1, 2, 2), (1, 0, 1), (2, 1, 1), 2),
    ),
}


def _convolution(shape, outputs, g, with_bias):
    def run(ops, rng):
        x = normal(ops, rng, *shape)
        weight = normal(ops, rng, outputs, shape[1] // g.group, *g.kernel)
        bias = normal(ops, rng, outputs) if with_bias else None
        y = blank(ops, shape[0], outputs, *g.output(shape[2:]))
        ops.convolution(x, weight, bias, y, g)
        dy = normal(ops, rng, *y.shape)
        dx = blank(ops, *shape)
        ops.convolution_grad_data(dy, weight, dx, g)
        dweight = normal(ops, rng, *weight.shape)
        ops.convolution_grad_weight(x, dy, dweight, g)
        columns = blank(ops, shape[0], shape[1] * math.prod(g.kernel), *y.shape[2:])
        ops.im2col(x, columns, g)
        back = blank(ops, *shape)
        ops.col2im(normal(ops, rng, *columns.shape), back, g)
        return hosts(ops, y=y, dx=dx, dweight=dweight, columns=columns, back=back)

    return run


def _convolution_relu(shape, outputs, g):
    def run(ops, rng):
        weight = normal(ops, rng, outputs, shape[1] // g.group, *g.kernel)
        y = blank(ops, shape[0], outputs, *g.output(shape[2:]))
        bias = normal(ops, rng, outputs)
        ops.convolution_relu(normal(ops, rng, *shape), weight, bias, y, g, 0.3)
        return hosts(ops, y=y)

    return run


for _name, (_shape, _outputs, _geometry) in CONVOLUTIONS.items():
    CASES[f"convolution, {_name}"] = _convolution(_shape, _outputs, _geometry, True)
for _name in ("stride and pad", "depthwise", "pointwise groups", "one axis"):
    CASES[f"convolution with relu, {_name}"] = _convolution_relu(*CONVOLUTIONS[_name])
CASES["convolution, no bias"] = _convolution(*CONVOLUTIONS["stride and pad"], False)
CASES["convolution, pointwise without bias"] = _convolution(*CONVOLUTIONS["pointwise"], False)


# Pooling: (x shape, output shape, kernel, stride, pad)
POOLINGS = {
    "overlapping": ((2, 3, 7, 9), (4, 5), (3, 2), (2, 2), (1, 0)),
    "one image": ((1, 2, 5, 6), (3, 2), (2, 3), (2, 3), (0, 0)),
    "rounded up": ((2, 1, 8, 7), (4, 4), (3, 3), (2, 2), (0, 0)),
    "global": ((3, 4, 5, 6), (1, 1), (5, 6), (1, 1), (0, 0)),
    "pad on both": ((2, 2, 6, 5), (4, 4), (4, 3), (2, 1), (2, 1)),
    "beyond the image": ((1, 2, 4, 5), (4, 4), (2, 2), (2, 3), (0, 0)),
}


def _pooling(shape, output, kernel, stride, pad):
    def run(ops, rng):
        x = normal(ops, rng, *shape)
        dy = normal(ops, rng, *shape[:2], *output)
        y, no_mask = blank(ops, *dy.shape), blank(ops, *dy.shape)
        mask = blank(ops, *dy.shape, dtype="int32")
        ops.max_pool(x, y, mask, kernel, stride, pad)
        ops.max_pool(x, no_mask, None, kernel, stride, pad)
        dx = blank(ops, *shape)
        ops.max_pool_grad(dy, mask, dx, kernel, stride, pad)
        average, daverage = blank(ops, *dy.shape), blank(ops, *shape)
        ops.ave_pool(x, average, kernel, stride, pad)
        ops.ave_pool_grad(dy, daverage, kernel, stride, pad)
        return hosts(
            ops, y=y, no_mask=no_mask, mask=mask, dx=dx, average=average, daverage=daverage
        )

    return run


for _name, _arguments in POOLINGS.items():
    CASES[f"pooling, {_name}"] = _pooling(*_arguments)


@case("pooling, ties, infinities and NaN")
def _(ops, rng):
    host = rng.integers(0, 3, (2, 2, 6, 6)).astype(float)
    host[0, 0, :3, :3] = -numpy.inf
    host[0, 1, 2:4, 2:4] = numpy.nan
    host[1, 0, 3, 3] = numpy.inf
    x = ops.asarray(host)
    y, mask = blank(ops, 2, 2, 3, 3), blank(ops, 2, 2, 3, 3, dtype="int32")
    ops.max_pool(x, y, mask, (2, 2), (2, 2), (0, 0))
    dx = blank(ops, *x.shape)
    ops.max_pool_grad(normal(ops, rng, *y.shape), mask, dx, (2, 2), (2, 2), (0, 0))
    wide, taken = blank(ops, 2, 2, 2, 2), blank(ops, 2, 2, 2, 2, dtype="int32")
    ops.max_pool(x, wide, taken, (5, 4), (1, 2), (0, 0))
    return hosts(ops, y=y, mask=mask, dx=dx, wide=wide, taken=taken)


@case("pooling, stochastic")
def _(ops, rng):
    host = rng.random((2, 3, 7, 8)) * (rng.random((2, 3, 7, 8)) < 0.6)
    host[0, 0, :3, :3] = 0
    x = ops.asarray(host)
    shape = (2, 3, 4, 3)
    y, mask, mean = blank(ops, *shape), blank(ops, *shape, dtype="int32"), blank(ops, *shape)
    # A threshold within rounding of a running sum may fall on either side: keep away from both.
    uniform = ops.asarray(rng.random(shape) * 0.98 + 0.01)
    ops.stochastic_pool(x, y, mask, uniform, (3, 2), (2, 3))
    ops.stochastic_pool_test(x, mean, (3, 2), (2, 3))
    return hosts(ops, y=y, mask=mask, mean=mean)


def _lrn(shape, size, alpha, beta, k):
    def run(ops, rng):
        x = normal(ops, rng, *shape)
        y, scale, dx = (blank(ops, *shape) for _ in range(3))
        ops.lrn_across(x, y, scale, size, alpha, beta, k)
        ops.lrn_across_grad(x, y, scale, normal(ops, rng, *shape), dx, size, alpha, beta)
        return hosts(ops, y=y, scale=scale, dx=dx)

    return run


CASES["lrn across channels"] = _lrn((2, 7, 3, 5), 5, 0.9, 0.75, 1.3)
CASES["lrn, window of even size"] = _lrn((1, 6, 4, 3), 4, 1.7, 0.6, 2.0)
CASES["lrn, window beyond the channels"] = _lrn((3, 2, 2, 5), 7, 0.8, 1.4, 1.0)
CASES["lrn, window of five beyond the channels"] = _lrn((3, 2, 1, 4), 5, 0.8, 1.4, 1.0)
CASES["lrn, many channels"] = _lrn((2, 37, 2, 3), 5, 1.1, 0.75, 0.7)
CASES["lrn, many channels, window of three"] = _lrn((1, 19, 3, 2), 3, 1.1, 0.75, 1.0)


def _batch_norm(*shape):
    def run(ops, rng):
        x = ops.asarray(rng.standard_normal(shape) * 2 + 3)
        mean, var = blank(ops, shape[1]), blank(ops, shape[1])
        ops.batch_norm_stats(x, mean, var)
        std = ops.xp.sqrt(var + 0.1)
        y, dx = blank(ops, *shape), blank(ops, *shape)
        ops.batch_norm_apply(x, mean, std, y)
        ops.batch_norm_grad(y, std, normal(ops, rng, *shape), dx)
        return hosts(ops, mean=mean, var=var, y=y, dx=dx)

    return run


for _shape in ((5, 3, 4, 7), (1, 2, 9, 5), (7, 4), (3, 5, 11), (40, 2, 3, 3)):
    CASES[f"batch norm of {_shape}"] = _batch_norm(*_shape)


# Regions of interest: image, x1, y1, x2, y2, in pixels of a picture four times as large.
REGIONS = [
    (0, 0, 0, 43, 35),
    (1, 6, 2, 20, 30),  # halves, which round away from zero
    (1, 9, 9, 9, 9),  # one pixel, in more windows than pixels
    (0, 30, 20, 10, 5),  # turned round: one pixel
    (0, -22, 20, 20, 100),  # beyond the image on both sides
    (1, 100, 100, 140, 140),  # outside it
    (2, 0, 0, 9, 9),  # of an image that is not there
    (-1, 0, 0, 9, 9),
    (0, numpy.nan, 0, 9, 9),
]


@case("roi pooling")
def _(ops, rng):
    x, rois = normal(ops, rng, 2, 3, 9, 11), ops.asarray(numpy.array(REGIONS, float))
    outs: Results = {}
    for output in ((3, 4), (2, 1)):
        shape = (len(REGIONS), 3, *output)
        y, mask = blank(ops, *shape), blank(ops, *shape, dtype="int32")
        ops.roi_pool(x, rois, y, mask, 0.25)
        dx = blank(ops, *x.shape)
        ops.roi_pool_grad(normal(ops, rng, *shape), rois, mask, dx)
        outs |= named(output, y=y, mask=mask, dx=dx)
    return hosts(ops, **outs)


@case("roi pooling, ties, infinities and NaN")
def _(ops, rng):
    host = rng.integers(0, 3, (2, 2, 6, 6)).astype(float)
    host[0, 0, :3, :3] = -numpy.inf
    host[0, 1, 2:4, 2:4] = numpy.nan
    host[1, 0, 3, 3] = numpy.inf
    rois = ops.asarray(numpy.array([(0, 0, 0, 5, 5), (0, 2, 2, 3, 3), (1, 1, 0, 4, 5)], float))
    y, mask = blank(ops, 3, 2, 2, 2), blank(ops, 3, 2, 2, 2, dtype="int32")
    ops.roi_pool(ops.asarray(host), rois, y, mask, 1.0)
    return hosts(ops, y=y, mask=mask)
