"""happynear's layers: batch normalization in parts, one factor for each place."""

import numpy as np

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.layers.elementwise import affine
from caffe_lite.export.onnx.layers.normalization import (
    batch_norm_averages,
    normalized,
    uses_averages,
)
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.forks.happynear.batch_norm import BatchNorm
from caffe_lite.forks.happynear.channel_scale import ChannelScale


@translates(BatchNorm)
def batch_norm(site: Site) -> list[Tensor]:
    param = site.layer.param.batch_norm_param
    eps = param.eps
    if not uses_averages(site):
        return [_of_batch(site, eps)]
    mean, var = batch_norm_averages(site)
    if param.disable_mean:
        mean = np.zeros_like(mean)
    if param.disable_variance:
        return [site.op("Sub", site.x[0], site.per_channel(mean))]
    return [normalized(site, mean, var, eps)]


def _of_batch(site: Site, eps: float) -> Tensor:
    graph, x = site.graph, site.x[0]
    param = site.layer.param.batch_norm_param
    axes = [axis for axis in range(len(site.shapes[0])) if axis != 1]
    if not param.disable_mean:
        x = site.op("Sub", x, graph.reduce("ReduceMean", x, axes))
    if param.disable_variance:
        return x
    var = graph.reduce("ReduceMean", site.op("Mul", x, x), axes)
    return site.op("Div", x, site.op("Sqrt", affine(site, var, 1, eps)))


@translates(ChannelScale)
def channel_scale(site: Site) -> list[Tensor]:
    if not site.layer.param.channel_scale_param.do_forward:
        return [site.x[0]]
    places = site.sizes(range(2, len(site.shapes[0])))
    factor = site.as_shape(site.x[1], [site.size(0), 1, *places])
    return [site.op("Mul", site.x[0], factor)]
