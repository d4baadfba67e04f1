"""Batch normalization of the forks: statistics, factors and summands by channel."""

import numpy as np

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.layers.elementwise import affine
from caffe_lite.export.onnx.layers.normalization import normalized
from caffe_lite.export.onnx.site import Site
from caffe_lite.forks.norms.channel_norm import ChannelNorm
from caffe_lite.types import Array


def channel_norm(site: Site) -> tuple[Tensor, Tensor, Tensor]:
    """y = scale (x - mean) / sqrt(var + eps) + shift; then mean and var, "" if they are constants.

    Mean and var of the batch have all axes, of size 1 except that of the channels.
    """
    layer = site.layer
    if not isinstance(layer, ChannelNorm):
        raise TypeError(f"{layer.type} has no statistics by channel")
    scale, shift = (
        None if blob is None else layer.ops.to_host(blob.data).reshape(-1)
        for blob in (layer.scale, layer.shift)
    )
    if layer.of_batch:
        return _of_batch(site, layer, scale, shift)
    mean, var = (np.zeros(layer.blobs[0].count, np.float32) for _ in range(2))
    layer.statistics(np.empty(0, np.float32), mean, var)
    if layer.axis == 1:
        return normalized(site, mean, var, layer.eps, scale, shift), "", ""
    factor = (1 if scale is None else scale) / np.sqrt(var + np.float32(layer.eps))
    offset = (0 if shift is None else shift) - mean * factor
    y = site.op("Mul", site.x[0], site.per_channel(factor, layer.axis))
    return site.op("Add", y, site.per_channel(offset, layer.axis)), "", ""


def _of_batch(
    site: Site, layer: ChannelNorm, scale: Array | None, shift: Array | None
) -> tuple[Tensor, Tensor, Tensor]:
    graph, x = site.graph, site.x[0]
    axes = [axis for axis in range(len(site.shapes[0])) if axis != layer.axis]
    mean = graph.reduce("ReduceMean", x, axes)
    centred = site.op("Sub", x, mean)
    var = graph.reduce("ReduceMean", site.op("Mul", centred, centred), axes)
    y = site.op("Div", centred, site.op("Sqrt", affine(site, var, 1, layer.eps)))
    if scale is not None:
        y = site.op("Mul", y, site.per_channel(scale, layer.axis))
    if shift is not None:
        y = site.op("Add", y, site.per_channel(shift, layer.axis))
    return y, mean, var
