"""Layers of mobile nets: depthwise convolutions, bounded rectifiers, shuffled channels."""

from collections.abc import Iterable, Sequence

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.layers.convolutions import convolved, geometry_of
from caffe_lite.export.onnx.layers.elementwise import affine
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.forks.mobile.axpy import Axpy
from caffe_lite.forks.mobile.convolution import Convolution
from caffe_lite.forks.mobile.depthwise_convolution import DepthwiseConvolution
from caffe_lite.forks.mobile.relu6 import ReLU6
from caffe_lite.forks.mobile.shuffle_channel import ShuffleChannel
from caffe_lite.layers.base import Layer
from caffe_lite.proto import schema

Fixed = Iterable[tuple[int, Sequence[int]]]


def _pads_as_needed(layer: Layer) -> bool:
    param = layer.param.convolution_param
    return param.HasField("tf_pad") and param.tf_pad == schema.ConvolutionParameter.SAME


def _spatial(layer: Layer) -> Fixed:
    """TensorFlow's padding follows from the size, as ONNX has it only without dilation."""
    param = layer.param.convolution_param
    dilated = any(d > 1 for d in param.dilation)
    return [(0, (2, 3))] if _pads_as_needed(layer) and dilated else []


@translates(Convolution, DepthwiseConvolution, fixed=_spatial)
def convolution(site: Site) -> list[Tensor]:
    geometry = geometry_of(site)
    if not _pads_as_needed(site.layer):
        return convolved(site, geometry, {"pads": [*geometry.pad] * 2})
    if max(geometry.dilation) == 1:
        return convolved(site, geometry, {"auto_pad": "SAME_UPPER"})
    sides = []
    for axis, (s, k) in enumerate(zip(geometry.stride, geometry.extent, strict=True), 2):
        size = site.size(axis).number
        sides.append(max((-(-size // s) - 1) * s + k - size, 0))
    before = [side // 2 for side in sides]
    after = [side - first for side, first in zip(sides, before, strict=True)]
    return convolved(site, geometry, {"pads": [*before, *after]})


@translates(Axpy)
def axpy(site: Site) -> list[Tensor]:
    factor, x1, x2 = site.x
    count, axes = len(site.shapes[0]), len(site.shapes[1])
    if count < axes:
        factor = site.graph.unsqueeze(factor, range(count, axes))
    elif count > axes:
        factor = site.graph.squeeze(factor, range(axes, count))
    return [site.op("Add", site.op("Mul", factor, x1), x2)]


@translates(ReLU6)
def relu6(site: Site) -> list[Tensor]:
    own, general = site.layer.param.relu6_param, site.layer.param.relu_param
    leak = (own if own.HasField("negative_slope") else general).negative_slope
    zero = site.graph.floats(0)
    y = site.op("Clip", site.x[0], zero, site.graph.floats(6))
    if leak:
        y = site.op("Add", y, affine(site, site.op("Min", site.x[0], zero), leak, 0))
    return [y]


def _channels(layer: Layer) -> Fixed:
    return [(0, (1,))]


@translates(ShuffleChannel, fixed=_channels)
def shuffle_channel(site: Site) -> list[Tensor]:
    group, channels = site.layer.param.shuffle_channel_param.group, site.shapes[0][1]
    after = site.sizes(range(2, len(site.shapes[0])))
    parts = [group, channels // group]
    grouped = site.as_shape(site.x[0], [site.size(0), *parts, *after])
    order = [0, 2, 1, *range(3, 3 + len(after))]
    mixed = site.graph.transpose(grouped, order)
    return [site.as_shape(mixed, [site.size(0), channels, *after])]
