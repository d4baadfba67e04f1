"""SegNet's and ENet's layers: batch normalization, and pixels put where a mask says."""

from collections.abc import Iterable, Sequence

import numpy as np

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.channel_norm import channel_norm
from caffe_lite.export.onnx.layers.elementwise import dropout as caffes_dropout
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import Size, vector
from caffe_lite.forks.segnet.bn import BN
from caffe_lite.forks.segnet.dropout import Dropout as SampledDropout
from caffe_lite.forks.segnet.spatial_dropout import SpatialDropout
from caffe_lite.forks.segnet.unpooling import Unpooling
from caffe_lite.forks.segnet.upsample import Upsample
from caffe_lite.layers.base import Layer
from caffe_lite.proto import schema
from caffe_lite.types import Pair


@translates(BN)
def bn(site: Site) -> list[Tensor]:
    y, *statistics = channel_norm(site)
    channels = site.shapes[0][1]
    return [
        y,
        *(site.graph.reshape(s, [1, channels, 1, 1]) for s in statistics[: len(site.made) - 1]),
    ]


@translates(SampledDropout)
def sampled_dropout(site: Site) -> list[Tensor]:
    param = site.layer.param.dropout_param
    if param.sample_weights_test and param.dropout_ratio > 0:
        raise site.refuse("it drops at random while testing, too (sample_weights_test)")
    return caffes_dropout(site)


@translates(SpatialDropout)
def spatial_dropout(site: Site) -> list[Tensor]:
    param = site.layer.param.spatial_dropout_param
    if (site.layer.train or param.sample_weights_test) and param.dropout_ratio > 0:
        raise site.refuse("it drops channels at random")
    return [site.x[0]]


@translates(Upsample)
def upsample(site: Site) -> list[Tensor]:
    param = site.layer.param.upsample_param
    masked = len(site.x) > 1
    default = param.scale if masked or param.HasField("scale") else 1
    scale = (param.scale_h or default, param.scale_w or default)
    if not masked:
        scales = site.graph.floats([1, 1, *scale])
        return [
            site.op(
                "Resize",
                site.x[0],
                "",
                scales,
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        ]
    if param.HasField("upsample_h"):
        size = [Size(site.graph, param.upsample_h), Size(site.graph, param.upsample_w)]
    else:
        pads = (param.pad_out_h, param.pad_out_w)
        size = [site.size(2 + i) * scale[i] - pads[i] for i in (0, 1)]
    return [_placed(site, size)]


def _placed(site: Site, size: Sequence[Size]) -> Tensor:
    """Zeros of this size, with each pixel at the place h * W' + w that the mask gives."""
    graph = site.graph
    outer: list[int | Size] = [site.size(0), site.size(1)]
    zeros = graph.add("ConstantOfShape", vector(graph, [*outer, size[0] * size[1]]))
    places = graph.to_ints(graph.reshape(site.x[1], [0, 0, -1]))
    pixels = graph.reshape(site.x[0], [0, 0, -1])
    flat = site.op("ScatterElements", zeros, places, pixels, axis=2)
    return site.as_shape(flat, [*outer, *size])


def _unless_masked(layer: Layer) -> Iterable[tuple[int, Sequence[int]]]:
    """Without a mask the places follow from the size."""
    return [] if len(layer.param.bottom) > 1 else [(0, (1, 2, 3))]


@translates(Unpooling, fixed=_unless_masked)
def unpooling(site: Site) -> list[Tensor]:
    param, methods = site.layer.param.unpooling_param, schema.UnpoolingParameter
    size = _pair(site, "unpool_size", "unpool")
    if len(site.x) > 1:
        return [_placed(site, [Size(site.graph, side) for side in size])]
    kernel, stride = _pair(site, "kernel_size", "kernel"), _pair(site, "stride", "stride")
    channels, height, width = site.shapes[0][1:]
    x = site.x[0]
    weight = np.ones((channels, 1, *kernel), np.float32)
    if param.unpool == methods.MAX:
        weight[...] = 0
        weight[:, :, 0, 0] = 1
    elif param.unpool == methods.AVE:
        counts = [
            np.minimum(kernel[i], size[i] - np.arange(count) * stride[i])
            for i, count in enumerate((height, width))
        ]
        x = site.op("Div", x, site.graph.floats(np.outer(*counts)))
    spread = site.op(
        "ConvTranspose",
        x,
        site.graph.floats(weight),
        kernel_shape=list(kernel),
        strides=list(stride),
        group=channels,
    )
    made = [(n - 1) * s + k for n, s, k in zip((height, width), stride, kernel, strict=True)]
    missing = [max(want - have, 0) for want, have in zip(size, made, strict=True)]
    pads = site.graph.ints([0, 0, 0, 0, 0, 0, *missing])
    padded = site.op("Pad", spread, pads, site.graph.floats(0))
    return [site.graph.slice(padded, [0, 0], size, [2, 3])]


def _pair(site: Site, field: str, short: str) -> Pair:
    param = site.layer.param.unpooling_param
    if param.HasField(f"{short}_h"):
        return getattr(param, f"{short}_h"), getattr(param, f"{short}_w")
    return (getattr(param, field),) * 2
