"""Normalization, and factors and summands for each channel."""

import numpy as np

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.layers.elementwise import affine
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.layers.batch_norm import BatchNorm
from caffe_lite.layers.bias import Bias
from caffe_lite.layers.lrn import LRN
from caffe_lite.layers.mvn import MVN
from caffe_lite.layers.reduction import Reduction
from caffe_lite.layers.scale import Scale
from caffe_lite.proto import schema
from caffe_lite.types import Array


@translates(LRN)
def lrn(site: Site) -> list[Tensor]:
    param, x = site.layer.param.lrn_param, site.x[0]
    size = param.local_size
    if param.norm_region != schema.LRNParameter.WITHIN_CHANNEL:
        y = site.op("LRN", x, alpha=param.alpha, beta=param.beta, bias=param.k, size=size)
        return [y]
    mean = site.op(
        "AveragePool",
        site.op("Mul", x, x),
        kernel_shape=[size, size],
        pads=[size // 2] * 4,
        count_include_pad=1,
    )
    scale = affine(site, mean, param.alpha, 1)
    return [site.op("Mul", x, site.op("Pow", scale, site.graph.floats(-param.beta)))]


@translates(MVN)
def mvn(site: Site) -> list[Tensor]:
    param, shape = site.layer.param.mvn_param, site.shapes[0]
    x = site.x[0]
    if len(shape) < 4:
        x = site.as_shape(x, [*site.sizes(range(len(shape))), *[1] * (4 - len(shape))])
    axes = [1, 2, 3] if param.across_channels else [2, 3]
    centred = site.op("Sub", x, site.graph.reduce("ReduceMean", x, axes))
    if not param.normalize_variance:
        return [centred]
    squares = site.graph.reduce("ReduceMean", site.op("Mul", centred, centred), axes)
    deviation = affine(site, site.op("Sqrt", squares), 1, param.eps)
    return [site.op("Div", centred, deviation)]


@translates(BatchNorm)
def batch_norm(site: Site) -> list[Tensor]:
    if not uses_averages(site):
        return [batch_normalized(site, site.layer.param.batch_norm_param.eps)]
    mean, var = batch_norm_averages(site)
    return [normalized(site, mean, var, site.layer.param.batch_norm_param.eps)]


def uses_averages(site: Site) -> bool:
    """Whether a layer of Caffe's BatchNormParameter takes the running averages."""
    param = site.layer.param.batch_norm_param
    if param.HasField("use_global_stats"):
        return bool(param.use_global_stats)
    return not site.layer.train


def batch_norm_averages(site: Site) -> tuple[Array, Array]:
    """Mean and variance: the sums in blobs 0 and 1 over the weight in blob 2."""
    weight = site.values(2).reshape(())
    factor = np.float32(0) if weight == 0 else np.float32(1) / weight
    return site.values(0) * factor, site.values(1) * factor


def normalized(
    site: Site,
    mean: Array,
    var: Array,
    eps: float,
    scale: Array | None = None,
    shift: Array | None = None,
) -> Tensor:
    """scale * (x - mean) / sqrt(var + eps) + shift, by channel."""
    graph, channels = site.graph, mean.size
    one_axis = len(site.shapes[0]) == 1
    x = graph.reshape(site.x[0], [-1, 1]) if one_axis else site.x[0]
    factors = [
        np.ones(channels, np.float32) if scale is None else scale.reshape(-1),
        np.zeros(channels, np.float32) if shift is None else shift.reshape(-1),
        mean.reshape(-1),
        var.reshape(-1),
    ]
    names = ("scale", "shift", "mean", "var")
    constants = [
        graph.constant(values.astype(np.float32), name=graph.fresh(name))
        for name, values in zip(names, factors, strict=True)
    ]
    y = site.op("BatchNormalization", x, *constants, epsilon=eps)
    return graph.reshape(y, [-1]) if one_axis else y


def batch_normalized(site: Site, eps: float) -> Tensor:
    """(x - mean) / sqrt(var + eps) with the mean and variance of the batch."""
    graph, x = site.graph, site.x[0]
    axes = [axis for axis in range(len(site.shapes[0])) if axis != 1]
    centred = site.op("Sub", x, graph.reduce("ReduceMean", x, axes))
    var = graph.reduce("ReduceMean", site.op("Mul", centred, centred), axes)
    return site.op("Div", centred, site.op("Sqrt", affine(site, var, 1, eps)))


@translates(Scale)
def scale(site: Site) -> list[Tensor]:
    param = site.layer.param.scale_param
    y = site.op("Mul", site.x[0], _coefficient(site, param.axis))
    if param.bias_term:
        last = len(site.layer.blobs) - 1
        y = site.op("Add", y, _learned(site, last, param.axis))
    return [y]


@translates(Bias)
def bias(site: Site) -> list[Tensor]:
    return [site.op("Add", site.x[0], _coefficient(site, site.layer.param.bias_param.axis))]


def _coefficient(site: Site, axis: int) -> Tensor:
    """The second bottom, or the first learned blob, with axes of size 1 behind it."""
    if len(site.x) == 1:
        return _learned(site, 0, axis)
    count = len(site.shapes[1])
    after = len(site.shapes[0]) - axis % len(site.shapes[0]) - count
    if not count or not after:
        return site.x[1]
    return site.graph.unsqueeze(site.x[1], range(count, count + after))


def _learned(site: Site, i: int, axis: int) -> Tensor:
    values = site.values(i)
    after = len(site.shapes[0]) - axis % len(site.shapes[0]) - values.ndim
    if not values.ndim or not after:
        return site.weight(i)
    return site.weight_as(i, values.reshape(*values.shape, *(1,) * after))


@translates(Reduction)
def reduction(site: Site) -> list[Tensor]:
    param, axes = site.layer.param.reduction_param, len(site.shapes[0])
    kinds = schema.ReductionParameter
    op = {
        kinds.SUM: "ReduceSum",
        kinds.ASUM: "ReduceL1",
        kinds.SUMSQ: "ReduceSumSquare",
        kinds.MEAN: "ReduceMean",
    }[param.operation]
    y = site.graph.reduce(op, site.x[0], range(param.axis % axes, axes), keep=False)
    return [affine(site, y, param.coeff, 0)]
