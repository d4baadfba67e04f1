"""DeepLab's and PSPNet's layers: batch normalization, interpolation between corners."""

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.channel_norm import channel_norm
from caffe_lite.export.onnx.layers.normalization import batch_norm as caffes_batch_norm
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import Size, vector
from caffe_lite.forks.deeplab.batch_norm import BatchNorm
from caffe_lite.forks.deeplab.bn import BN
from caffe_lite.forks.deeplab.interp import Interp


@translates(BN)
def bn(site: Site) -> list[Tensor]:
    return [channel_norm(site)[0]]


@translates(BatchNorm)
def batch_norm(site: Site) -> list[Tensor]:
    """While testing it is Caffe's."""
    return caffes_batch_norm(site)


@translates(Interp)
def interp(site: Site) -> list[Tensor]:
    param, graph, x = site.layer.param.interp_param, site.graph, site.x[0]
    sides = [site.size(axis) for axis in (2, 3)]
    if param.pad_beg or param.pad_end:
        begin = -param.pad_beg
        ends = vector(graph, [side + param.pad_end for side in sides])
        x = graph.slice(x, [begin] * 2, ends, [2, 3])
        sides = [side + (param.pad_beg + param.pad_end) for side in sides]
    shrinks, zooms = param.HasField("shrink_factor"), param.HasField("zoom_factor")
    if param.HasField("height") and param.HasField("width") and shrinks == zooms:
        sides = [Size(graph, param.height), Size(graph, param.width)]
    else:
        sides = [(n - 1) // param.shrink_factor * param.zoom_factor + 1 for n in sides]
    sizes = vector(graph, [site.size(0), site.size(1), *sides])
    y = site.op(
        "Resize", x, "", "", sizes, mode="linear", coordinate_transformation_mode="align_corners"
    )
    return [y]
