"""Convolutions, their transposes, patches as columns, and inner products."""

from math import prod

import numpy as np

from caffe_lite.backend import ConvGeometry
from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import Size
from caffe_lite.layers._conv import ConvolutionBase, read_geometry
from caffe_lite.layers.base import Layer
from caffe_lite.layers.convolution import Convolution
from caffe_lite.layers.deconvolution import Deconvolution
from caffe_lite.layers.embed import Embed
from caffe_lite.layers.im2col import Im2col
from caffe_lite.layers.inner_product import InnerProduct


@translates(Convolution, Deconvolution)
def convolution(site: Site) -> list[Tensor]:
    geometry = geometry_of(site)
    return convolved(site, geometry, {"pads": [*geometry.pad] * 2})


def convolved(site: Site, geometry: ConvGeometry, padding: dict[str, object]) -> list[Tensor]:
    """The tops of a convolution. ONNX wants one axis before the channels and one behind them."""
    layer = site.layer
    if not isinstance(layer, ConvolutionBase):
        raise TypeError(f"{layer.type} is no convolution")
    op = "ConvTranspose" if layer.transposed else "Conv"
    given, plain = layer.blobs[0].shape, layer.param.convolution_param
    axis = plain.axis % len(site.shapes[0])
    wanted = (*given[:2], *geometry.kernel)
    weight = site.weight(0) if given == wanted else site.weight_as(0, _in_shape(site, 0, wanted))
    bias = _bias(site, plain.num_output) if plain.bias_term else ()
    tops = []
    for x, made in zip(site.x, site.made, strict=True):
        y = site.op(
            op,
            _as_images(site, x, axis),
            weight,
            *bias,
            kernel_shape=list(geometry.kernel),
            strides=list(geometry.stride),
            dilations=list(geometry.dilation),
            group=geometry.group,
            **padding,
        )
        tops.append(_as_blob(site, y, axis, made))
    return tops


def geometry_of(site: Site) -> ConvGeometry:
    """The windows, as if there were one axis of size 1 where there is no spatial axis."""
    param = site.layer.param.convolution_param
    axes = len(site.shapes[0]) - param.axis % len(site.shapes[0]) - 1
    if not axes:
        return ConvGeometry((1,), (1,), (0,), (1,), param.group)
    return read_geometry(site.layer, axes, param.group)


def _in_shape(site: Site, i: int, shape: tuple[int, ...]) -> np.ndarray:
    return site.values(i).reshape(shape)


def _bias(site: Site, count: int) -> tuple[Tensor]:
    if site.layer.blobs[1].shape == (count,):
        return (site.weight(1),)
    return (site.weight_as(1, _in_shape(site, 1, (count,))),)


def _as_images(site: Site, x: Tensor, axis: int) -> Tensor:
    """x as (batch, channels, spatial axes)."""
    shape = site.shapes[0]
    if axis == 1 and len(shape) > 2:
        return x
    batch = Size(site.graph, 1)
    for before in range(axis):
        batch = batch * site.size(before)
    after = site.sizes(range(axis + 1, len(shape))) or [Size(site.graph, 1)]
    return site.as_shape(x, [batch, shape[axis], *after])


def _as_blob(site: Site, y: Tensor, axis: int, made: tuple[int, ...]) -> Tensor:
    """The result (batch, channels, spatial axes) with the axes of the top, of shape `made`."""
    if axis == 1 and len(made) > 2:
        return y
    before, spatial = site.sizes(range(axis)), range(axis + 1, len(made))
    shape = site.op("Shape", y) if site.is_free(spatial) else ""
    after = [
        Size(site.graph, site.op("Gather", shape, site.graph.ints([2 + i]), axis=0))
        if site.is_free([s])
        else Size(site.graph, made[s])
        for i, s in enumerate(spatial)
    ]
    return site.as_shape(y, [*before, made[axis], *after])


def _channels(layer: Layer) -> list[tuple[int, list[int]]]:
    return [(0, [layer.param.convolution_param.axis])]


@translates(Im2col, fixed=_channels)
def im2col(site: Site) -> list[Tensor]:
    """A convolution of each channel with kernels that pick one tap."""
    axis = site.layer.param.convolution_param.axis % len(site.shapes[0])
    channels = site.shapes[0][axis]
    geometry = read_geometry(site.layer, len(site.shapes[0]) - axis - 1)
    taps = prod(geometry.kernel)
    weight = np.tile(np.eye(taps, dtype=np.float32), (channels, 1))
    y = site.op(
        "Conv",
        _as_images(site, site.x[0], axis),
        site.graph.floats(weight.reshape(channels * taps, 1, *geometry.kernel)),
        kernel_shape=list(geometry.kernel),
        strides=list(geometry.stride),
        dilations=list(geometry.dilation),
        pads=[*geometry.pad] * 2,
        group=channels,
    )
    return [_as_blob(site, y, axis, site.made[0])]


@translates(InnerProduct)
def inner_product(site: Site) -> list[Tensor]:
    param, shape = site.layer.param.inner_product_param, site.shapes[0]
    axis = param.axis % len(shape)
    x = site.x[0]
    if axis != 1 or len(shape) != 2:
        x = site.op("Flatten", x, axis=axis)
    bias = _bias(site, param.num_output) if param.bias_term else ()
    weight, wanted = site.layer.blobs[0], _matrix(site)
    matrix = (
        site.weight(0) if weight.shape == wanted else site.weight_as(0, _in_shape(site, 0, wanted))
    )
    y = site.op("Gemm", x, matrix, *bias, transB=int(not param.transpose))
    if axis != 1:
        y = site.as_shape(y, [*site.sizes(range(axis)), param.num_output])
    return [y]


def _matrix(site: Site) -> tuple[int, int]:
    param, shape = site.layer.param.inner_product_param, site.shapes[0]
    inputs = prod(shape[param.axis % len(shape) :])
    return (inputs, param.num_output) if param.transpose else (param.num_output, inputs)


@translates(Embed)
def embed(site: Site) -> list[Tensor]:
    """Rows of the table; an id of -1 gives zeros."""
    graph = site.graph
    ids = graph.to_ints(site.x[0])
    rows = site.op("Gather", site.weight(0), site.op("Max", ids, graph.ints(0)), axis=0)
    is_word = graph.to_floats(site.op("GreaterOrEqual", ids, graph.ints(0)))
    y = site.op("Mul", rows, graph.unsqueeze(is_word, [len(site.shapes[0])]))
    if site.layer.param.embed_param.bias_term:
        y = site.op("Add", y, site.weight(1))
    return [y]
